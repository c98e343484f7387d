// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Handles to shared objects. An object lives as long as a process holds it: it has one bit for each
/// member of the family, and counts the messages under way that name it. Within a process the
/// handles are counted locally, so that copying one touches nothing shared; and when a process dies,
/// its bits are all there is to drop.

#include <atomic>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cohort/error.hpp"            // UsageError
#include "cohort/ipc/detail/heap.hpp"  // Heap, Family
#include "cohort/wire/codec.hpp"       // Codec

namespace cohort::inline v0::ipc::detail {

/// While it lives, nobody else changes who holds what. Every state in between is a good one, so it
/// does not matter if a process dies with it.
template <class>
class BasicHoldersLock {
 public:
  BasicHoldersLock() noexcept { header().holders_lock.lock(); }
  ~BasicHoldersLock() { header().holders_lock.unlock(); }
  BasicHoldersLock(const BasicHoldersLock&) = delete;
  BasicHoldersLock& operator=(const BasicHoldersLock&) = delete;

  static Header& header() noexcept { return Family::get().header(); }
};
using HoldersLock = BasicHoldersLock<>;

/// Who keeps something alive: processes, and messages under way. With the HoldersLock, because
/// "nobody is left" must be true of one moment: a hold may move from one to another meanwhile.
template <class W>
class BasicHolders {
 public:
  void add(Member member) noexcept {
    bits_[member.slot() / 64].fetch_or(bit(member), std::memory_order_relaxed);
    used_.store(true, std::memory_order_relaxed);
  }
  void remove(Member member) noexcept {
    bits_[member.slot() / 64].fetch_and(~bit(member), std::memory_order_relaxed);
  }
  bool held_by(Member member) const noexcept {
    return bits_[member.slot() / 64].load(std::memory_order_relaxed) & bit(member);
  }
  void send() noexcept { under_way_.fetch_add(1, std::memory_order_relaxed); }
  void arrive(Member member) noexcept {
    add(member);
    // What is delivered a second time may have arrived already.
    if (under_way_.load(std::memory_order_relaxed) != 0) {
      under_way_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  bool any() const noexcept {
    for (const auto& bits : bits_) {
      if (bits.load(std::memory_order_relaxed) != 0) return true;
    }
    return under_way_.load(std::memory_order_relaxed) != 0;
  }
  /// Somebody held it, and nobody does or will.
  bool deserted() const noexcept { return used_.load(std::memory_order_relaxed) && !any(); }

 private:
  static std::uint64_t bit(Member member) noexcept {
    return std::uint64_t{1} << member.slot() % 64;
  }

  template <class T>
  using Atomic = typename W::template atomic<T>;
  Atomic<std::uint64_t> bits_[(W::max_members + 63) / 64]{};
  Atomic<std::uint32_t> under_way_{0};
  Atomic<bool> used_{false};
};
using Holders = BasicHolders<RealWorld>;

/// What stands at the beginning of every shared object.
struct ObjectHead {
  Holders holders;
};

/// What travels in the place of a handle.
struct HandleName {
  Offset offset = 0;
  std::uint32_t generation = 0;
};

/// How to deal with the objects of a kind when a member of the family has died, and when the last
/// holder has gone. Whoever does it may die as well: then it is done again.
struct KindOps {
  void (*bury)(void* object, Member dead) noexcept = nullptr;
  void (*end)(void* object) noexcept = nullptr;
  /// Takes back what a waiter was granted whose process did not come to take it up. After bury.
  void (*revoke)(void* object, void* waiter) noexcept = nullptr;
};
inline KindOps kinds[32];

/// `Object` begins with `ObjectHead head`, and has a constant `kind`, a function `bury(Member)`
/// noexcept, and perhaps `end()`, which frees what belongs to it, `revoke(Waiter&)`, and
/// `size_for(args…)` if it is larger than it says.
template <class Object>
inline const bool kind_is_known = [] {
  kinds[static_cast<std::uint32_t>(Object::kind)] = {
      [](void* object, Member dead) noexcept { static_cast<Object*>(object)->bury(dead); },
      [](void* object) noexcept {
        if constexpr (requires(Object & o) { o.end(); }) static_cast<Object*>(object)->end();
      },
      [](void* object, void* waiter) noexcept {
        if constexpr (requires { &Object::revoke; }) {
          static_cast<Object*>(object)->revoke(*static_cast<typename Object::Waiter*>(waiter));
        }
      }};
  return true;
}();

/// True if the object is nobody's now: the caller must end it. It is private to him.
template <class = void>
bool remove_holder(ObjectHead& head, Offset offset, Member member) noexcept {
  const HoldersLock lock;
  head.holders.remove(member);
  if (head.holders.any() || HoldersLock::header().swept.load(std::memory_order_relaxed) == offset) {
    return false;
  }
  Heap::make_private(offset, self());
  return true;
}
template <class = void>
void end_object(Offset offset) noexcept {
  const auto kind = Heap::block_of(offset).kind.load(std::memory_order_relaxed);
  if (kinds[kind].end) kinds[kind].end(&Family::get().at<std::byte>(offset));
  Heap::free(offset);
}
/// With the HoldersLock: an object of that kind and generation that somebody holds.
template <class = void>
bool is_held(Offset offset, Kind kind, std::uint32_t generation) noexcept {
  const Block& block = Heap::block_of(offset);
  return block.kind.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(kind) &&
         block.generation.load(std::memory_order_relaxed) == generation &&
         block.owner.load(std::memory_order_relaxed) == 0;
}

/// What a process holds: an object, or part of it.
template <class Object>
struct Whole {
  static Holders& holders(Object& object) noexcept { return object.head.holders; }
  static void drop(Object& object, Offset offset, Member member) noexcept {
    if (remove_holder(object.head, offset, member)) end_object(offset);
  }
};

/// This process's hold on an object.
template <class Object, class Part = Whole<Object>>
class Hold {
 public:
  Hold(Offset offset, std::uint32_t generation) noexcept
      : offset_(offset), generation_(generation), stamp_(Family::get().stamp()) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    Family& family = Family::get();
    if (stamp_.load(std::memory_order_relaxed) != family.stamp()) return;  // inherited, never used
    Part::drop(family.at<Object>(offset_), offset_, family.me());
  }

  Object& object() {
    Family& family = Family::get();
    if (stamp_.load(std::memory_order_acquire) != family.stamp()) adopt(family);
    return family.at<Object>(offset_);
  }
  HandleName name() const noexcept { return {offset_, generation_}; }

 private:
  // In a process that inherited the handle by fork. Several threads may do it at once.
  void adopt(Family& family) {
    const Member me = family.me();
    const HoldersLock lock;
    if (!is_held(offset_, Object::kind, generation_)) {
      throw UsageError(
          "this handle was inherited by fork, but nobody kept what it refers to: pass "
          "it as an argument to the Process");
    }
    Part::holders(family.at<Object>(offset_)).add(me);
    stamp_.store(family.stamp(), std::memory_order_release);
  }

  const Offset offset_;
  const std::uint32_t generation_;
  std::atomic<std::uint32_t> stamp_;
};

/// For each kind of hold, how all that this process has are kept for another member, or, in a forked
/// child, for itself.
using BookAll = void (*)(Member);
template <class = void>
std::mutex& book_all_mutex() {
  static std::mutex* const mutex = new std::mutex;
  return *mutex;
}
template <class = void>
std::vector<BookAll>& book_all_functions() {
  static auto* const functions = new std::vector<BookAll>;
  return *functions;
}
template <class = void>
void book_all_holds(Member member) {
  const std::lock_guard lock(book_all_mutex());
  for (const BookAll book : book_all_functions()) book(member);
}

/// The holds of this process, so that all handles to one object share one.
template <class Object, class Part = Whole<Object>>
class Holds {
 public:
  using Ref = std::shared_ptr<Hold<Object, Part>>;

