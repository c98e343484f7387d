// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A value on its way between processes: encoded once, by its sender, into a block of shared memory
/// that is then handed on without being copied.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "cohort/ipc/detail/heap.hpp"  // Heap
#include "cohort/wire/codec.hpp"       // encode_into, decode

namespace cohort::inline v0::ipc::detail {

template <class W>
struct BasicMessageHead {
  typename W::template atomic<Offset> next;  // in the queue
  std::uint64_t size;                        // of what follows
  Offset queue;                              // for which it is meant
  /// Out of the queue, by its owner: `taken`. Not yet in it: what its sender puts next.
  Offset link;
  static constexpr Offset taken = 1;  // no message's
};
using MessageHead = BasicMessageHead<RealWorld>;
static_assert(sizeof(MessageHead) == 32);

/// A message that belongs to this process. Move-only; frees it.
template <class = void>
class BasicMessage {
 public:
  BasicMessage() = default;
  explicit BasicMessage(Offset at) noexcept : at_(at) {}
  BasicMessage(BasicMessage&& other) noexcept : at_(other.release()) {}
  BasicMessage& operator=(BasicMessage&& other) noexcept {
    BasicMessage(std::move(other)).swap(*this);
    return *this;
  }
  ~BasicMessage() {
    if (at_) Heap::free(at_);
  }
  void swap(BasicMessage& other) noexcept { std::swap(at_, other.at_); }

  /// Throws what encoding the value does, and std::system_error if the shared memory is full.
  template <class T>
  static BasicMessage of(const T& value, Offset queue) {
    BasicMessage message = make(encoded_size(value), queue);
    OutArchive out(message.place());
    out.set_context(&message);  // handles inside depart
    out(value);
    return message;
  }
  static BasicMessage of_bytes(std::span<const std::byte> bytes, Offset queue) {
    BasicMessage message = make(bytes.size(), queue);
    if (!bytes.empty()) std::memcpy(message.place().data(), bytes.data(), bytes.size());
    return message;
  }
  template <class T>
  T read() const {
    InArchive in(bytes());
    in.set_context(const_cast<BasicMessage*>(this));  // handles inside arrive
    T value = in.read<T>();
    in.finish();
    return value;
  }

  std::span<const std::byte> bytes() const noexcept { return place(); }
  Offset offset() const noexcept { return at_; }
  /// Before it is put: the one to be put behind it.
  void link(const BasicMessage& next) const noexcept { head().link = next.at_; }
  explicit operator bool() const noexcept { return at_ != 0; }
  /// It belongs to another from now on.
  Offset release() noexcept { return std::exchange(at_, 0); }

 private:
  static BasicMessage make(std::size_t size, Offset queue) {
    BasicMessage message(Heap::allocate(sizeof(MessageHead) + size, Kind::message));
    new (&message.head()) MessageHead{{0}, size, queue, 0};
    return message;
  }
  MessageHead& head() const noexcept { return Family::get().at<MessageHead>(at_); }
  std::span<std::byte> place() const noexcept {
    return {Family::get().base() + at_ + sizeof(MessageHead), head().size};
  }

  Offset at_ = 0;
};
using Message = BasicMessage<>;

/// Messages that this process has read and not yet dealt with. If it dies they are delivered again.
template <class = void>
class BasicInWork {
 public:
  static void keep(Message message, Offset queue) {
    const std::lock_guard lock(get().mutex_);
    get().messages_.emplace_back(queue, std::move(message));
  }
  /// The oldest of that queue, which is dealt with; empty if there is none.
  static Message done(Offset queue) noexcept {
    Message message;
    const std::lock_guard lock(get().mutex_);
    auto& messages = get().messages_;
    for (auto at = messages.begin(); at != messages.end(); ++at) {
      if (at->first != queue) continue;
      message = std::move(at->second);
      messages.erase(at);
      break;
    }
    return message;
  }

 private:
  // Never destroyed; a forked child begins with none.
  static BasicInWork& get() {
    static BasicInWork* const in_work = [] {
      auto* const first = new BasicInWork;
      Family::get().on_fork([] { new (&get()) BasicInWork; });
      return first;
    }();
    return *in_work;
  }
  std::mutex mutex_;
  std::vector<std::pair<Offset, Message>> messages_;
};
using InWork = BasicInWork<>;

}  // namespace cohort::inline v0::ipc::detail
