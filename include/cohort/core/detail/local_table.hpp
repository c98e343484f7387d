// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Values of a thread's or a task's own: what ThreadLocal and TaskLocal have in common.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/config.hpp"  // COHORT_NOINLINE, COHORT_CACHES_TLS_ADDRESSES

namespace cohort::inline v0::detail {

/// Tells one ThreadLocal or TaskLocal from all others: the slot, a small number, is used again when
/// it has gone, the id never.
class LocalKey {
 public:
  LocalKey() {
    Numbers& numbers = all();
    const std::lock_guard lock(numbers.mutex);
    id_ = ++numbers.last_id;
    if (numbers.free.empty()) {
      numbers.free.reserve(numbers.slots + 1);  // so that the destructor need not allocate
      slot_ = numbers.slots++;
    } else {
      slot_ = numbers.free.back();
      numbers.free.pop_back();
    }
  }
  ~LocalKey() {
    Numbers& numbers = all();
    const std::lock_guard lock(numbers.mutex);
    numbers.free.push_back(slot_);
  }
  LocalKey(const LocalKey&) = delete;
  LocalKey& operator=(const LocalKey&) = delete;

  std::size_t slot() const noexcept { return slot_; }
  std::uint64_t id() const noexcept { return id_; }

 private:
  struct Numbers {
    std::mutex mutex;
    std::vector<std::size_t> free;
    std::size_t slots = 0;
    std::uint64_t last_id = 0;
  };
  // Never destroyed: locals at namespace scope go late.
  static Numbers& all() {
    static auto* const numbers = new Numbers;
    return *numbers;
  }

  std::size_t slot_;
  std::uint64_t id_;
};

/// One value of one thread or task.
class LocalValue {
 public:
  virtual ~LocalValue() = default;
  LocalValue(const LocalValue&) = delete;
  LocalValue& operator=(const LocalValue&) = delete;
  /// For a child task; null if the value does not copy.
  virtual std::unique_ptr<LocalValue> copy() const = 0;

 protected:
  explicit LocalValue(const LocalKey& key) noexcept : slot_(key.slot()), id_(key.id()) {}
  explicit LocalValue(const LocalValue* other) noexcept : slot_(other->slot_), id_(other->id_) {}

 private:
  friend class LocalTable;
  const std::size_t slot_;
  const std::uint64_t id_;
  LocalValue* older_ = nullptr;
};

/// Those of one thread or task, which alone uses it. They go in the reverse order of their making.
class LocalTable {
 public:
  LocalTable() = default;
  LocalTable(LocalTable&& other) noexcept
      : by_slot_(std::move(other.by_slot_)), newest_(std::exchange(other.newest_, nullptr)) {}
  LocalTable& operator=(LocalTable&&) = delete;
  ~LocalTable() { clear(); }

  bool empty() const noexcept { return !newest_; }
  LocalValue* find(const LocalKey& key) const noexcept { return find(key.slot(), key.id()); }
  /// Nothing of this key is there.
  void add(std::unique_ptr<LocalValue> value) {
    const std::size_t slot = value->slot_;
    if (slot >= by_slot_.size()) by_slot_.resize(slot + 1);
    if (LocalValue* const stale = by_slot_[slot]) drop(*stale);  // its key has gone
    value->older_ = newest_;
    newest_ = by_slot_[slot] = value.release();
  }
  void remove(const LocalKey& key) noexcept {
    if (LocalValue* const value = find(key)) drop(*value);
  }
  /// A value's destructor may make others; they go, too.
  void clear() noexcept {
    while (newest_) drop(*newest_);
  }
  /// Copies of what the other has and this one has not.
  void add_missing(const LocalTable& other) {
    for (const LocalValue* v = other.newest_; v; v = v->older_) {
      if (find(v->slot_, v->id_)) continue;
      if (auto copy = v->copy()) add(std::move(copy));
    }
  }

 private:
  LocalValue* find(std::size_t slot, std::uint64_t id) const noexcept {
    LocalValue* const value = slot < by_slot_.size() ? by_slot_[slot] : nullptr;
    return value && value->id_ == id ? value : nullptr;
  }
  void drop(LocalValue& value) noexcept {
    LocalValue** link = &newest_;
    while (*link != &value) link = &(*link)->older_;
    *link = value.older_;
    by_slot_[value.slot_] = nullptr;
    delete &value;
  }

  std::vector<LocalValue*> by_slot_;
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
    Value(const LocalKey& key, const std::function<T()>& make) : LocalValue(key), value(make()) {}
    Value(const Value* other) requires std::is_copy_constructible_v<T> : LocalValue(other),
                                                                         value(other->value) {}
    std::unique_ptr<LocalValue> copy() const override {
      if constexpr (std::is_copy_constructible_v<T>) {
        return std::unique_ptr<LocalValue>(new Value(this));
      } else {
        return nullptr;
      }
    }
    T value;
  };

  LocalOf() requires std::is_default_constructible_v<T> : make_([] { return T(); }) {}
  explicit LocalOf(std::function<T()> make) : make_(std::move(make)) {}
  /// The calling thread's value goes with it; those of other threads and tasks when these end.
  ~LocalOf() { remove_from_thread(key_); }

  const LocalKey& key() const noexcept { return key_; }
  std::unique_ptr<LocalValue> make() const { return std::make_unique<Value>(key_, make_); }
  static T& value_of(LocalValue& value) noexcept { return static_cast<Value&>(value).value; }

  /// Of the calling thread; made if it is not there.
  T& of_thread() const {
    if (LocalValue* const value = thread_table().find(key_)) return value_of(*value);
    auto made = make();  // before the table is looked at again: it may use other locals
    LocalValue& value = *made;
    thread_table().add(std::move(made));
    return value_of(value);
  }

 private:
  LocalKey key_;
  std::function<T()> make_;
};

/// What the constructor of a local takes for its initial value: a value to copy.
template <class T, class U>
concept LocalInitial = std::is_copy_constructible_v<T> && std::is_convertible_v<U, T>;

}  // namespace cohort::inline v0::detail
