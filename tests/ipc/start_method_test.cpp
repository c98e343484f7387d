// SPDX-License-Identifier: BSL-1.0
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <map>

#include "cohort/ipc/current_process.hpp"
#include "cohort/ipc/process.hpp"
#include "cohort/ipc/process_of.hpp"
#include "ipc/processes.hpp"
#include "support/flavours.hpp"

namespace cohort {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::exit_code_after;

/// A file whose bytes are what processes have told.
class Notes {
 public:
  Notes() {
    char name[] = "/tmp/cohort-notes-XXXXXX";
    const int fd = mkstemp(name);
    if (fd < 0) std::abort();
    close(fd);
    name_ = name;
  }
  ~Notes() { unlink(name_.c_str()); }
  Notes(const Notes&) = delete;
  Notes& operator=(const Notes&) = delete;
  const std::string& name() const { return name_; }
  std::string text() const {
    std::string text;
    const int fd = open(name_.c_str(), O_RDONLY | O_CLOEXEC);
    char buffer[256];
    for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(n));
    }
    close(fd);
    return text;
  }

 private:
  std::string name_;
};
void note(const std::string& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  [[maybe_unused]] const auto n = write(fd, text.data(), text.size());
  close(fd);
}

class EveryStartMethod : public testing::TestWithParam<StartMethod> {
 protected:
  ProcessOptions options() const { return ProcessOptions{.start_method = GetParam()}; }
  template <class... A>
  int exit_code_of(A&&... a) const {
    Process p{options(), std::forward<A>(a)...};
    return exit_code_after(p);
  }
};
INSTANTIATE_TEST_SUITE_P(All, EveryStartMethod,
                         testing::Values(StartMethod::fork, StartMethod::spawn,
                                         StartMethod::forkserver),
                         [](const auto& test) { return std::string(to_string(test.param)); });

