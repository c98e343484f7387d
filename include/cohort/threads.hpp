// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Threads: the domain of one process. A template over a domain runs on threads, and, with
/// `Processes` in its place, on processes.
///
///     template <class Domain>
///     void start(typename Domain::Pool& pool) {
///       auto [tx, rx] = Domain::template channel<int>(64);
///       pool.submit(producer<Domain>, tx);
///     }

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "cohort/comm/channel.hpp"            // channel, Sender, Receiver
#include "cohort/comm/joinable_queue.hpp"     // JoinableQueue
#include "cohort/comm/pipe.hpp"               // Pipe, Connection
#include "cohort/comm/queue.hpp"              // Queue
#include "cohort/comm/simple_queue.hpp"       // SimpleQueue
#include "cohort/exec/thread.hpp"             // Worker, Options
#include "cohort/exec/thread_pool.hpp"        // Pool
#include "cohort/exec/thread_ref.hpp"         // current
#include "cohort/os/deadline.hpp"             // durations
#include "cohort/sync/array.hpp"              // Array
#include "cohort/sync/barrier.hpp"            // Barrier
#include "cohort/sync/bounded_semaphore.hpp"  // BoundedSemaphore
#include "cohort/sync/condition.hpp"          // Condition
#include "cohort/sync/detail/value_face.hpp"  // operators
#include "cohort/sync/event.hpp"              // Event
#include "cohort/sync/lock.hpp"               // Lock
#include "cohort/sync/rlock.hpp"              // RLock
#include "cohort/sync/semaphore.hpp"          // Semaphore
#include "cohort/sync/value.hpp"              // Value

namespace cohort::inline v0 {

namespace detail {

/// A counted, copyable handle; what it refers to goes with the last copy.
template <class X>
class Counted {
 public:
  template <class... Args>
  explicit Counted(Args&&... args) : object_(std::make_shared<X>(std::forward<Args>(args)...)) {}
  friend bool operator==(const Counted&, const Counted&) = default;

 protected:
  struct Adopt {};
  /// An object that is part of another.
  Counted(Adopt, std::shared_ptr<X> object) noexcept : object_(std::move(object)) {}
  X& object() const noexcept { return *object_; }
  const std::shared_ptr<X>& shared() const noexcept { return object_; }

 private:
  std::shared_ptr<X> object_;
};

/// The verbs of a handle to a lock.
template <class X>
class CountedLock : public Counted<X> {
 public:
  CountedLock() = default;
  auto acquire() const { return object().acquire(); }
  auto hold() const { return object().hold(); }
  [[nodiscard]] bool try_acquire() const noexcept { return object().try_acquire(); }
  void release() const { object().release(); }
  void lock() const { object().lock(); }
  bool try_lock() const noexcept { return object().try_lock(); }
  void unlock() const { object().unlock(); }

 protected:
  using Counted<X>::Counted;
  using Counted<X>::object;
};

/// The verbs of a handle to a semaphore.
template <class X>
class CountedSemaphore : public Counted<X> {
 public:
  CountedSemaphore() = default;
  template <std::integral Int>
  explicit CountedSemaphore(Int permits) : Counted<X>(permits) {}
  auto acquire() const { return object().acquire(); }
  auto hold() const { return object().hold(); }
  [[nodiscard]] bool try_acquire() const noexcept { return object().try_acquire(); }
  void release() const { object().release(); }
  template <std::integral Int>
  void release(Int n) const {
    object().release(n);
  }
  std::uint64_t value() const noexcept { return object().value(); }

 protected:
  using Counted<X>::object;
};

/// Handles to the locks; they name what they refer to where they are used.
template <class X = cohort::Lock>
class CountedMutex : public CountedLock<X> {
 public:
  bool locked() const noexcept { return this->object().locked(); }

 private:
  template <class>
  friend class CountedCondition;
};
template <class X = cohort::RLock>
class CountedRLock : public CountedLock<X> {
 public:
  CountedRLock() = default;
  /// For the library: the lock of something else, which it keeps.
  template <class Owner>
  explicit CountedRLock(const std::shared_ptr<Owner>& owner)
      : CountedLock<X>(typename Counted<X>::Adopt{},
                       std::shared_ptr<X>(owner, &owner->get_lock())) {}
  bool locked() const noexcept { return this->object().locked(); }

 private:
  template <class>
  friend class CountedCondition;
};

template <class X = cohort::Event>
class CountedEvent : public Counted<X> {
 public:
  CountedEvent() = default;
  void set() const noexcept { this->object().set(); }
  void clear() const noexcept { this->object().clear(); }
  bool is_set() const noexcept { return this->object().is_set(); }
  auto wait() const { return this->object().wait(); }
};

template <class X = cohort::Condition>
class CountedCondition : public CountedLock<X> {
 public:
  CountedCondition() = default;
  explicit CountedCondition(CountedMutex<> lock)
      : CountedCondition(std::make_shared<Over<CountedMutex<>>>(std::move(lock))) {}
  explicit CountedCondition(CountedRLock<> lock)
      : CountedCondition(std::make_shared<Over<CountedRLock<>>>(std::move(lock))) {}
  auto wait() const { return this->object().wait(); }
  template <std::predicate Predicate>
  auto wait_for(Predicate predicate) const {
    return this->object().wait_for(std::move(predicate));
  }
  void notify() const { this->object().notify(); }
  template <std::integral Int>
  void notify(Int n) const {
    this->object().notify(n);
  }
  void notify_all() const { this->object().notify_all(); }

