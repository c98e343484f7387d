// SPDX-License-Identifier: BSL-1.0
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "cohort/ipc/current_process.hpp"
#include "cohort/ipc/process.hpp"
#include "ipc/family.hpp"  // await
#include "ipc/processes.hpp"
#include "support/flavours.hpp"

namespace cohort {
namespace {

using namespace std::chrono_literals;
using test::await;
using test::eventually;
using test::exit_code_after;

const ProcessOptions forked{.start_method = StartMethod::fork};

/// Memory that a forked child shares with its parent.
template <class T>
class Shared {
 public:
  Shared()
      : at_(new (mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0)) T{}) {}
  ~Shared() { munmap(at_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T& operator*() const { return *at_; }
  T* operator->() const { return at_; }

 private:
  T* at_;
};

/// Keeps children alive until it is opened, or gone.
class Barred {
 public:
  Barred() {
    if (pipe2(ends_, O_CLOEXEC) != 0) std::abort();
  }
  ~Barred() {
    open();
    close(ends_[0]);
  }
  Barred(const Barred&) = delete;
  Barred& operator=(const Barred&) = delete;
  void open() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  void pass() const {  // in a child
    close(ends_[1]);
    char c = 0;
    while (read(ends_[0], &c, 1) < 0 && errno == EINTR) {}
  }

 private:
  int ends_[2];
};

template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

template <class Fn>
int exit_code_of(Fn fn) {
  Process p{forked, fn};
  return exit_code_after(p);
}

/// What a child prints, on either.
template <class Fn>
std::string printed_by(int descriptor, Fn fn) {
  std::fflush(nullptr);
  std::FILE* const file = std::tmpfile();
  const int saved = dup(descriptor);
  dup2(fileno(file), descriptor);
  fn();
  std::fflush(nullptr);
  dup2(saved, descriptor);
  close(saved);
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

// C010
TEST(Process, IsNothingBeforeItStarts) {
  Process p{[] {}};
  EXPECT_EQ(p.pid(), 0);
  EXPECT_FALSE(p.exitcode());
  EXPECT_FALSE(p.is_alive());
  EXPECT_FALSE(p.daemon());
  EXPECT_TRUE(active_children().empty());
  EXPECT_EQ(p.name().rfind("Process-", 0), 0U) << p.name();
}

// C011
TEST(Process, IsNumberedByItsParent) {
  Process first{[] {}};
  Process second{forked, [] {
                   const Process grandchild{[] {}};
                   throw ProcessExit{grandchild.name() == current_process().name() + ":1" ? 7 : 8};
                 }};
  const int a = std::stoi(first.name().substr(8));
  const int b = std::stoi(second.name().substr(8));
  EXPECT_EQ(b, a + 1);
  EXPECT_EQ(exit_code_after(second), 7);
}

// C012 C021
TEST(Process, LivesUntilItsFunctionReturns) {
  Barred barred;
  Process p{forked, [&] { barred.pass(); }};
  p.start();
  EXPECT_GT(p.pid(), 0);
  EXPECT_TRUE(p.is_alive());
  EXPECT_FALSE(p.exitcode());
  ASSERT_EQ(active_children().size(), 1U);
  EXPECT_EQ(active_children()[0].pid(), p.pid());
  EXPECT_EQ(active_children()[0].name(), p.name());
  barred.open();
  EXPECT_TRUE(eventually([&] { return p.exitcode().has_value(); }));
  EXPECT_EQ(p.exitcode(), 0);
  EXPECT_FALSE(p.is_alive());
  EXPECT_TRUE(active_children().empty());
}

// C013 C014 C015 C016 C032
TEST(Process, RefusesCallsInTheWrongOrder) {
  Process p{forked, [] {}};
  EXPECT_NE(refusal([&] { (void)p.join(); }).find("can only join a started process"),
            std::string::npos);
  EXPECT_NE(refusal([&] { p.sentinel(); }), "");
  EXPECT_NE(refusal([&] { p.terminate(); }), "");
  EXPECT_NE(refusal([&] { p.kill(); }), "");
  EXPECT_NE(refusal([&] { p.detach(); }), "");
  p.start();
  EXPECT_NE(refusal([&] { p.start(); }).find("cannot start a process twice"), std::string::npos);
  EXPECT_NE(refusal([&] { p.set_daemon(true); }).find("has already started"), std::string::npos);
  p.join().block();
  EXPECT_NE(refusal([&] { p.start(); }).find("cannot start a process twice"), std::string::npos);
}

// C017 C018
TEST(Process, IsJoinedAnyNumberOfTimesAndForAWhile) {
  Barred barred;
  Process p{forked, [&] { barred.pass(); }};
  p.start();
  EXPECT_FALSE(p.join().within(0s).block());
  EXPECT_FALSE(p.join().within(-1s).block());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(p.join().within(50ms).block());
  EXPECT_GE(std::chrono::steady_clock::now() - before, 50ms);
  EXPECT_TRUE(p.is_alive());
  barred.open();
  p.join().block();
  p.join().block();
  EXPECT_TRUE(p.join().within(0s).block());
}

// C012 C009
TEST(Process, IsAwaitedByACoroutine) {
  Barred barred;
  Process p{forked, [&] { barred.pass(); }};
  p.start();
  run([](Process& process, Barred& bar) -> Task<> {
    EXPECT_FALSE(co_await process.join().within(1ms));
    bar.open();
    co_await process.join();
    EXPECT_EQ(process.exitcode(), 0);
  }(p, barred));
}

// C019
TEST(Process, TellsHowItEnded) {
  EXPECT_EQ(exit_code_of([] {}), 0);
  EXPECT_EQ(exit_code_of([] { return 5; }), 0);
  EXPECT_EQ(exit_code_of([] { std::exit(3); }), 3);
  EXPECT_EQ(exit_code_of([] { std::exit(256); }), 0);
  EXPECT_EQ(exit_code_of([] { std::exit(-1); }), 255);
  EXPECT_EQ(exit_code_of([] { throw ProcessExit{4}; }), 4);
  EXPECT_EQ(exit_code_of([] { throw ProcessExit{}; }), 0);
  EXPECT_EQ(exit_code_of([] { _exit(5); }), 5);
  for (const int number : {SIGTERM, SIGKILL}) {
    EXPECT_EQ(exit_code_of([number] {
                raise(number);
                pause();
              }),
              -number);
  }
  EXPECT_EQ(exit_code_of([] {
              signal(SIGABRT, SIG_DFL);
              std::abort();
            }),
            -SIGABRT);
  EXPECT_EQ(exit_code_of([] {
              signal(SIGSEGV, SIG_DFL);
              raise(SIGSEGV);
            }),
            -SIGSEGV);
}

// C019 C020
TEST(Process, ReportsWhatItThrew) {
  const std::string text = printed_by(2, [] {
    Process p{ProcessOptions{.name = "cook", .start_method = StartMethod::fork},
              [] { throw std::runtime_error("no salt"); }};
    EXPECT_EQ(exit_code_after(p), 1);
    Process q{forked, [] { throw ProcessExit{"bye"}; }};
    EXPECT_EQ(exit_code_after(q), 1);
  });
  EXPECT_EQ(text, "Process cook: no salt\nbye\n");
}

// C022
TEST(Process, IsTerminatedAndKilled) {
  Barred barred;
  Process p{forked, [&] { barred.pass(); }};
  Process q{forked, [&] {
              signal(SIGTERM, SIG_IGN);
              barred.pass();
            }};
  p.start();
  q.start();
  p.terminate();
  q.kill();
  p.join().block();
  q.join().block();
  EXPECT_EQ(p.exitcode(), -SIGTERM);
  EXPECT_EQ(q.exitcode(), -SIGKILL);
  p.terminate();
  p.kill();
  EXPECT_EQ(p.exitcode(), -SIGTERM);
}

// C023
TEST(Process, ComesInHundreds) {
  std::vector<Process> processes;
  for (int i = 0; i < 100; ++i) processes.emplace_back(forked, [] {});
  for (auto& p : processes) p.start();
  for (auto& p : processes) p.join().block();
  for (auto& p : processes) EXPECT_EQ(p.exitcode(), 0);
  processes.clear();
  Barred barred;
  for (int i = 0; i < 100; ++i) processes.emplace_back(forked, [&] { barred.pass(); });
  for (auto& p : processes) p.start();
  for (auto& p : processes) p.terminate();
  for (auto& p : processes) p.join().block();
  for (auto& p : processes) EXPECT_EQ(p.exitcode(), -SIGTERM);
}

// C024 C025
TEST(Process, IsClosedForGood) {
  Barred barred;
  Process p{ProcessOptions{.name = "cook", .start_method = StartMethod::fork},
            [&] { barred.pass(); }};
  p.start();
  EXPECT_NE(refusal([&] { p.close(); }).find("still running"), std::string::npos);
  barred.open();
  p.join().block();
  p.close();
  p.close();
  const std::string closed = "process object is closed";
  EXPECT_NE(refusal([&] { p.pid(); }).find(closed), std::string::npos);
  EXPECT_NE(refusal([&] { p.exitcode(); }).find(closed), std::string::npos);
  EXPECT_NE(refusal([&] { p.is_alive(); }).find(closed), std::string::npos);
  EXPECT_NE(refusal([&] { (void)p.join(); }).find(closed), std::string::npos);
  EXPECT_NE(refusal([&] { p.terminate(); }).find(closed), std::string::npos);
  EXPECT_NE(refusal([&] { p.start(); }).find(closed), std::string::npos);
  EXPECT_EQ(p.name(), "cook");
}

bool readable(int fd) { return os::wait_readable(fd, Clock::now()); }

// C026
TEST(Process, HasASentinelThatIsReadableFromItsEndOn) {
  Barred barred;
  Process p{forked, [&] { barred.pass(); }};
  p.start();
  const int sentinel = p.sentinel();
  EXPECT_FALSE(readable(sentinel));
  barred.open();
  EXPECT_TRUE(os::wait_readable(sentinel, Clock::now() + 1min));
  p.join().block();
  EXPECT_TRUE(readable(sentinel));
  EXPECT_TRUE(readable(p.sentinel()));
}

// C027
TEST(Process, HasEndedAlsoWhileItsOwnChildrenLive) {
  Barred barred;
  const Shared<std::atomic<int>> grandchild;
  Process p{forked, [&] {
              Process child{forked, [&] {
                              *grandchild = getpid();
                              barred.pass();
                            }};
              child.start();
              child.detach();
              await([&] { return *grandchild != 0; });
              _exit(9);
            }};
  p.start();
  EXPECT_TRUE(p.join().within(1min).block());
  EXPECT_TRUE(readable(p.sentinel()));
  EXPECT_EQ(kill(*grandchild, 0), 0);
  barred.open();
}

// C028
TEST(Process, IsReapedByActiveChildren) {
  Process p{forked, [] {}};
  p.start();
  const int pid = p.pid();
  EXPECT_TRUE(eventually([] { return active_children().empty(); }));
  EXPECT_EQ(kill(pid, 0), -1) << "still a zombie";
  Process q{forked, [] { throw ProcessExit{active_children().empty() ? 0 : 1}; }};
  EXPECT_EQ(exit_code_after(q), 0);
}

// C029
TEST(Process, OfAParentIsUselessInAChild) {
  Barred barred;
  Process first{forked, [&] { barred.pass(); }};
  Process never{forked, [] {}};
  first.start();
  EXPECT_EQ(exit_code_of([&] {
              if (refusal([&] { (void)first.join(); }).empty()) throw ProcessExit{1};
              if (refusal([&] { first.is_alive(); }).empty()) throw ProcessExit{2};
              if (refusal([&] { never.start(); }).empty()) throw ProcessExit{3};
              if (refusal([&] { first.terminate(); }).empty()) throw ProcessExit{4};
            }),
            0);
  EXPECT_TRUE(first.is_alive());
  barred.open();
}

// C030 C049
TEST(Process, KnowsItself) {
  EXPECT_EQ(current_process().name(), "MainProcess");
  EXPECT_EQ(current_process().pid(), getpid());
  EXPECT_TRUE(current_process().is_alive());
  EXPECT_FALSE(current_process().exitcode());
  EXPECT_NE(refusal([] { (void)current_process().join(); }), "");
  EXPECT_EQ(current_authkey().size(), 32U);
  Process p{ProcessOptions{.name = "cook", .daemon = true, .start_method = StartMethod::fork},
            [key = current_authkey()] {
              if (current_process().name() != "cook") throw ProcessExit{1};
              if (!current_process().daemon()) throw ProcessExit{2};
              if (current_process().pid() != getpid()) throw ProcessExit{3};
              if (current_authkey() != "another") throw ProcessExit{4};
              if (get_start_method() != StartMethod::fork) throw ProcessExit{5};
            }};
  EXPECT_EQ(p.authkey(), current_authkey());
  p.set_authkey("another");
  EXPECT_EQ(exit_code_after(p), 0);
  EXPECT_EQ(exit_code_of(
                [key = current_authkey()] { throw ProcessExit{current_authkey() == key ? 0 : 1}; }),
            0);
}

// C031
TEST(Process, KnowsItsParentAndSeesItsEnd) {
  EXPECT_FALSE(parent_process());
  const Shared<std::atomic<int>> seen;
  Barred barred;
  Process p{ProcessOptions{.name = "father", .start_method = StartMethod::fork}, [&] {
              Process child{forked, [&] {
                              const ProcessRef father = *parent_process();
                              const bool right = father.name() == "father" &&
                                                 father.pid() == getppid() && father.is_alive();
                              *seen = right ? 1 : 100;
                              father.join().block();
                              *seen = *seen + (father.is_alive() ? 50 : 1);
                            }};
              child.start();
              barred.pass();
            }};
  p.start();
  EXPECT_TRUE(eventually([&] { return *seen == 1; }));
  p.kill();
  EXPECT_TRUE(eventually([&] { return *seen == 2; }));
}

// C033
TEST(Process, OfADaemonHasNoChildren) {
  Process p{ProcessOptions{.daemon = true, .start_method = StartMethod::fork}, [] {
              Process child{[] {}};
              if (!child.daemon()) throw ProcessExit{1};
              const std::string text = refusal([&] { child.start(); });
              if (text != "daemonic processes are not allowed to have children") {
                throw ProcessExit{2};
              }
              if (!active_children().empty()) throw ProcessExit{3};
            }};
  EXPECT_EQ(exit_code_after(p), 0);
}

// C034 C035
TEST(Process, EndsItsDaemonsAndWaitsForItsOtherChildren) {
  const Shared<std::atomic<int>> daemon_pid;
  const Shared<std::atomic<int>> worked;
  Process p{forked, [&] {
              Process daemon{ProcessOptions{.daemon = true}, [&] {
                               *daemon_pid = getpid();
                               for (;;) pause();
                             }};
              daemon.start();
              await([&] { return *daemon_pid != 0; });
              static std::optional<Process> worker;  // nobody's destructor joins it
              worker.emplace(forked, [&] {
                // Its parent has come to its end when the daemon is gone.
                await([&] { return kill(*daemon_pid, 0) != 0; });
                *worked = 1;
              });
              worker->start();
              worker->detach();
              throw ProcessExit{6};
            }};
  EXPECT_EQ(exit_code_after(p), 6);
  EXPECT_EQ(*worked, 1);
}

// C036
TEST(Process, OfADaemonEndsWhenItsParentIsKilled) {
  const Shared<std::atomic<int>> daemon_pid;
  const Shared<std::atomic<int>> dependent_pid;
  Process p{forked, [&] {
              Process daemon{ProcessOptions{.daemon = true}, [&] {
                               *daemon_pid = getpid();
                               for (;;) pause();
                             }};
              Process dependent{ProcessOptions{.die_with_parent = true}, [&] {
                                  *dependent_pid = getpid();
                                  for (;;) pause();
                                }};
              daemon.start();
              dependent.start();
              for (;;) pause();
            }};
  p.start();
  EXPECT_TRUE(eventually([&] { return *daemon_pid != 0 && *dependent_pid != 0; }));
  EXPECT_EQ(kill(*daemon_pid, 0), 0);
  p.kill();
  p.join().block();
  EXPECT_TRUE(eventually([&] { return os::start_time(*daemon_pid) == 0; }));
  EXPECT_TRUE(eventually([&] { return os::start_time(*dependent_pid) == 0; }));
}

// A daemon's creator may be a thread that ends long before the process does.
TEST(Process, OfADaemonOutlivesTheThreadThatStartedIt) {
  Barred barred;
  std::optional<Process> p;
  EXPECT_EQ(exit_code_of([&] {
              std::optional<Process> daemon;
              std::thread starter([&] {
                daemon.emplace(ProcessOptions{.daemon = true, .start_method = StartMethod::fork},
                               [&] { barred.pass(); });
                daemon->start();
              });
              starter.join();
              if (!daemon->is_alive()) throw ProcessExit{7};
            }),
            0);
}

int plus(int a, std::string b, std::unique_ptr<int> c) { return a + std::stoi(b) + *c; }

// C037
TEST(Process, GetsItsArgumentsAsTheyWere) {
  Process p{forked,
            [](int a, std::string b, std::unique_ptr<int> c, std::vector<int> d) {
              throw ProcessExit{plus(a, b, std::move(c)) + d.at(1)};
            },
            1,
            "20",
            std::make_unique<int>(40),
            std::vector<int>{0, 100}};
  EXPECT_EQ(exit_code_after(p), 161);
}

class Greeter : public Process {
 public:
  explicit Greeter(int fd) : Process(forked), fd_(fd) {}
  Greeter(Greeter&&) = default;
  std::string text;
  void run() override {
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    [[maybe_unused]] const auto n = write(fd_, text.data(), text.size());
  }

 private:
  int fd_;
};

// C038
TEST(Process, RunsWhatADerivedClassOverrides) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Greeter p(ends[1]);
  p.text = "hello";
  p.start();
  EXPECT_NE(refusal([&] { const Greeter q(std::move(p)); }).find("cannot be moved"),
            std::string::npos);
  p.join().block();
  char buffer[16] = "";
  EXPECT_EQ(read(ends[0], buffer, sizeof buffer), 5);
  EXPECT_STREQ(buffer, "HELLO");
  close(ends[0]);
  close(ends[1]);
}

// C039
TEST(Process, RunCalledDirectlyRunsHere) {
  int pid = 0;
  Process p{forked, [&] { pid = getpid(); }};
  p.run();
  EXPECT_EQ(pid, getpid());
  EXPECT_NE(refusal([&] { (void)p.join(); }).find("can only join a started process"),
            std::string::npos);
}

// C040
TEST(Process, SharesNoMemory) {
  static int global = 1;
  const int code = exit_code_of([] { throw ProcessExit{++global}; });
  EXPECT_EQ(code, 2);
  EXPECT_EQ(global, 1);
}

// C041
TEST(Process, PrintsNothingTwiceAndAllThatItPrinted) {
  const std::string text = printed_by(1, [] {
    std::fputs("parent\n", stdout);
    std::cout << "cout\n";
    Process p{forked, [] {
                std::fputs("child", stdout);
                std::cout << " and cout\n";
              }};
    EXPECT_EQ(exit_code_after(p), 0);
  });
  EXPECT_EQ(text, "parent\ncout\nchild and cout\n");
}

struct AtEnd {
  int fd;
  const char* text;
  ~AtEnd() { [[maybe_unused]] const auto n = write(fd, text, std::strlen(text)); }
};

// C041 "In a fork child the parent's exit hooks and runtime destructors do nothing"
TEST(Process, RunsItsOwnExitHandlersAndNoneOfItsParents) {
  const std::string text = printed_by(1, [] {
    Process p{
        forked, [] {
          static const AtEnd parents{1, "parent's static;"};  // not in this process
          std::atexit([] { [[maybe_unused]] const auto n = write(1, "parent's handler;", 17); });
          Process child{
              forked, [] {
                static const AtEnd own{1, "own static;"};
                std::atexit([] { [[maybe_unused]] const auto n = write(1, "own handler;", 12); });
              }};
          child.start();
          child.join().block();
          _exit(0);
        }};
    EXPECT_EQ(exit_code_after(p), 0);
  });
  EXPECT_EQ(text, "own handler;own static;");
}

std::string tree(int depth, int fd) {
  for (int i = 0; depth > 0 && i < 2; ++i) {
    Process child{forked,
                  [=](std::string path) {
                    path += static_cast<char>('0' + i);
                    [[maybe_unused]] const auto n = write(fd, (path + ";").data(), path.size() + 1);
                    for (int j = 0; j < 2 && path.size() < 2; ++j) {
                      Process g{forked, [=] {
                                  const std::string p = path + static_cast<char>('0' + j) + ";";
                                  [[maybe_unused]] const auto m = write(fd, p.data(), p.size());
                                }};
                      g.start();
                      g.join().block();
                    }
                  },
                  std::string()};
    child.start();
    child.join().block();
  }
  return "";
}

// C043
TEST(Process, StartsProcessesOfItsOwn) {
  const std::string text = printed_by(1, [] { tree(1, 1); });
  EXPECT_EQ(text, "0;00;01;1;10;11;");
}

// C044
TEST(Process, NeedsNoStandardOutput) {
  EXPECT_EQ(exit_code_of([] {
              for (int fd = 0; fd < 3; ++fd) close(fd);
              Process p{forked, [] { std::cout << "nobody hears" << std::flush; }};
              throw ProcessExit{exit_code_after(p)};
            }),
            0);
}

// C045
TEST(Process, ReadsNothingFromStandardInput) {
  EXPECT_EQ(exit_code_of([] {
              char c = 0;
              throw ProcessExit{read(0, &c, 1) == 0 && std::getchar() == EOF ? 0 : 1};
            }),
            0);
}

// C047
TEST(Process, IsJoinedBySeveralThreadsAtOnce) {
  for (int round = 0; round < 20; ++round) {
    Process p{forked, [] { throw ProcessExit{11}; }};
    p.start();
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        p.join().block();
        right += p.exitcode() == 11;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(right, 4);
  }
}

// C048
TEST(Process, MayBeReapedByOthers) {
  EXPECT_EQ(exit_code_of([] {
              signal(SIGCHLD, SIG_IGN);  // the system reaps
              Process p{forked, [] { throw ProcessExit{3}; }};
              p.start();
              p.join().block();
              if (p.is_alive() || p.exitcode() || p.exit_status_known()) throw ProcessExit{1};
              signal(SIGCHLD, SIG_DFL);
              Barred barred;
              Process q{forked, [&] { barred.pass(); }};
              q.start();
              barred.open();
              int status = 0;
              waitpid(-1, &status, 0);  // or the warden was first
              q.join().block();
              if (q.is_alive() || !active_children().empty()) throw ProcessExit{2};
            }),
            0);
}

// C050
TEST(Process, KnowsTheNumberOfCpus) { EXPECT_GE(cpu_count(), 1U); }

// A coroutine function runs on the child's own loop.
TEST(Process, RunsACoroutineFunction) {
  EXPECT_EQ(exit_code_of([]() -> Task<> {
              co_await yield_now();
              throw ProcessExit{12};
            }),
            12);
}

// "Destroying a started, non-daemonic Process joins it"
TEST(Process, IsJoinedByItsDestructor) {
  const Shared<std::atomic<int>> done;
  Barred barred;
  std::atomic<bool> left{false};
  std::thread opener;
  {
    Process p{forked, [&] {
                barred.pass();
                *done = 1;
              }};
    p.start();
    Process moved = std::move(p);
    EXPECT_TRUE(moved.is_alive());
    EXPECT_NE(refusal([&] { p.start(); }), "");
    opener = std::thread([&, destroyer = ::gettid()] {
      await([&] { return left || test::sleeps(destroyer); });
      barred.open();
    });
  }
  EXPECT_EQ(*done, 1);
  left = true;
  opener.join();
}

// "start() throws UsageError naming the ways out", unless fork was asked for by name
TEST(Process, IsNotForkedBesideThreadsThatRunUserCodeUnlessAskedForByName) {
  Event stop;
  std::thread other([&] { stop.wait().block(); });
  Process by_name{forked, [] {}};
  EXPECT_EQ(exit_code_after(by_name), 0);
  const int captured = 0;  // so that nothing but fork will do
  Process p{[&captured] { _exit(captured); }};
  const std::string text = refusal([&] { p.start(); });
  EXPECT_NE(text.find("freeze_support()"), std::string::npos) << text;
  stop.set();
  other.join();
  EXPECT_EQ(exit_code_after(p), 0);
}

// "The library's own idle threads do not count"
TEST(Process, IsForkedBesideIdleThreadsOfTheLibrary) {
  ThreadPool pool{3};
  EXPECT_EQ(pool.submit([] { return 1; }).block(), 1);
  EXPECT_EQ(exit_code_of([] { throw ProcessExit{2}; }), 2);
}

// The system has no descriptors of processes, as under valgrind.
TEST(Process, IsWatchedWithoutDescriptorsToo) {
  os::without_process_descriptors = true;
  Barred barred;
  Process p{forked, [&] { barred.pass(); }};
  p.start();
  const int sentinel = p.sentinel();
  EXPECT_FALSE(readable(sentinel));
  EXPECT_FALSE(p.join().within(30ms).block());
  barred.open();
  EXPECT_TRUE(p.join().within(1min).block());
  EXPECT_TRUE(readable(sentinel));
  Process q{forked, [] {
              for (;;) pause();
            }};
  q.start();
  q.kill();
  q.join().block();
  EXPECT_EQ(q.exitcode(), -SIGKILL);
  os::without_process_descriptors = false;
}

}  // namespace
}  // namespace cohort

#else

#include "cohort/ipc/process.hpp"
#include "support/flavours.hpp"

namespace cohort {
namespace {

TEST(Process, SaysWhereThereAreNone) {
  Process p{[] {}};
  EXPECT_THROW(p.start(), UsageError);
  EXPECT_FALSE(p.is_alive());
}

}  // namespace
}  // namespace cohort

#endif  // processes