  template <class... Args>
  static Ref make(Args&&... args) {
    static_cast<void>(kind_is_known<Object>);
    std::uint64_t size = sizeof(Object);
    if constexpr (requires { Object::size_for(args...); }) size = Object::size_for(args...);
    const Offset offset = Heap::allocate(size, Object::kind);
    Family& family = Family::get();
    auto* const object = new (&family.at<Object>(offset)) Object(std::forward<Args>(args)...);
    object->head.holders.add(family.me());
    Heap::share(offset);
    return enter(offset, Heap::block_of(offset).generation.load(std::memory_order_relaxed));
  }
  /// A hold on a part of what is held already.
  static Ref make_part(const HandleName& name) {
    Family& family = Family::get();
    const Member me = family.me();
    {
      const HoldersLock lock;
      Part::holders(family.at<Object>(name.offset)).add(me);
    }
    return enter(name.offset, name.generation);
  }
  /// A handle for the road: it keeps the object alive until `arrive`.
  static HandleName send(const Ref& ref) {
    auto& holders = Part::holders(ref->object());
    const HoldersLock lock;
    holders.send();
    return ref->name();
  }
  /// Throws CodecError for a name that is no object of this kind. `departed`: by `send`.
  static Ref arrive(HandleName name, bool departed) {
    static_cast<void>(kind_is_known<Object>);
    Family& family = Family::get();
    const Member me = family.me();
    {
      const HoldersLock lock;
      check(name);
      auto& holders = Part::holders(family.at<Object>(name.offset));
      departed ? holders.arrive(me) : holders.add(me);
    }
    return enter(name.offset, name.generation);
  }

