// SPDX-License-Identifier: BSL-1.0
// channel under contract: whoever waits, and however, and whatever kind of channel it is.

#include <string>
#include <tuple>

#include "support/flavours.hpp"

namespace cohort::test {

// Which flavour, and whether the channel is one_to_one.
class ChannelContract : public testing::TestWithParam<std::tuple<Flavour, bool>> {
 protected:
  static constexpr int capacities[] = {0, 1, 3, 5};
  static Flavour flavour() { return std::get<0>(GetParam()); }
  template <class T>
  static Channel<T> make(int capacity) {
    return std::get<1>(GetParam()) ? channel<T>(capacity, cohort::one_to_one)
                                   : channel<T>(capacity);
  }
};
INSTANTIATE_TEST_SUITE_P(Everybody, ChannelContract,
                         testing::Combine(testing::ValuesIn(all_flavours), testing::Bool()),
                         [](const auto& of) {
                           return std::string(name_of(std::get<0>(of.param))) +
                                  (std::get<1>(of.param) ? "_one_to_one" : "_general");
                         });

}  // namespace cohort::test

#include "contract/channel_contract.hpp"
