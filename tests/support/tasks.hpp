// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Small tasks that many tests are made of, a loop on simulated time to run one, and a look at what
/// went to the unobserved hook.

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, Log

namespace cohort::test {

using Words = std::vector<std::string>;

/// Runs the task on a loop whose clock jumps: an hour takes no time, and the order is exact.
template <class T>
T simulate(Task<T> task) {
  EventLoop loop(LoopTime::simulated);
  return run(loop, std::move(task));
}

inline Task<int> value(int x) { co_return x; }
inline Task<> nothing() { co_return; }
inline Task<int> later(std::chrono::seconds d, int x) {
  co_await sleep_for(d);
  co_return x;
}
inline Task<int> fail_after(std::chrono::seconds d, std::string text) {
  co_await sleep_for(d);
  throw std::runtime_error(text);
}

/// While it lives, what was thrown and reached nobody is noted. One at a time.
class Unobserved {
 public:
  Unobserved() : before_(set_unobserved_hook(note)) { log().clear(); }
  ~Unobserved() { set_unobserved_hook(before_); }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;

  Words texts() const { return log().entries(); }

 private:
  static Log<std::string>& log() {
    static Log<std::string> instance;
    return instance;
  }
  static void note(std::exception_ptr error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log().add(e.what());
    }
  }

  UnobservedHook before_;
};

}  // namespace cohort::test
