// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What all queues, channels and pipes between processes are: a list of messages in shared memory, a
/// line of those who wait for one, and a line of those who wait for room. Whoever puts a message
/// hands it to the first receiver in line; whoever takes one lets the first sender's follow.
///
/// The receivers' gate has the lock for the list, too; whoever needs both gates takes the senders'
/// first. If its holder dies, the next one finds in `popping_` and `appending_` what was under way.

#include <atomic>
#include <cstdint>
#include <limits>

#include "cohort/ipc/detail/handle.hpp"        // ObjectHead, Holders
#include "cohort/ipc/detail/message.hpp"       // MessageHead
#include "cohort/ipc/detail/queue_waiter.hpp"  // QueueWaiter
#include "cohort/ipc/detail/shared_gate.hpp"   // SharedGate
#include "cohort/ipc/detail/unfinished.hpp"    // BasicUnfinished

namespace cohort::inline v0::ipc::detail {

template <class Gate>
class BasicQueueObject {
 public:
  static constexpr Kind kind = Kind::queue;
  static constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();
  enum class Result : unsigned char { done, blocked, closed };

  BasicQueueObject(std::uint64_t capacity, bool redelivers) noexcept
      : offset_(Family::get().offset_of(this)), capacity_(capacity), redelivers_(redelivers) {
    receivers.queue_ = senders.queue_ = offset_;
  }

  using Waiter = QueueWaiter;
  using Unfinished = BasicUnfinished<Gate, Waiter>;

  /// The machine behind a receiver's wait.
  class Receivers {
   public:
    using Waiter = BasicQueueObject::Waiter;
    void arm(Waiter& waiter) noexcept {
      gate_.arm(*this, waiter);
      queue().serve_senders();
    }
    bool disarm(Waiter& waiter) noexcept { return gate_.disarm(*this, waiter); }
    bool retry(Waiter&) noexcept { return false; }
    void serve_now() noexcept {
      gate_.serve(*this);
      queue().serve_senders();
    }

   private:
    friend BasicQueueObject;
    friend Gate;
    BasicQueueObject& queue() noexcept { return Family::get().at<BasicQueueObject>(queue_); }
    void serve(SharedLine& line) noexcept { queue().serve_receivers(line); }
    void recover(SharedLine& line) noexcept { queue().recover(line); }
    Gate gate_;
    Offset queue_ = 0;
  };
  /// The machine behind a sender's.
  class Senders {
   public:
    using Waiter = BasicQueueObject::Waiter;
    void arm(Waiter& waiter) noexcept { gate_.arm(*this, waiter); }
    bool disarm(Waiter& waiter) noexcept { return gate_.disarm(*this, waiter); }
    bool retry(Waiter&) noexcept { return false; }
    void serve_now() noexcept { gate_.serve(*this); }

   private:
    friend BasicQueueObject;
    friend Gate;
    BasicQueueObject& queue() noexcept { return Family::get().at<BasicQueueObject>(queue_); }
    void serve(SharedLine& line) noexcept { queue().serve_senders(line); }
    // The first sender's message was being put: if it is in the list, it is the next one's turn, or
    // he is to be told.
    void recover(SharedLine& line) noexcept {
      queue().receivers.gate_.with(queue().receivers, [](SharedLine&) {});
      if (!queue().accepting_.exchange(false, std::memory_order_acq_rel) || line.empty()) return;
      auto& first = static_cast<Waiter&>(line.front());
      if (!first.still_has_message() && !first.follow()) line.finish_front();
    }
    Gate gate_;
    Offset queue_ = 0;
  };

  /// Done: the message is the queue's. Any thread of any process.
  Result try_push(Offset message) noexcept {
    auto result = Result::closed;
    receivers.gate_.with(receivers, [&](SharedLine& line) {
      if (closed()) return;
      result = Result::done;
      if (size() < capacity_) {
        append(message);
        serve_receivers(line);
      } else if (capacity_ != 0 || !hand_over(message, line)) {
        result = Result::blocked;
      }
    });
    return result;
  }
  /// Done: `message` is this process's.
  Result try_pop(Offset& message) noexcept {
    if (size() == 0 && !closed()) return capacity_ == 0 ? take_over(message) : Result::blocked;
    auto result = Result::blocked;
    receivers.gate_.with(receivers, [&](SharedLine&) {
      message = first_.load(std::memory_order_relaxed);
      if (message) {
        pop_for_me(message);
        result = Result::done;
      } else if (closed()) {
        result = Result::closed;
      }
    });
    if (result == Result::done) serve_senders();
    return result;
  }
  /// Back to the front: a message that was granted and not taken.
  void put_back(Offset message) noexcept {
    receivers.gate_.with(receivers, [&](SharedLine& line) {
      begin_to_append(message);
      head_of(message).next.store(first_.load(std::memory_order_relaxed),
                                  std::memory_order_relaxed);
      if (!first_.load(std::memory_order_relaxed)) last_.store(message, std::memory_order_relaxed);
      first_.store(message, std::memory_order_release);
      size_.fetch_add(1, std::memory_order_seq_cst);
      appending_.store(0, std::memory_order_release);
      serve_receivers(line);
    });
  }

