// SPDX-License-Identifier: BSL-1.0
// Fork-join with ten children at every node. Ten legs known when compiling need no memory but
// the parent's frame; a vector of tasks is what a program writes that learns the number late.

#include <cohort/cohort.hpp>
#include <tuple>
#include <utility>
#include <vector>
#include "bench.hpp"

using cohort::Task;
using Number = std::uint64_t;

static Task<Number> legs(Number first, Number leaves);

static constexpr std::make_index_sequence<10> ten_of_them;

template <std::size_t... I>
static auto ten(Number first, Number part, std::index_sequence<I...>) {
  return cohort::when_all(legs(first + I * part, part)...);
}

static Task<Number> legs(Number first, Number leaves) {
  if (leaves == 1) co_return first;
  const auto sums = co_await ten(first, leaves / 10, ten_of_them);
  co_return std::apply([](auto... each) { return (each + ...); }, sums);
}

static Task<Number> range(Number first, Number leaves) {
  if (leaves == 1) co_return first;
  const Number part = leaves / 10;
  std::vector<Task<Number>> children;
  children.reserve(10);
  for (Number i = 0; i < 10; ++i) children.push_back(range(first + i * part, part));
  const auto sums = co_await cohort::when_all(std::move(children));
  Number total = 0;
  for (const Number sum : sums) total += sum;
  co_return total;
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const Number leaves = options.size_or(10'000'000);
  cohort::ThreadPool pool{options.threads};
  auto measure = [&](const std::string& flavour, Task<Number> (*tree)(Number, Number)) {
    Number sum = 0;
    const double ms = bench::median_ms(options, [&] { sum = cohort::run(pool, tree(0, leaves)); });
    bench::expect(sum == bench::sum_below(leaves), "skynet");
    bench::report("skynet", std::to_string(leaves) + flavour, options.threads, ms, "ms");
  };
  measure("", legs);
  measure("/vector", range);
}
