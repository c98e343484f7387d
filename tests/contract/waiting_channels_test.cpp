// SPDX-License-Identifier: BSL-1.0
// Receiving from a broadcast and waiting for a watch under the contract of all waits.

#include "contract/waiting.hpp"

namespace cohort::test {

// The same operation without its result.
template <class Spec>
struct Discarding : Spec {
  using Result = void;
  void result(typename Spec::Place& place) { static_cast<void>(Spec::result(place)); }
};

struct BroadcastSubject {
  template <class Spec>
  static auto without_result(Operation<Spec> operation) {
    return Operation(Discarding<Spec>{detail::OperationAccess::take(std::move(operation))});
  }
  auto wait() { return without_result(ends.rx.recv()); }
  bool try_wait() { return ends.rx.try_recv().has_value(); }
  void give() { ends.tx.send(1); }
  void take_back() {}  // a wait that passes has taken it
  const BroadcastChannel<int> ends = broadcast<int>(4);
};

struct WatchSubject {
  auto wait() { return ends.rx.changed(); }
  bool try_wait() { return ends.rx.try_changed(); }
  void give() { ends.tx.send(1); }
  void take_back() {}
  const WatchChannel<int> ends = watch(0);
};

using ChannelSubjects = testing::Types<BroadcastSubject, WatchSubject>;
INSTANTIATE_TYPED_TEST_SUITE_P(Channels, WaitingContract, ChannelSubjects);

}  // namespace cohort::test