 private:
  template <class L>
  struct Over {
    explicit Over(L l) : lock(std::move(l)), condition(lock_of(lock)) {}
    L lock;
    X condition;
  };
  template <class L>
  explicit CountedCondition(const std::shared_ptr<Over<L>>& over)
      : CountedLock<X>(typename Counted<X>::Adopt{}, std::shared_ptr<X>(over, &over->condition)) {}
  template <class L>
  static auto& lock_of(const L& lock) noexcept {
    return lock.object();
  }
};

template <class X = cohort::Barrier>
class CountedBarrier : public Counted<X> {
 public:
  template <std::integral Int>
  explicit CountedBarrier(Int parties, std::function<void()> action = {})
      : Counted<X>(parties, std::move(action)) {}
  template <std::integral Int, class Rep, class Period>
  CountedBarrier(Int parties, std::function<void()> action,
                 std::chrono::duration<Rep, Period> timeout)
      : Counted<X>(parties, std::move(action), timeout) {}
  auto wait() const { return this->object().wait(); }
  void reset() const noexcept { this->object().reset(); }
  void abort() const noexcept { this->object().abort(); }
  bool broken() const noexcept { return this->object().broken(); }
  std::uint64_t n_waiting() const noexcept { return this->object().n_waiting(); }
  std::uint64_t parties() const noexcept { return this->object().parties(); }
};

/// What the handles of all queues have.
template <class Q>
class AnyQueue : public Counted<Q> {
 public:
  using value_type = typename Q::value_type;
  using Counted<Q>::Counted;
  auto put(value_type item) const { return object().put(std::move(item)); }
  template <class... Args>
  auto emplace(Args&&... args) const {
    return object().emplace(std::forward<Args>(args)...);
  }
  auto put_from(value_type& item) const { return object().put_from(item); }
  template <class U>
  void put_nowait(U&& item) const {
    object().put_nowait(std::forward<U>(item));
  }
  auto get() const { return object().get(); }
  std::optional<value_type> try_get() const { return object().try_get(); }
  value_type get_nowait() const { return object().get_nowait(); }
  std::size_t qsize() const noexcept { return object().qsize(); }
  bool empty() const noexcept { return object().empty(); }

 protected:
  using Counted<Q>::object;
};
/// And those of all but the simple one.
template <class Q>
class BoundedQueue : public AnyQueue<Q> {
 public:
  BoundedQueue() = default;
  template <std::integral Int>
  explicit BoundedQueue(Int maxsize) : AnyQueue<Q>(maxsize) {}
  template <class U>
  [[nodiscard]] bool try_put(U&& item) const {
    return object().try_put(std::forward<U>(item));
  }
  bool full() const noexcept { return object().full(); }
  std::size_t maxsize() const noexcept { return object().maxsize(); }
  void shutdown(bool immediate = false) const { object().shutdown(immediate); }

 protected:
  using AnyQueue<Q>::object;
};

}  // namespace detail

/// Handles with the verbs of `cohort::X`, all const, so that they can be passed by value. An
/// operation refers to the object: keep a handle until it has ended.
struct Threads {
  using Worker = Thread;
  using Options = ThreadOptions;
  using Pool = ThreadPool;
  /// The thread that calls.
  template <class Life = detail::ThreadLife>
  static ThreadRef current() {
    return current_thread<Life>();
  }

  template <class T>
  using Sender = cohort::Sender<T>;
  template <class T>
  using Receiver = cohort::Receiver<T>;
  template <class T, std::integral Int>
  static Channel<T> channel(Int capacity) {
    return cohort::channel<T>(capacity);
  }

  using Lock = detail::CountedMutex<>;
  using RLock = detail::CountedRLock<>;
  using Semaphore = detail::CountedSemaphore<cohort::Semaphore>;
  using BoundedSemaphore = detail::CountedSemaphore<cohort::BoundedSemaphore>;
  using Event = detail::CountedEvent<>;
  /// Keeps the lock it was given.
  using Condition = detail::CountedCondition<>;
  using Barrier = detail::CountedBarrier<>;

  template <class T>
  using Queue = detail::BoundedQueue<cohort::Queue<T>>;
  template <class T>
  class JoinableQueue : public detail::BoundedQueue<cohort::JoinableQueue<T>> {
    using Base = detail::BoundedQueue<cohort::JoinableQueue<T>>;

   public:
    using Base::Base;
    void task_done() const { this->object().task_done(); }
    auto join() const { return this->object().join(); }
  };
  template <class T>
  using SimpleQueue = detail::AnyQueue<cohort::SimpleQueue<T>>;

  template <class T>
  class Value : public detail::Counted<cohort::Value<T>>, public detail::ValueFace<Value<T>, T> {
   public:
    Value() = default;
    explicit Value(T initial) : detail::Counted<cohort::Value<T>>(initial) {}
    using detail::ValueFace<Value, T>::operator=;
    T load() const noexcept { return this->object().load(); }
    void store(T value) const noexcept { this->object().store(value); }
    T fetch_add(T n) const noexcept requires detail::Addable<T> {
      return this->object().fetch_add(n);
    }
    const RLock& get_lock() const noexcept { return lock_; }

   private:
    RLock lock_{this->shared()};
  };
  template <class T>
  class Array : public detail::Counted<cohort::Array<T>>, public detail::ArrayFace<Array<T>, T> {
   public:
    using detail::Counted<cohort::Array<T>>::Counted;
    Array(std::initializer_list<T> list) : detail::Counted<cohort::Array<T>>(list) {}
    std::span<T> span() const noexcept { return this->object().span(); }
    const RLock& get_lock() const noexcept { return lock_; }

   private:
    RLock lock_{this->shared()};
  };

  template <class T>
  using Connection = cohort::Connection<T>;
  template <class T>
  static PipeEnds<T> Pipe(bool duplex = true) {
    return cohort::Pipe<T>(duplex);
  }
};

}  // namespace cohort::inline v0
