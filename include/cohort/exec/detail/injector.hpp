// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A stack anybody pushes to and anybody empties with one exchange, so there is no ABA: the way in
/// for work posted from outside, and each worker's own list of what was woken on it.

#include "cohort/core/detail/atomics.hpp"  // the policy

namespace cohort::inline v0::detail {

/// `Node` has a member `Node* link`.
template <class A, class Node>
class BasicInjector {
 public:
  /// Any thread; signal handlers.
  void push(Node& node) noexcept {
    Node* head = head_.load(std::memory_order_relaxed);
    do {
      A::writes(&node.link);
      node.link = head;
      // Release: pairs with the acquire in take_all. Sequentially consistent: the pusher looks for
      // sleepers next, a sleeper looks here after it lay down; one of them sees the other.
    } while (!head_.compare_exchange_weak(head, &node, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  }

  /// Everything, newest first. Any thread.
  Node* take_all() noexcept {
    if (empty()) return nullptr;
    return head_.exchange(nullptr, std::memory_order_acquire);
  }

  /// Everything, oldest first. Any thread.
  Node* take_all_in_order() noexcept {
    Node* first = nullptr;
    for (Node* node = take_all(); node;) {
      A::reads(&node->link);
      Node* const older = node->link;
      A::writes(&node->link);
      node->link = first;
      first = node;
      node = older;
    }
    return first;
  }

  bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == nullptr; }

 private:
  typename A::template atomic<Node*> head_{nullptr};
};

/// The one consumer's side of an injector: oldest first.
template <class Node>
class ReadyList {
 public:
  /// The next one; null if there is none.
  template <class A>
  Node* next(BasicInjector<A, Node>& posted) noexcept {
    if (!first_) first_ = posted.take_all_in_order();
    Node* const node = first_;
    if (node) first_ = node->link;
    return node;
  }
  /// Before all others.
  void push_front(Node& node) noexcept {
    node.link = first_;
    first_ = &node;
  }
  bool empty() const noexcept { return first_ == nullptr; }
  /// Those that were taken in already, oldest first.
  Node* take_all() noexcept {
    Node* const first = first_;
    first_ = nullptr;
    return first;
  }

 private:
  Node* first_ = nullptr;
};

}  // namespace cohort::inline v0::detail
