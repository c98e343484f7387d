// SPDX-License-Identifier: BSL-1.0
#pragma once

/// An intrusive pairing heap (Fredman, Sedgewick, Sleator and Tarjan, 1986): nothing is allocated,
/// whatever is in it can be taken out.

#include <utility>

namespace cohort::inline v0::detail {

/// What an element keeps for its heap.
template <class Node>
struct HeapLinks {
  Node* child = nullptr;    // the first of those not before this one
  Node* sibling = nullptr;  // the next child of the same parent
  Node* before = nullptr;   // the sibling before, or the parent; null at the root
};

/// `Order::links(node)` yields the HeapLinks; `Order::before(a, b)`: whether a comes out first.
template <class Node, class Order>
class PairingHeap {
 public:
  Node* top() const noexcept { return root_; }

  void push(Node& node) noexcept {
    of(node) = {};
    root_ = root_ ? meld(root_, &node) : &node;
  }
  Node* pop() noexcept {
    Node* const node = root_;
    if (node) remove(*node);
    return node;
  }
  /// One that is in this heap.
  void remove(Node& node) noexcept {
    Node* const rest = merge_pairs(of(node).child);
    if (root_ == &node) {
      root_ = rest;
    } else {
      detach(node);
      if (rest) root_ = meld(root_, rest);
    }
  }

 private:
  static HeapLinks<Node>& of(Node& node) noexcept { return Order::links(node); }

  static Node* meld(Node* a, Node* b) noexcept {
    if (Order::before(*b, *a)) std::swap(a, b);
    auto& above = of(*a);
    auto& below = of(*b);
    below.sibling = above.child;
    if (above.child) of(*above.child).before = b;
    below.before = a;
    above.child = b;
    above.sibling = above.before = nullptr;
    return a;
  }

  // First left to right in pairs, then the pairs right to left.
  static Node* merge_pairs(Node* first) noexcept {
    Node* pairs = nullptr;
    while (first) {
      Node* const a = first;
      Node* const b = of(*a).sibling;
      first = b ? of(*b).sibling : nullptr;
      of(*a).sibling = of(*a).before = nullptr;
      if (b) of(*b).sibling = of(*b).before = nullptr;
      Node* const pair = b ? meld(a, b) : a;
      of(*pair).sibling = pairs;
      pairs = pair;
    }
    Node* root = nullptr;
    while (pairs) {
      Node* const next = of(*pairs).sibling;
      of(*pairs).sibling = nullptr;
      root = root ? meld(root, pairs) : pairs;
      pairs = next;
    }
    return root;
  }

  static void detach(Node& node) noexcept {
    const auto& links = of(node);
    auto& before = of(*links.before);
    (before.child == &node ? before.child : before.sibling) = links.sibling;
    if (links.sibling) of(*links.sibling).before = links.before;
  }

  Node* root_ = nullptr;
};

}  // namespace cohort::inline v0::detail
