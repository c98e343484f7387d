// SPDX-License-Identifier: BSL-1.0
// ipc::channel under the contract of cohort's, in one process.

#include "ipc/names.hpp"

namespace cohort::test {

class ChannelContract : public testing::TestWithParam<Flavour> {
 protected:
  static constexpr int capacities[] = {0, 1, 3, 5};
  static Flavour flavour() { return GetParam(); }
  template <class T>
  static Channel<T> make(int capacity) {
    return channel<T>(capacity);
  }
};
INSTANTIATE_TEST_SUITE_P(Everybody, ChannelContract, testing::ValuesIn(all_flavours), flavour_name);

}  // namespace cohort::test

#include "contract/channel_contract.hpp"
