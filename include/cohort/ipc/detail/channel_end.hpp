// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One end of a channel or pipe between processes: a handle that is counted for each process, so that
/// the stream ends when the last process that could send has dropped its handles or died.

#include <utility>

#include "cohort/ipc/detail/handle.hpp"        // Handle, Holds
#include "cohort/ipc/detail/queue_object.hpp"  // QueueObject
#include "cohort/wire/codec.hpp"               // archives

namespace cohort::inline v0::ipc::detail {

template <bool receives>
struct EndPart {
  static Holders& holders(QueueObject& queue) noexcept { return queue.ends[receives]; }
  static void drop(QueueObject& queue, Offset, Member member) noexcept {
    queue.drop_end(receives, member);
  }
};

/// Empty: closed, or moved from. Copyable; any thread may use any copy's const verbs.
template <bool receives>
class ChannelEnd : public Handle<QueueObject> {
  using End = Holds<QueueObject, EndPart<receives>>;

 public:
  struct First {};
  /// A new channel's first end.
  ChannelEnd(First, std::uint64_t capacity) : Handle(std::in_place, capacity, false) {
    end_ = End::make_part(ref()->name());
  }
  /// An end of the channel of which this is the other.
  explicit ChannelEnd(const ChannelEnd<!receives>& other) : Handle(other) {
    end_ = End::make_part(ref()->name());
  }
  /// Closed.
  ChannelEnd() noexcept : Handle(ByName{}) {}
  /// For the library: empty, to be filled by what arrives.
  explicit ChannelEnd(ByName by_name) noexcept : Handle(by_name) {}

  explicit operator bool() const noexcept { return end_ != nullptr; }

  void depart(OutArchive& out) const {
    static_cast<void>(queue());
    Handle::depart(out);
    if (out.context()) End::send(end_);
  }
  void arrive(InArchive& in) {
    Handle::arrive(in);
    end_ = End::arrive(ref()->name(), in.context() != nullptr);
  }
  void book(Member member) const {
    Handle::book(member);
    auto& holders = EndPart<receives>::holders(queue());
    const HoldersLock lock;
    holders.add(member);
  }

  QueueObject& queue() const {
    if (!end_) throw UsageError("this channel end was closed or moved from: use another copy");
    return end_->object();
  }
  Offset name() const { return ref()->name().offset; }

 private:
  template <bool>
  friend class ChannelEnd;
  typename End::Ref end_;
};

}  // namespace cohort::inline v0::ipc::detail
