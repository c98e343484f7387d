// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A value on its way between processes: encoded once, by its sender, into a block of shared memory
/// that is then handed on without being copied.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include "cohort/ipc/detail/heap.hpp"  // Heap
#include "cohort/wire/codec.hpp"       // encode_into, decode

namespace cohort::inline v0::ipc::detail {

struct MessageHead {
  std::atomic<Offset> next;  // in the queue
  std::uint64_t size;        // of what follows
  Offset queue;              // for which it is meant
  std::uint64_t taken;       // 1: out of it, by its owner
};
static_assert(sizeof(MessageHead) == 32);

/// A message that belongs to this process. Move-only; frees it.
class Message {
 public:
  Message() = default;
  explicit Message(Offset at) noexcept : at_(at) {}
  Message(Message&& other) noexcept : at_(other.release()) {}
  Message& operator=(Message&& other) noexcept {
    Message(std::move(other)).swap(*this);
    return *this;
  }
  ~Message() {
    if (at_) Heap::free(at_);
  }
  void swap(Message& other) noexcept { std::swap(at_, other.at_); }

  /// Throws what encoding the value does, and std::system_error if the shared memory is full.
  template <class T>
  static Message of(const T& value, Offset queue) {
    Message message = make(encoded_size(value), queue);
    OutArchive out(message.place());
    out.set_context(&message);  // handles inside depart
    out(value);
    return message;
  }
  static Message of_bytes(std::span<const std::byte> bytes, Offset queue) {
    Message message = make(bytes.size(), queue);
    if (!bytes.empty()) std::memcpy(message.place().data(), bytes.data(), bytes.size());
    return message;
  }
  template <class T>
  T read() const {
    InArchive in(bytes());
    in.set_context(const_cast<Message*>(this));  // handles inside arrive
    T value = in.read<T>();
    in.finish();
    return value;
  }

  std::span<const std::byte> bytes() const noexcept { return place(); }
  Offset offset() const noexcept { return at_; }
  explicit operator bool() const noexcept { return at_ != 0; }
  /// It belongs to another from now on.
  Offset release() noexcept { return std::exchange(at_, 0); }

 private:
  static Message make(std::size_t size, Offset queue) {
    Message message(Heap::allocate(sizeof(MessageHead) + size, Kind::message));
    new (&message.head()) MessageHead{{0}, size, queue, 0};
    return message;
  }
  MessageHead& head() const noexcept { return Family::get().at<MessageHead>(at_); }
  std::span<std::byte> place() const noexcept {
    return {Family::get().base() + at_ + sizeof(MessageHead), head().size};
  }

  Offset at_ = 0;
};

/// Messages that this process has read and not yet dealt with. If it dies they are delivered again.
class InWork {
 public:
  static void keep(Message message, Offset queue) {
    const std::lock_guard lock(get().mutex_);
    get().messages_.emplace_back(queue, std::move(message));
  }
  /// The oldest of that queue is dealt with.
  static void done(Offset queue) noexcept {
    Message message;
    const std::lock_guard lock(get().mutex_);
    auto& messages = get().messages_;
    for (auto at = messages.begin(); at != messages.end(); ++at) {
      if (at->first != queue) continue;
      message = std::move(at->second);
      messages.erase(at);
      return;
    }
  }

 private:
  // Never destroyed; a forked child begins with none.
  static InWork& get() {
    static InWork* const in_work = [] {
      auto* const first = new InWork;
      Family::get().on_fork([] { new (&get()) InWork; });
      return first;
    }();
    return *in_work;
  }
  std::mutex mutex_;
  std::deque<std::pair<Offset, Message>> messages_;
};

}  // namespace cohort::inline v0::ipc::detail
