// SPDX-License-Identifier: BSL-1.0
// What docs/guide/06-writing-a-primitive.md shows: an Event without clear().
#include <cohort/core/gate.hpp>
#include <cohort/core/operation.hpp>
#include <cohort/exec/run.hpp>
#include <cohort/exec/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>

using cohort::Task;
using cohort::detail::Gate;
using cohort::detail::Waiter;

class Door {
 public:
  bool is_open() const noexcept { return word_.load(std::memory_order_acquire) & opened; }

  void open() noexcept {
    // Release: what happened before is seen by those it wakes. Acquire: see their arrival.
    const auto before = word_.fetch_or(opened, std::memory_order_acq_rel);
    if (before & waited) gate_.serve(*this);
  }

  auto wait() noexcept { return cohort::Operation(Spec{this}); }

 private:
  friend Gate;
  static constexpr std::uint32_t opened = 1;
  static constexpr std::uint32_t waited = 2;  // somebody stands at the gate: open() must serve

  void serve(Gate::Line& line) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    for (;;) {
      if (word & opened) {
        while (line.claim_front()) line.grant_front();
        return;
      }
      const auto wanted = line.empty() ? word & ~waited : word | waited;
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return;
      }
    }
  }

  struct Spec {
    using Result = void;
    struct Place : Waiter {
      using Waiter::Waiter;
    };
    Door* door;
    bool try_now(Place&) noexcept { return door->is_open(); }
    void arm(Place& place) noexcept { door->gate_.arm(*door, place); }
    void disarm(Place& place) noexcept { door->gate_.disarm(*door, place); }
    bool retry(Place&) noexcept { return false; }  // a door never nudges
    void result(Place&) noexcept {}
  };

  std::atomic<std::uint32_t> word_{0};
  Gate gate_;
};

Task<bool> visitor(Door& door) {
  co_await door.wait();
  co_return true;
}

int main() {
  using namespace std::chrono_literals;
  Door door;
  std::cout << door.wait().within(1ms).block();
  cohort::ThreadPool pool{2};
  const auto inside = pool.submit(visitor, std::ref(door));
  door.open();
  door.wait().block();
  std::cout << inside.block() << '\n';
}

// Output:
// 01
