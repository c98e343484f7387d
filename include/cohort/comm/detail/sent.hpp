// SPDX-License-Identifier: BSL-1.0
#pragma once

/// For sends that never wait.

#include <coroutine>

namespace cohort::inline v0::detail {

class Coroutine;

/// It is sent already. May be dropped, or be waited for as a channel's `send` is, so that the same
/// code can send to any kind of channel.
class Sent {
 public:
  void block() const noexcept {}
  std::suspend_never as_awaiter(Coroutine&) const noexcept { return {}; }
};

}  // namespace cohort::inline v0::detail
