// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Values of a thread's or a task's own: what ThreadLocal and TaskLocal have in common.

#include <atomic>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

#include "cohort/config.hpp"  // COHORT_NOINLINE, COHORT_CACHES_TLS_ADDRESSES

namespace cohort::inline v0::detail {

/// Tells one ThreadLocal or TaskLocal from all others. Counted: the values know whether it has gone.
class LocalKey {
 public:
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  void close() noexcept {
    closed_.store(true, std::memory_order_relaxed);
    release();
  }
  bool closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> references_{1};
  std::atomic<bool> closed_{false};
};

/// One value of one thread or task.
class LocalValue {
 public:
  virtual ~LocalValue() { key_.release(); }
  LocalValue(const LocalValue&) = delete;
  LocalValue& operator=(const LocalValue&) = delete;
  /// For a child task; null if the value does not copy.
  virtual LocalValue* copy() const = 0;

 protected:
  explicit LocalValue(LocalKey& key) noexcept : key_(key) { key.retain(); }
  LocalKey& key() const noexcept { return key_; }

 private:
  friend class LocalTable;
  LocalKey& key_;
  LocalValue* older_ = nullptr;
};

/// Those of one thread or task, which alone uses it: a list, for they are few. They go in the
/// reverse order of their making.
class LocalTable {
 public:
  LocalTable() = default;
  LocalTable(LocalTable&& other) noexcept : newest_(std::exchange(other.newest_, nullptr)) {}
  LocalTable& operator=(LocalTable&&) = delete;
  ~LocalTable() { clear(); }

  bool empty() const noexcept { return !newest_; }
  LocalValue* find(const LocalKey& key) const noexcept {
    LocalValue* value = newest_;
    while (value && &value->key_ != &key) value = value->older_;
    return value;
  }
  /// Nothing of this key is there. Takes the value over; drops those whose key has gone.
  void add(LocalValue& value) noexcept {
    for (LocalValue** link = &newest_; *link;) {
      if ((*link)->key_.closed()) {
        drop(link);
        link = &newest_;  // its destructor may have changed the list
      } else {
        link = &(*link)->older_;
      }
    }
    value.older_ = newest_;
    newest_ = &value;
  }
  void remove(const LocalKey& key) noexcept {
    LocalValue** link = &newest_;
    while (*link && &(*link)->key_ != &key) link = &(*link)->older_;
    if (*link) drop(link);
  }
  /// A value's destructor may make others; they go, too.
  void clear() noexcept {
    while (newest_) drop(&newest_);
  }
  /// Copies of what the other has and this one has not.
  void add_missing(const LocalTable& other) {
    for (const LocalValue* v = other.newest_; v; v = v->older_) {
      if (find(v->key_) || v->key_.closed()) continue;
      if (LocalValue* const copy = v->copy()) add(*copy);
    }
  }

 private:
  static void drop(LocalValue** link) noexcept {
    LocalValue* const value = *link;
    *link = value->older_;
    delete value;
  }

  LocalValue* newest_ = nullptr;
};

// A pointer that is never destroyed, and what clears the table behind it when the thread ends. A
// local that is used even later, by the destructor of something older, stays.
inline thread_local constinit LocalTable* thread_table_pointer = nullptr;

struct ThreadTableEnd {
  ~ThreadTableEnd() {
    thread_table_pointer->clear();
    delete std::exchange(thread_table_pointer, nullptr);
  }
};

COHORT_COLD inline LocalTable& make_thread_table() {
  thread_table_pointer = new LocalTable;
  [[maybe_unused]] static thread_local ThreadTableEnd end;
  return *thread_table_pointer;
}

/// This thread's. Not inlined: a coroutine that calls it may go on on another thread.
COHORT_NOINLINE inline LocalTable& thread_table() {
  LocalTable* table = thread_table_pointer;
#if COHORT_CACHES_TLS_ADDRESSES
  asm volatile("" : "+r"(table) : : "memory");
#endif
  return table ? *table : make_thread_table();
}

/// Only if there is a table.
COHORT_NOINLINE inline void remove_from_thread(const LocalKey& key) noexcept {
  if (thread_table_pointer) thread_table().remove(key);
}

/// How a value comes into being, and its key.
template <class T>
class LocalOf {
 public:
  LocalOf(const LocalOf&) = delete;
  LocalOf& operator=(const LocalOf&) = delete;

 protected:
  class Value final : public LocalValue {
   public:
    Value(LocalKey& key, const std::function<T()>& make) : LocalValue(key), value(make()) {}
    Value(LocalKey& key, const T& other) requires std::is_copy_constructible_v<T> : LocalValue(key),
                                                                                    value(other) {}
    LocalValue* copy() const override {
      if constexpr (std::is_copy_constructible_v<T>) {
        return new Value(key(), value);
      } else {
        return nullptr;
      }
    }
    T value;
  };

  LocalOf() requires std::is_default_constructible_v<T> : make_([] { return T(); }) {}
  explicit LocalOf(std::function<T()> make) : make_(std::move(make)) {}
  /// The calling thread's value goes with it; those of other threads and tasks when these end.
  ~LocalOf() {
    remove_from_thread(key_);
    key_.close();
  }

  LocalKey& key() const noexcept { return key_; }
  LocalValue& make() const { return *new Value(key_, make_); }
  static T& value_of(LocalValue& value) noexcept { return static_cast<Value&>(value).value; }

  /// Of the calling thread; made if it is not there.
  T& of_thread() const {
    LocalTable& table = thread_table();
    if (LocalValue* const value = table.find(key_)) return value_of(*value);
    LocalValue& value = make();
    table.add(value);
    return value_of(value);
  }

 private:
  std::function<T()> make_;
  LocalKey& key_ = *new LocalKey;
};

/// What the constructor of a local takes for its initial value: a value to copy.
template <class T, class U>
concept LocalInitial = std::is_copy_constructible_v<T> && std::is_convertible_v<U, T>;

}  // namespace cohort::inline v0::detail
