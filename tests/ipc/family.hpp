// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A family of processes for a test, made by plain fork: children that run a function and end, with
/// its result or by a signal, and whose deaths are seen to.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <ostream>
#include <random>
#include <thread>
#include <utility>

#include "cohort/ipc/detail/warden.hpp"  // see_death, Heap
#include "support/flavours.hpp"          // eventually

namespace cohort::test {

/// Lets a moment of up to 2 ms go by, for a death at any instruction of others: it is real time that
/// spreads them. (tests/steps goes through the instructions one by one.)
inline void any_moment(std::mt19937& random) {
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
}

/// In a child or its parent: what does not come to pass ends the process, so that nobody waits for it.
template <class Condition>
void await(Condition condition) {
  if (eventually(condition)) return;
  std::fprintf(stderr, "it does not come to pass\n");
  std::abort();
}

/// A child process. The destructor waits for it and fails the test unless it has returned.
class Child {
 public:
  /// Runs `body()` in a child that then ends with 0, or 1 if a check in it failed or it threw.
  template <class Body>
  explicit Child(Body body) {
    auto& family = ipc::detail::Family::get();
    member_ = family.claim_member(family.me());
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      family.become(member_);
      bool failed = true;
      try {
        body();
        failed = testing::Test::HasFailure();
      } catch (const std::exception& e) {
        std::fprintf(stderr, "a child threw: %s\n", e.what());
      }
      std::fflush(nullptr);
      ::_exit(failed ? 1 : 0);
    }
    family.make_live(member_, pid_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      EXPECT_EQ(join(), 0);
    }
  }

  /// Waits for its end and sees to what it left; yields its exit code, or minus the signal. Calls
  /// `between()` when it has ended and that is not seen to yet.
  template <class Between>
  int join(Between between) {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 ? errno == EINTR : WIFSTOPPED(status)) {}
    pid_ = 0;
    between();
    ipc::detail::see_death(member_);
    // The warden's thread does the rest.
    EXPECT_TRUE(eventually([this] {
      return ipc::detail::Family::get().state_of(member_) == ipc::detail::MemberSlot::free;
    }));
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
  int join() {
    return join([] {});
  }
  /// Kills it and sees to what it left.
  template <class Between>
  void kill(Between between) {
    ::kill(pid_, SIGKILL);
    EXPECT_EQ(join(between), -SIGKILL);
  }
  void kill() {
    kill([] {});
  }
  ::pid_t pid() const { return pid_; }
  ipc::detail::Member member() const { return member_; }

 private:
  ipc::detail::Member member_;
  ::pid_t pid_ = 0;
};

/// Places in the table of processes that are not free, that of this one with them.
inline int live_members() {
  int n = 0;
  for (const auto& slot : ipc::detail::Family::get().header().members) {
    n += (slot.word.load() & 0xff) != ipc::detail::MemberSlot::free;
  }
  return n;
}

/// The blocks of the shared memory, when nobody changes them.
struct Account {
  long used = 0;   // but for those that a process leaves to the next one in its place
  long stray = 0;  // parts of something else, that are part of nothing
  long lost = 0;   // free, and not to be had; negative: to be had twice

  /// As soon as nobody is left but this process, and what the others left is put in order.
  static Account of_one() {
    await([] {
      ipc::detail::Warden::get().watch_over_family();
      return live_members() == 1;
    });
    return now();
  }
  static Account now() {
    using namespace ipc::detail;
    Account account;
    Heap::free(
        Heap::allocate(1, Kind::bytes));  // puts in order what was left in the middle of that
    const Family& family = Family::get();
    const Header& header = family.header();
    for (Offset at = first_block; at < header.heap.top; at += family.at<Block>(at).size) {
      const auto kind = family.at<Block>(at).kind.load();
      account.used += kind != 0 && kind != static_cast<std::uint32_t>(Kind::bytes);
      account.stray += kind == static_cast<std::uint32_t>(Kind::bytes);
      account.lost += kind == 0;
    }
    for (const MemberSlot& slot : header.members) account.stray -= slot.wakes != 0;
    for (const auto& list : header.heap.free_blocks) {
      for (Offset at = list; at && account.lost >= 0; at = family.at<Block>(at).next_free) {
        --account.lost;
      }
    }
    return account;
  }
  friend bool operator==(const Account&, const Account&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Account& account) {
    return out << account.used << " used, " << account.stray << " stray, " << account.lost
               << " lost";
  }
};

/// Every block of the shared memory is where it was.
inline void expect_account(const Account& before) {
  EXPECT_TRUE(eventually([&] { return Account::now() == before; }))
      << "before: " << before << ", after: " << Account::now();
}

}  // namespace cohort::test
