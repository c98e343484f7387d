// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a task has beside its frames, once somebody asks for it: a name, and values of its own.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "cohort/core/coroutine.hpp"           // Completion, Above
#include "cohort/core/detail/local_table.hpp"  // LocalTable

namespace cohort::inline v0::detail {

/// The root of the task that `c` belongs to: beyond the scopes that a time limit, a shield or a
/// group's body have inside a task.
inline Coroutine& task_root(Coroutine& c) noexcept {
  Coroutine* root = &c.root();
  for (;;) {
    const Above above = root->completion()->above();
    if (!above.same_task) return *root;
    root = &above.parent->root();
  }
}

/// Stands between the task's root and whoever is told of its end. So a task that has none is not
/// longer by a byte, and ends not later by an instruction.
class TaskExtras final : public Completion {
 public:
  explicit TaskExtras(Completion& told) noexcept : told_(told) {}
  TaskExtras(Completion& told, LocalTable inherited) noexcept
      : locals(std::move(inherited)), told_(told) {}

  /// Those of the running task with this root, made if there are none.
  static TaskExtras& of(Coroutine& root) {
    if (TaskExtras* const extras = root.completion()->extras()) return *extras;
    auto* const extras = new TaskExtras(*root.completion());
    root.set_completion(*extras);
    return *extras;
  }
  /// For a root that ends without telling.
  static void drop(Coroutine& root) noexcept { delete root.completion()->extras(); }

  static std::string default_name() {
    static constinit std::atomic<std::uint64_t> last{0};
    return "Task-" + std::to_string(last.fetch_add(1, std::memory_order_relaxed) + 1);
  }

  std::string name;  // empty: nobody has asked
  LocalTable locals;

 private:
  Coroutine* ended(Context& context) noexcept override {
    Completion& told = told_;
    delete this;
    return told.ended(context);
  }
  void fail(std::exception_ptr error) noexcept override { told_.fail(std::move(error)); }
  Above above() const noexcept override { return told_.above(); }
  TaskExtras* extras() noexcept override { return this; }

  Completion& told_;
};

/// For a root that nobody waits for.
class NobodyTold final : public Completion {
  Coroutine* ended(Context&) noexcept override { return nullptr; }
  void fail(std::exception_ptr) noexcept override {}
};

/// The value of the key in the task above this root that has one; null: none has. While a leg runs
/// those above it are suspended.
inline LocalValue* find_above(Coroutine& root, const LocalKey& key) noexcept {
  Above above = root.completion()->above();
  while (above.parent) {
    Completion& next = *task_root(*above.parent).completion();
    if (TaskExtras* const extras = next.extras()) {
      if (LocalValue* const value = extras->locals.find(key)) return value;
    }
    above = next.above();
  }
  return nullptr;
}

/// TaskLocals that exist: as long as there is none, nobody looks for values to inherit.
inline constinit std::atomic<std::size_t> task_local_count{0};

COHORT_COLD inline Completion& with_inherited_locals(Completion& told) {
  Coroutine* const here = this_coroutine();
  if (!here) return told;
  LocalTable locals;
  Above above{here, false};
  while (above.parent) {
    Completion& next = *task_root(*above.parent).completion();
    if (TaskExtras* const extras = next.extras()) locals.add_missing(extras->locals);
    above = next.above();
  }
  if (locals.empty()) return told;
  return *new TaskExtras(told, std::move(locals));
}

/// Who is told of the end of a child that does not suspend the one who starts it: with a copy of
/// the values that this one's task sees now.
inline Completion& told_of_child(Completion& told) {
  if (task_local_count.load(std::memory_order_relaxed) == 0) [[likely]]
    return told;
  return with_inherited_locals(told);
}

}  // namespace cohort::inline v0::detail
