// SPDX-License-Identifier: BSL-1.0

// What a JoinableQueue's join waits for, in the model checker.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cohort/comm/joinable_queue.hpp"      // what is tested
#include "cohort/core/detail/basic_event.hpp"  // what is tested
#include "cohort/core/gate.hpp"                // what is tested
#include "faults.hpp"                          // Policy, Weakened
#include "model.hpp"                           // explore
#include "waiting.hpp"                         // Waiting

namespace {

using namespace cohort::model;
using cohort::detail::BasicEvent;
using cohort::detail::BasicGate;

// All that join needs of a queue.
struct Accepted {
  Weakened<std::uint64_t> count{0};
  std::uint64_t accepted() const noexcept { return count.load(acquire); }
};
using Counts = cohort::detail::CountsDone<Accepted>;
using CountsMissing = cohort::detail::CountsMissing;  // as between processes
struct CountsNoArrivals : Counts {
  static constexpr unsigned arrival_bits = 0;
};

// Item 0 was put. A worker has to finish all. One letter an operation: p puts the next item and
// joins; j joins; w finishes so many items as there are letters, in their order.
template <class Count>
struct Room {
  using Unfinished = BasicEvent<BasicGate<Policy>, std::uint64_t, Count>;
  static constexpr bool counts_missing = std::is_same_v<Count, CountsMissing>;
  Accepted queue;
  Unfinished unfinished = [this] {
    if constexpr (counts_missing) {
      return Unfinished(false);  // item 0
    } else {
      return Unfinished(Count{{&queue}});
    }
  }();
  std::array<Weakened<bool>, 4> done{};
  std::size_t finished = 0;

  Room() { queue.count.store(1, relaxed); }
  std::size_t put() {
    if constexpr (counts_missing) unfinished.add();
    return queue.count.fetch_add(1, release);
  }
  void join(std::size_t own) {
    Waiting<Unfinished> waiting(unfinished);
    if (!unfinished.is_set()) require(waiting.wait(), "it is told");
    require(done[own].load(relaxed), "the caller's own item is done");
  }
  void act(std::string_view program) {
    for (const char c : program) {
      if (c == 'j') join(0);
      if (c == 'p') join(put());
      if (c == 'w') {
        while (queue.accepted() <= finished) Policy::pause();
        done[finished++].store(true, relaxed);
        require(unfinished.subtract(1) == 1, "it was unfinished");
      }
    }
  }
};

template <class Count = Counts>
Outcome visit(const std::vector<std::string_view>& programs, const Options& options) {
  return explore({}, options, [&](Execution& ex) {
    auto& room = ex.make<Room<Count>>();
    for (const auto program : programs) ex.thread([&room, program] { room.act(program); });
    ex.finally([&room] { require(room.unfinished.is_set(), "all is done"); });
  });
}

TEST(JoinInTheModel, TellsWhoeverWaitsWhenAllIsDoneAndNobodyWhoseOwnItemIsNot) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 20'000, .random = 2'000, .steps = 2'000};
    expect_passed(visit({"w", "j"}, options));
    expect_passed(visit({"ww", "p"}, options));
    expect_passed(visit({"ww", "j", "p"}, options));
    expect_passed(visit({"www", "p", "p"}, options));
    expect_passed(visit<CountsMissing>({"ww", "p"}, options));
    expect_passed(visit<CountsMissing>({"ww", "j", "p"}, options));
  }
}

TEST(JoinInTheModel, IsSeenToReturnTooEarlyIfArrivalsAreNotCounted) {
  EXPECT_TRUE(visit<CountsNoArrivals>({"ww", "j", "p"}, {.steps = 2'000}).failed);
}

}  // namespace