// C041: in the order in which it was printed, also where standard output is a file.
TEST_P(EveryStartMethod, PrintsBehindWhatItsParentHasPrinted) {
  const Notes notes;
  std::fflush(stdout);
  const int saved = dup(1);
  const int file = open(notes.name().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  dup2(file, 1);
  std::cout << "parent, ";
  EXPECT_EQ(exit_code_of([] { std::cout << "child, "; }), 0);
  std::cout << "parent" << std::flush;
  dup2(saved, 1);
  close(file);
  close(saved);
  EXPECT_EQ(notes.text(), "parent, child, parent");
}

struct Order {
  std::string dish;
  std::vector<int> sizes;
  std::map<std::string, double> prices;
};

int check(Order order, int number, std::string text) {
  throw ProcessExit{order.dish == "soup" && order.sizes == std::vector<int>{1, 2, 3} &&
                            order.prices.at("soup") == 4.5 && number == 42 && text == "hot"
                        ? 10
                        : 11};
}

// C012 C037 C051
TEST_P(EveryStartMethod, RunsAFunctionWithItsArguments) {
  const Order order{"soup", {1, 2, 3}, {{"soup", 4.5}}};
  Process p{options(), check, order, 42, "hot"};
  p.start();
  EXPECT_GT(p.pid(), 0);
  EXPECT_NE(p.pid(), getpid());
  p.join().block();
  EXPECT_EQ(p.exitcode(), 10);
  EXPECT_EQ(p.start_method(), GetParam());
}

// C019
TEST_P(EveryStartMethod, TellsHowItEnded) {
  EXPECT_EQ(exit_code_of([] {}), 0);
  EXPECT_EQ(exit_code_of([] { std::exit(3); }), 3);
  EXPECT_EQ(exit_code_of([] { throw ProcessExit{4}; }), 4);
  EXPECT_EQ(exit_code_of([] { raise(SIGKILL); }), -SIGKILL);
  EXPECT_EQ(exit_code_of([] { std::abort(); }), -SIGABRT);
  Process p{options(), [] {
              for (;;) pause();
            }};
  p.start();
  EXPECT_FALSE(p.join().within(0s).block());
  p.terminate();
  p.join().block();
  EXPECT_EQ(p.exitcode(), -SIGTERM);
}

// C019 C020
TEST_P(EveryStartMethod, ReportsAnException) {
  const Notes notes;
  Process p{ProcessOptions{.name = "cook", .start_method = GetParam()},
            [](std::string file) {
              const int fd = open(file.c_str(), O_WRONLY | O_APPEND);
              dup2(fd, 2);
              throw std::runtime_error("no salt");
            },
            notes.name()};
  EXPECT_EQ(exit_code_after(p), 1);
  EXPECT_EQ(notes.text(), "Process cook: no salt\n");
}

// C030 C049 C052
TEST_P(EveryStartMethod, KnowsWhoItIs) {
  Process p{ProcessOptions{.name = "cook", .daemon = true, .start_method = GetParam()},
            [](std::string key, StartMethod method, int parent) {
              if (current_process().name() != "cook") throw ProcessExit{1};
              if (current_process().pid() != getpid()) throw ProcessExit{2};
              if (!current_process().daemon()) throw ProcessExit{3};
              if (current_authkey() != key) throw ProcessExit{4};
              if (get_start_method() != method) throw ProcessExit{5};
              if (!parent_process() || parent_process()->pid() != parent) throw ProcessExit{6};
              if (parent_process()->name() != "MainProcess") throw ProcessExit{7};
              if (getppid() != parent || !parent_process()->is_alive()) throw ProcessExit{8};
              if (!active_children().empty()) throw ProcessExit{9};
            },
            current_authkey(), GetParam(), getpid()};
  EXPECT_EQ(exit_code_after(p), 0);
}

// C011 C043 C056
TEST_P(EveryStartMethod, PassesItsArgumentsOnToAChildOfItsOwn) {
  const Notes notes;
  Process p{
      options(),
      [](std::string file, StartMethod method) {
        for (const auto m : {StartMethod::spawn, StartMethod::fork, StartMethod::forkserver}) {
          Process child{
              ProcessOptions{.start_method = m},
              [](std::string f, StartMethod made_by) {
                note(f, current_process().name().substr(parent_process()->name().size()) + ' ');
                throw ProcessExit{get_start_method() == made_by ? 5 : 6};
              },
              file, m};
          child.start();
          child.join().block();
          if (child.exitcode() != 5) throw ProcessExit{100 + static_cast<int>(m)};
        }
        throw ProcessExit{static_cast<int>(method)};
      },
      notes.name(), GetParam()};
  EXPECT_EQ(exit_code_after(p), static_cast<int>(GetParam()));
  EXPECT_EQ(notes.text(), ":1 :2 :3 ");
}

// C045
TEST_P(EveryStartMethod, ReadsNothingFromStandardInput) {
  EXPECT_EQ(exit_code_of([] {
              char c = 0;
              throw ProcessExit{read(0, &c, 1) == 0 ? 0 : 1};
            }),
            0);
}

// The working directory, the mask of files' modes, the environment, standard output.
TEST_P(EveryStartMethod, IsWhereItsParentIs) {
  exit_code_of([] {});  // the fork server runs already
  const Notes notes;
  char here[512];
  ASSERT_TRUE(getcwd(here, sizeof here));
  ASSERT_EQ(chdir("/tmp"), 0);
  const mode_t mask = umask(027);
  setenv("COHORT_TEST_VALUE", "a=b", 1);
  const int out = dup(1);
  const int file = open(notes.name().c_str(), O_WRONLY | O_APPEND);
  std::fflush(nullptr);
  dup2(file, 1);
  const int code = exit_code_of([] {
    char cwd[512];
    if (!getcwd(cwd, sizeof cwd) || std::string(cwd) != "/tmp") throw ProcessExit{1};
    if (umask(0) != 027) throw ProcessExit{2};
    if (std::string(std::getenv("COHORT_TEST_VALUE")) != "a=b") throw ProcessExit{3};
    if (std::getenv("COHORT_PROCESS")) throw ProcessExit{4};
    std::printf("printed");
  });
  std::fflush(nullptr);
  dup2(out, 1);
  close(out);
  close(file);
  unsetenv("COHORT_TEST_VALUE");
  umask(mask);
  ASSERT_EQ(chdir(here), 0);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(notes.text(), "printed");
}

// C036
TEST_P(EveryStartMethod, MakesDaemonsThatEndWithAKilledParent) {
  const Notes notes;
  Process p{ProcessOptions{.start_method = StartMethod::fork},
            [method = GetParam(), file = notes.name()] {
              Process daemon{ProcessOptions{.daemon = true, .start_method = method},
                             [](std::string f) {
                               note(f, std::to_string(getpid()) + '\n');
                               for (;;) pause();
                             },
                             file};
              daemon.start();
              for (;;) pause();
            }};
  p.start();
  ASSERT_TRUE(eventually([&] { return notes.text().find('\n') != std::string::npos; }));
  const int daemon = std::stoi(notes.text());
  EXPECT_NE(os::start_time(daemon), 0U);
  p.kill();
  p.join().block();
  EXPECT_TRUE(eventually([&] { return os::start_time(daemon) == 0; }));
}

// C034
TEST_P(EveryStartMethod, EndsItsDaemonsBeforeItEnds) {
  const Notes notes;
  Process p{options(),
            [](std::string file) {
              Process daemon{ProcessOptions{.daemon = true},
                             [](std::string f) {
                               note(f, std::to_string(getpid()) + '\n');
                               for (;;) pause();
                             },
                             file};
              daemon.start();
              while (!eventually([&] {
                struct stat status {};
                return stat(file.c_str(), &status) == 0 && status.st_size > 0;
              })) {}
            },
            notes.name()};
  EXPECT_EQ(exit_code_after(p), 0);
  EXPECT_EQ(kill(std::stoi(notes.text()), 0), -1);
}

// C042
TEST_P(EveryStartMethod, WaitsForItsThreads) {
  const Notes notes;
  Process p{options(),
            [](std::string file) {
              Thread thread{[](std::string f) {
                              sleep_for(20ms).block();  // not for luck: to be late
                              note(f, "done");
                            },
                            file};
              thread.start();
              thread.detach();
              Thread daemon{ThreadOptions{.daemon = true}, [] { Event().wait().block(); }};
              daemon.start();
              throw ProcessExit{3};
            },
            notes.name()};
  EXPECT_EQ(exit_code_after(p), 3);
  EXPECT_EQ(notes.text(), "done");
}

Task<> wait_and_tell(std::string file) {
  co_await yield_now();
  note(file, "waited");
}

TEST_P(EveryStartMethod, RunsACoroutineFunction) {
  const Notes notes;
  EXPECT_EQ(exit_code_of(wait_and_tell, notes.name()), 0);
  EXPECT_EQ(notes.text(), "waited");
}

class Cook : public ProcessOf<Cook> {
 public:
  Cook() = default;
  explicit Cook(ProcessOptions options) : ProcessOf(std::move(options)) {}
  std::string dish;
  std::string file;
  void run() override { note(file, dish + " by " + current_process().name()); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(dish, file);
  }
};

// C038
TEST_P(EveryStartMethod, RunsAnObjectOfADerivedClass) {
  const Notes notes;
  Cook cook{ProcessOptions{.name = "cook", .start_method = GetParam()}};
  cook.dish = "soup";
  cook.file = notes.name();
  EXPECT_EQ(exit_code_after(cook), 0);
  EXPECT_EQ(notes.text(), "soup by cook");
}

TEST_P(EveryStartMethod, MakesManyAtOnce) {
  std::vector<Process> processes;
  for (int i = 0; i < 20; ++i) {
    processes.emplace_back(
        options(), [](int code) { throw ProcessExit{code}; }, i);
    processes.back().start();
  }
  for (int i = 0; i < 20; ++i) {
    processes[static_cast<std::size_t>(i)].join().block();
    EXPECT_EQ(processes[static_cast<std::size_t>(i)].exitcode(), i);
  }
}

// Threads do no harm where the child is no copy of this process.
TEST(StartMethod, SpawnAndForkServerDoNotMindThreads) {
  Event stop;
  std::thread other([&] { stop.wait().block(); });
  for (const auto method : {StartMethod::spawn, StartMethod::forkserver}) {
    Process p{ProcessOptions{.start_method = method}, [] { throw ProcessExit{5}; }};
    EXPECT_EQ(exit_code_after(p), 5);
  }
  stop.set();
  other.join();
}

// "The default is decided by what is started"
TEST(StartMethod, IsChosenByWhatIsStarted) {
  Process sendable{[] {}};
  exit_code_after(sendable);
  EXPECT_EQ(sendable.start_method(), StartMethod::forkserver);
  int captured = 6;
  Process closure{[captured] { throw ProcessExit{captured}; }};
  EXPECT_EQ(exit_code_after(closure), 6);
  EXPECT_EQ(closure.start_method(), StartMethod::fork);
}

// C046
TEST(StartMethod, OtherThanForkLeavesDescriptorsBehind) {
  const int fd = open("/dev/null", O_RDONLY);
  ASSERT_EQ(dup2(fd, 200), 200);
  close(fd);
  const auto count = [] {
    int n = 0;
    for (int i = 3; i < 300; ++i) n += fcntl(i, F_GETFD) >= 0;
    throw ProcessExit{fcntl(200, F_GETFD) >= 0 ? 100 : n};
  };
  for (const auto method : {StartMethod::spawn, StartMethod::forkserver}) {
    const ProcessOptions options{.start_method = method};
    Process alone{options, count};
    const int few = exit_code_after(alone);
    EXPECT_LT(few, 6);
    std::vector<Process> siblings;
    for (int i = 0; i < 5; ++i) {
      siblings.emplace_back(options, [] {
        for (;;) pause();
      });
      siblings.back().start();
    }
    Process among_others{options, count};
    EXPECT_EQ(exit_code_after(among_others), few);
    for (auto& p : siblings) p.kill();
  }
  close(200);
}

// C051
TEST(StartMethod, IsSetOnceForAll) {
  EXPECT_THROW(set_start_method("teleport"), std::invalid_argument);
  EXPECT_EQ(get_start_method(), StartMethod::fork);
  set_start_method("spawn");
  EXPECT_EQ(get_start_method(), StartMethod::spawn);
  EXPECT_THROW(set_start_method(StartMethod::fork), UsageError);
  Process p{[] { throw ProcessExit{get_start_method() == StartMethod::spawn ? 0 : 1}; }};
  EXPECT_EQ(exit_code_after(p), 0);
  EXPECT_EQ(p.start_method(), StartMethod::spawn);
  set_start_method(StartMethod::fork, true);
  EXPECT_EQ(get_start_method(), StartMethod::fork);
  set_start_method(std::nullopt);
}

TEST(StartMethod, RefusesWhatCannotBeSent) {
  int captured = 6;
  for (const auto method : {StartMethod::spawn, StartMethod::forkserver}) {
    Process p{ProcessOptions{.start_method = method}, [captured] { throw ProcessExit{captured}; }};
    try {
      p.start();
      ADD_FAILURE() << "it was started";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("capture nothing"), std::string::npos);
    }
  }
  class NotSendable : public Process {
   public:
    NotSendable() : Process(ProcessOptions{.start_method = StartMethod::spawn}) {}
    void run() override {}
  } object;
  try {
    object.start();
    ADD_FAILURE() << "it was started";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("ProcessOf<Self>"), std::string::npos);
  }
}