  /// One thing less is unfinished: the message that the caller has got. If he dies, it is delivered
  /// again, or it is finished. 0: of others. False: nothing was unfinished.
  bool finish(Offset message) noexcept {
    if (!redelivers_) return unfinished.subtract(1) != 0;
    bool any = false;
    receivers.gate_.with(receivers, [&](SharedLine&) { any = unfinished.finish(message); });
    return any;
  }
  /// All that are there are dropped, and finished by that.
  void drop_all() noexcept {
    for (Offset message = 0; try_pop(message) == Result::done; Heap::free(message)) finish(message);
  }

  /// Nothing can be put any more; what is there can be taken. Everybody who waits is told.
  void close() noexcept {
    closed_.store(true, std::memory_order_seq_cst);
    senders.gate_.serve(senders);
    receivers.gate_.serve(receivers);
  }
  /// Drops what is there; yields how many.
  std::uint64_t clear() noexcept {
    std::uint64_t count = 0;
    for (Offset message = 0; try_pop(message) == Result::done; ++count) Heap::free(message);
    return count;
  }
  bool closed() const noexcept { return closed_.load(std::memory_order_seq_cst); }
  std::uint64_t size() const noexcept { return size_.load(std::memory_order_seq_cst); }
  std::uint64_t capacity() const noexcept { return capacity_; }
  bool redelivers() const noexcept { return redelivers_; }
  /// There is one, or the end has come.
  bool ready() const noexcept {
    return size() != 0 || closed() ||
           (capacity_ == 0 && senders_wait_.load(std::memory_order_seq_cst));
  }

  /// A process keeps an end no longer; the last one closes.
  void drop_end(bool receives, Member member) noexcept {
    {
      const HoldersLock lock;
      ends[receives].remove(member);
      if (!ends[receives].deserted()) return;
    }
    close();
    if (receives) clear();
  }

  // What a sweep calls.
  void bury(Member dead) noexcept {
    receivers.gate_.bury(receivers, [](SharedLine&) {});
    senders.gate_.bury(senders, [](SharedLine&) {});
    for (const bool receives : {false, true}) drop_end(receives, dead);
    unfinished.bury();
    if (redelivers_) redeliver(dead);
  }
  void revoke(Waiter& waiter) noexcept {
    const Offset message = waiter.message;
    if (waiter.role == Waiter::receives && !waiter.ended && is_taken(message, waiter.member())) {
      put_back(message);
    }
  }
  void end() noexcept {
    const Member owner{Heap::block_of(offset_).owner.load(std::memory_order_relaxed)};
    while (const Offset message = first_.load(std::memory_order_relaxed)) {
      Heap::make_private(message, owner);  // out of the list it is found by that
      first_.store(head_of(message).next.load(std::memory_order_relaxed),
                   std::memory_order_relaxed);
      Heap::free(message);
    }
  }

  ObjectHead head;
  Holders ends[2];  // of a channel: processes that may send, that may receive
  Receivers receivers;
  Senders senders;
  /// Messages put and not yet done with, for those who join.
  Unfinished unfinished{true};
  /// For whoever uses the queue to say something about it.
  std::atomic<std::uint64_t> mark{0};

 private:
  // What the dead one had taken out, to the front.
  void redeliver(Member dead) noexcept {
    Heap::walk([&](Offset at, Block& block) {
      if (block.kind.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(Kind::message) ||
          block.owner.load(std::memory_order_acquire) != dead.bits) {
        return;
      }
      if (is_taken(at, dead)) put_back(at);
    });
  }
  // A message out of this queue that its receiver has not made anything of.
  bool is_taken(Offset message, Member by) const noexcept {
    return message && Heap::block_of(message).owner.load(std::memory_order_acquire) == by.bits &&
           head_of(message).queue == offset_ && head_of(message).link == MessageHead::taken;
  }

  void serve_senders() noexcept {
    if (senders_wait_.load(std::memory_order_seq_cst)) senders.gate_.serve(senders);
  }

  // ---- with the receivers' lock

  void append(Offset message) noexcept {
    begin_to_append(message);
    unfinished.begin_to_add();
    const Offset last = last_.load(std::memory_order_relaxed);
    (first_.load(std::memory_order_relaxed) ? head_of(last).next : first_)
        .store(message, std::memory_order_release);
    last_.store(message, std::memory_order_relaxed);
    size_.fetch_add(1, std::memory_order_seq_cst);
    unfinished.settle_add(true);
    appending_.store(0, std::memory_order_release);
  }
  void begin_to_append(Offset message) noexcept {
    appended_owner_.store(Heap::block_of(message).owner.load(std::memory_order_relaxed),
                          std::memory_order_relaxed);
    appended_link_.store(head_of(message).link, std::memory_order_relaxed);
    appending_.store(message, std::memory_order_release);
    head_of(message).link = 0;
    Heap::share(message);
  }
  // `popping_` is left for the caller, who clears it when the message has arrived.
  void pop(Offset message, Member to) noexcept {
    popping_.store(message, std::memory_order_release);
    head_of(message).link = MessageHead::taken;
    Heap::make_private(message, to);
    first_.store(head_of(message).next.load(std::memory_order_relaxed), std::memory_order_release);
    size_.fetch_sub(1, std::memory_order_seq_cst);
  }

