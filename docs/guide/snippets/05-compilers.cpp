// SPDX-License-Identifier: BSL-1.0
// What docs/guide/05-compilers.md shows: the forms that are right with every compiler. `balance`
// is how often a Name was made more often than it was destroyed.
#include <cohort/cohort.hpp>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using cohort::Task;

int balance = 0;

class Name {
 public:
  explicit Name(std::string text) : text_(std::move(text)) { ++balance; }
  Name(const Name& other) : text_(other.text_) { ++balance; }
  Name(Name&& other) noexcept : text_(std::move(other.text_)) { ++balance; }
  Name& operator=(const Name&) = default;
  Name& operator=(Name&&) noexcept = default;
  ~Name() { --balance; }
  std::size_t size() const { return text_.size(); }

 private:
  std::string text_;
};

struct Order {  // an aggregate: it has no constructor
  Name customer;
  int pieces;
};

Task<Name> load_name() { co_return Name("Ada"); }
std::size_t length(Name name) { return name.size(); }
Task<std::size_t> length_later(Name name) { co_return name.size(); }

Task<> aggregates() {
  auto ends = cohort::channel<Order>(4);
  Order order{Name("Ada"), 3};
  co_await ends.tx.send(std::move(order));  // not: send(Order{Name("Ada"), 3})
}

Task<> functions(cohort::ThreadPool& pool, Name name) {
  co_await pool.submit(length, name);        // not: submit([name] { return name.size(); })
  co_await pool.submit(length_later, name);  // a coroutine function just the same

  const auto measure = [name] { return name.size(); };
  co_await pool.submit(measure);             // a lambda with captures: name it first
}

Task<> conditions(bool known, Name fallback) {
  Name name = fallback;                      // not: known ? co_await load_name() : fallback
  if (known) name = co_await load_name();
}

Task<> braces() {
  Name customer = co_await load_name();      // not: Order order{co_await load_name(), 3};
  Order order{std::move(customer), 3};
  static_cast<void>(order);
}

int twice(int x) { return 2 * x; }

Task<> lists(cohort::ThreadPool& pool) {
  const std::vector<int> numbers{1, 2, 3};
  co_await pool.map(twice, numbers);         // not: map(twice, std::vector<int>{1, 2, 3})
}

Task<> bindings() {
  const auto both = co_await cohort::when_all(load_name(), load_name());
  const auto& [first, second] = both;        // not: auto [first, second] = co_await …
  static_cast<void>(first.size() + second.size());
}

Task<std::size_t> safe(cohort::ThreadPool& pool, Name name) {
  const auto task = [](Name n) -> Task<std::size_t> {  // no captures: state comes in as parameters
    co_await cohort::yield_now();
    co_return n.size();
  };
  const std::size_t here = co_await task(name);

  const auto capturing = [name]() -> Task<std::size_t> {
    co_await cohort::yield_now();
    co_return name.size();
  };
  const std::size_t there = co_await spawn(pool, capturing);  // spawn stores the lambda
  co_return here + there;
}

int main() {
  {
    cohort::ThreadPool pool{1};
    cohort::run(aggregates());
    cohort::run(functions(pool, Name("Bob")));
    cohort::run(conditions(true, Name("Bob")));
    cohort::run(braces());
    cohort::run(pool, lists(pool));
    cohort::run(bindings());
    std::cout << cohort::run(safe(pool, Name("Eve"))) << '\n';
  }
  std::cout << "balance " << balance << '\n';
}

// Output:
// 6
// balance 0