// C054
TEST(StartMethod, ForkServerIsReplacedWhenItDies) {
  const ProcessOptions options{.start_method = StartMethod::forkserver};
  Process runs{options, [] {
                 for (;;) pause();
               }};
  runs.start();
  const int server = ipc::detail::ForkServer::get().pid();
  ASSERT_GT(server, 0);
  EXPECT_EQ(kill(server, SIGINT), 0);  // Ctrl-C does not end it
  Process second{options, [] { throw ProcessExit{2}; }};
  EXPECT_EQ(exit_code_after(second), 2);
  EXPECT_EQ(ipc::detail::ForkServer::get().pid(), server);
  EXPECT_EQ(kill(server, SIGKILL), 0);
  Process third{options, [] { throw ProcessExit{3}; }};
  EXPECT_EQ(exit_code_after(third), 3);
  EXPECT_NE(ipc::detail::ForkServer::get().pid(), server);
  EXPECT_TRUE(runs.is_alive());
  runs.terminate();
  runs.join().block();
  EXPECT_EQ(runs.exitcode(), -SIGTERM);
}

// C055
TEST(StartMethod, ProgramWithoutFreezeSupportIsNoForkBomb) {
  for (const char* const main : {"returns", "starts"}) {
    const Notes notes;
    setenv("COHORT_TEST_MAIN", main, 1);
    const int err = dup(2);
    const int file = open(notes.name().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    dup2(file, 2);
    Process p{ProcessOptions{.start_method = StartMethod::spawn}, [] {}};
    const int code = exit_code_after(p);
    dup2(err, 2);
    close(err);
    close(file);
    unsetenv("COHORT_TEST_MAIN");
    EXPECT_EQ(code, 1);
    EXPECT_NE(notes.text().find("main must begin with cohort::freeze_support()"), std::string::npos)
        << notes.text();
  }
}

// Nothing that anybody may read tells what it is for.
TEST(StartMethod, HasNoSecretInItsCommandLine) {
  Process p{ProcessOptions{.start_method = StartMethod::spawn}, [] {
              for (;;) pause();
            }};
  p.start();
  const int fd = open(("/proc/" + std::to_string(p.pid()) + "/cmdline").c_str(), O_RDONLY);
  std::string line;
  ASSERT_TRUE(eventually([&] {
    char buffer[1024];
    const auto n = pread(fd, buffer, sizeof buffer, 0);
    line.assign(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
    return !line.empty();
  }));
  close(fd);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\0'), 1) << "arguments beside the name";
  p.kill();
}

}  // namespace
}  // namespace cohort

#endif  // processes