 private:
  static void check(HandleName name) {
    const Header& header = Family::get().header();
    const bool inside =
        name.offset % 32 == 0 && name.offset > first_block &&
        name.offset + sizeof(Object) <= header.heap.top.load(std::memory_order_acquire);
    if (inside && is_held(name.offset, Object::kind, name.generation)) return;
    throw CodecError("a handle arrived that refers to nothing, or to something of another kind");
  }

  static Ref enter(Offset offset, std::uint32_t generation) {
    const std::lock_guard lock(mutex());
    auto& known = table()[offset];
    if (Ref ref = known.lock(); ref && ref->name().generation == generation) return ref;
    auto ref = std::make_shared<Hold<Object, Part>>(offset, generation);
    known = ref;
    return ref;
  }
  using Table = std::unordered_map<Offset, std::weak_ptr<Hold<Object, Part>>>;
  static Table& table() {
    static Table* const table = [] {
      const std::lock_guard lock(book_all_mutex());
      book_all_functions().push_back(book_all);
      Family::get().on_fork([] { new (&mutex_) std::mutex; });  // nobody here holds it
      return new Table;
    }();
    return *table;
  }
  static void book_all(Member member) {
    const std::lock_guard lock(mutex());
    for (auto& [offset, known] : table()) {
      const Ref ref = known.lock();
      if (!ref) continue;
      auto& holders = Part::holders(ref->object());
      const HoldersLock holding;
      holders.add(member);
    }
  }
  static std::mutex& mutex() noexcept { return mutex_; }
  static inline constinit std::mutex mutex_;
};

/// For the library: makes a handle that refers to nothing yet.
struct ByName {};

/// The base of every handle class: copyable, cheap to copy; nothing shared is touched by that.
/// Those that are no templates by themselves are templates over their object, so that a program
/// that names none of them does not pay for them.
template <class Object>
class Handle {
 public:
  /// Whether both refer to the same object.
  friend bool operator==(const Handle& a, const Handle& b) noexcept { return a.hold_ == b.hold_; }

  using ByName = detail::ByName;
  /// For the library: how a handle travels. A message that is really sent keeps the object alive.
  void depart(OutArchive& out) const {
    const HandleName name = out.context() ? Holds<Object>::send(ref()) : ref()->name();
    out(name.offset, name.generation);
  }
  void arrive(InArchive& in) {
    HandleName name;
    in(name.offset, name.generation);
    hold_ = Holds<Object>::arrive(name, in.context() != nullptr);
  }
  static constexpr bool travels_by_name = true;
  /// For the library: it is held for a process that is about to be started.
  void book(Member member) const {
    auto& holders = Whole<Object>::holders(object());
    const HoldersLock lock;
    holders.add(member);
  }

 protected:
  explicit Handle(ByName) noexcept {}
  template <class... Args>
  explicit Handle(std::in_place_t, Args&&... args)
      : hold_(Holds<Object>::make(std::forward<Args>(args)...)) {}

  const typename Holds<Object>::Ref& ref() const {
    if (!hold_) throw UsageError("this handle refers to nothing: it was moved from or closed");
    return hold_;
  }
  Object& object() const { return ref()->object(); }

 private:
  typename Holds<Object>::Ref hold_;
};

}  // namespace cohort::inline v0::ipc::detail

namespace cohort::inline v0 {

/// Handles travel between the processes of one family, and refer to the same object there.
template <class H>
requires(H::travels_by_name) struct Codec<H> {
  static void encode(OutArchive& out, const H& handle) { handle.depart(out); }
  static H decode(InArchive& in) {
    H handle{typename H::ByName{}};
    handle.arrive(in);
    return handle;
  }
};

}  // namespace cohort::inline v0
