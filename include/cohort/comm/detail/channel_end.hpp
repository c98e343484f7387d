// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The handles of a channel, of whatever kind.

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "cohort/error.hpp"  // UsageError

namespace cohort::inline v0::detail {

/// One end, counted: when the last copy goes, nothing more can be sent, and if it was the receivers',
/// what is buffered is dropped.
template <class State, bool receives>
class ChannelEnd {
 public:
  ChannelEnd() = default;
  explicit ChannelEnd(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
  ChannelEnd(const ChannelEnd& other) noexcept : state_(other.state_) {
    if (state_) state_->ends[receives].fetch_add(1, std::memory_order_relaxed);
  }
  ChannelEnd(ChannelEnd&& other) noexcept = default;
  ChannelEnd& operator=(ChannelEnd other) noexcept {
    state_.swap(other.state_);
    return *this;
  }
  ~ChannelEnd() {
    if (state_ && state_->ends[receives].fetch_sub(1, std::memory_order_acq_rel) == 1) {
      state_->conduit.close();
      if constexpr (receives) state_->conduit.clear();
    }
  }

  /// False once moved from.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// Nothing can be sent any more; receivers drain what is buffered. Any end may call it.
  void close() const { state().conduit.close(); }
  /// The same, and drops what is buffered; only the receiver of a one_to_one channel can do that.
  void cancel() const {
    close();
    if (receives || !state().conduit.single()) state().conduit.clear();
  }
  bool closed() const { return state().conduit.closed(); }
  /// Items in the buffer, for a moment.
  std::size_t size() const { return state().conduit.size(); }
  std::size_t capacity() const { return state().conduit.capacity(); }

  friend bool operator==(const ChannelEnd&, const ChannelEnd&) = default;

 protected:
  State& state() const { return *shared_state(); }
  const std::shared_ptr<State>& shared_state() const {
    if (!state_) throw UsageError("this channel end was moved from: use the one it was moved to");
    return state_;
  }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace cohort::inline v0::detail