  void serve_receivers(SharedLine& line) noexcept {
    while (!line.empty()) {
      const Offset message = first_.load(std::memory_order_relaxed);
      if (!message && !closed()) return;
      auto* const first = static_cast<Waiter*>(line.claim_front());
      if (!first) return;
      first->ended = !message;
      grant(line, *first, first->role == Waiter::receives ? message : 0);
    }
  }
  // With capacity 0: to the first who waits for one. Those who only look are told that it is there.
  bool hand_over(Offset message, SharedLine& line) noexcept {
    while (auto* const first = static_cast<Waiter*>(line.claim_front())) {
      const bool gets = first->role == Waiter::receives;
      if (gets) append(message);
      first->ended = false;
      grant(line, *first, gets ? message : 0);
      if (gets) return true;
    }
    return false;
  }
  void grant(SharedLine& line, Waiter& first, Offset message) noexcept {
    first.message = message;
    if (message) pop(message, first.member());
    line.grant_front();
    popping_.store(0, std::memory_order_release);
  }
  void pop_for_me(Offset message) noexcept {
    pop(message, self());
    popping_.store(0, std::memory_order_release);
  }

  void recover(SharedLine& line) noexcept {
    if (const Offset message = popping_.load(std::memory_order_acquire)) {
      if (first_.load(std::memory_order_relaxed) == message) {
        Heap::share(message);
      } else if (!line.empty() && static_cast<Waiter&>(line.front()).message == message) {
        line.finish_front();
      }
      popping_.store(0, std::memory_order_release);
    }
    unfinished.recover_finish();
    std::uint64_t count = 0;
    Offset last = 0;
    bool appended = false;
    const Offset appending = appending_.load(std::memory_order_acquire);
    for (Offset message = first_.load(std::memory_order_relaxed); message; ++count) {
      last = message;
      appended |= message == appending;
      message = head_of(message).next.load(std::memory_order_relaxed);
    }
    if (appending && !appended) {  // it is still the sender's, or his who had taken it
      head_of(appending).link = appended_link_.load(std::memory_order_relaxed);
      Heap::make_private(appending, Member{appended_owner_.load(std::memory_order_relaxed)});
    }
    unfinished.settle_add(appended);
    appending_.store(0, std::memory_order_release);
    last_.store(last, std::memory_order_relaxed);
    size_.store(count, std::memory_order_seq_cst);
  }

  // With capacity 0: from the first sender who waits.
  Result take_over(Offset& message) noexcept {
    auto result = Result::blocked;
    senders.gate_.with(senders, [&](SharedLine& line) {
      auto* const first = static_cast<Waiter*>(line.claim_front());
      if (!first) return;
      accepting_.store(true, std::memory_order_release);
      first->look_ahead();
      receivers.gate_.with(receivers, [&](SharedLine&) {
        append(first->message);
        message = first_.load(std::memory_order_relaxed);
        pop_for_me(message);
      });
      result = Result::done;
      if (first->follow()) {
        first->unclaim();
      } else {
        first->ended = false;
        line.grant_front();
      }
      accepting_.store(false, std::memory_order_release);
      senders_wait_.store(!line.empty(), std::memory_order_seq_cst);
    });
    return result;
  }

  // ---- with the senders' lock

  void serve_senders(SharedLine& line) noexcept {
    senders_wait_.store(!line.empty(), std::memory_order_seq_cst);
    while (!line.empty() && (closed() || size() < capacity_ || capacity_ == 0)) {
      auto* const first = static_cast<Waiter*>(line.claim_front());
      if (!first) break;
      accepting_.store(true, std::memory_order_release);
      auto result = Result::done;
      do {
        first->look_ahead();
        result = try_push(first->message);
      } while (result == Result::done && first->follow());
      if (result == Result::blocked) {
        first->unclaim();
        accepting_.store(false, std::memory_order_release);
        return;
      }
      first->ended = result == Result::closed;
      line.grant_front();
      accepting_.store(false, std::memory_order_release);
    }
    if (line.empty()) senders_wait_.store(false, std::memory_order_seq_cst);
  }

  const Offset offset_;
  const std::uint64_t capacity_;
  const bool redelivers_;
  std::atomic<Offset> first_{0};
  std::atomic<Offset> last_{0};
  std::atomic<std::uint64_t> size_{0};
  std::atomic<Offset> appending_{0};
  std::atomic<std::uint64_t> appended_owner_{0};  // whose it was,
  std::atomic<Offset> appended_link_{0};          // and how
  std::atomic<Offset> popping_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> senders_wait_{false};
  std::atomic<bool> accepting_{false};  // the first sender's message is being put
};
using QueueObject = BasicQueueObject<SharedGate>;

}  // namespace cohort::inline v0::ipc::detail
