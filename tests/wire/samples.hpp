// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Values of every kind that travels: what the tests of this folder and the fuzzer send about.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "cohort/wire/codec.hpp"  // what is under test

namespace cohort::test::wire {

using namespace std::chrono_literals;

enum class Colour : std::uint8_t { red, green = 7 };
enum Plain { plain_a, plain_b };
enum class Truth : bool { no, yes };

struct Point {
  int x = 0;
  int y = 0;
  bool operator==(const Point&) const = default;
};
struct Padded {
  char tag = 'p';
  double value = 1;
  bool set = false;
  bool operator==(const Padded&) const = default;
};
struct Customer {
  std::string name;
  std::optional<std::string> mail;
  std::variant<int, std::string, Point> key;
  std::map<std::string, std::vector<Point>> places;
  std::filesystem::path home;
  std::chrono::milliseconds age{};
  bool operator==(const Customer&) const = default;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
  bool operator==(const Tree&) const = default;
};
struct Json {
  std::variant<std::monostate, double, std::string, std::vector<Json>, std::map<std::string, Json>>
      value;
  bool operator==(const Json&) const = default;
};
struct Wide {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
  std::string q;
  bool operator==(const Wide&) const = default;
};
struct Nothing {
  bool operator==(const Nothing&) const = default;
};
/// Not an aggregate; one function for both directions.
class Account {
 public:
  Account() = default;
  Account(std::string owner, long cents) : owner_(std::move(owner)), cents_(cents) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(owner_, cents_, digits_);
  }
  bool operator==(const Account&) const = default;

 private:
  std::string owner_;
  long cents_ = 0;
  int digits_[3] = {1, 2, 3};
};
/// No default constructor, so it has a Codec.
class Money {
 public:
  static Money of_cents(long cents) { return Money(cents); }
  long cents() const { return cents_; }
  bool operator==(const Money&) const = default;

 private:
  explicit Money(long cents) : cents_(cents) {}
  long cents_;
};
/// `serialize` beside it.
class Range {
 public:
  int low = 0, high = 0;
  Range() = default;
  Range(int l, int h) : low(l), high(h) {}
  bool operator==(const Range&) const = default;
};
template <class Archive>
void serialize(Archive& archive, Range& range) {
  archive(range.low, range.high);
}
/// Writes nothing.
class Silent {
 public:
  Silent() : value_(1) {}
  template <class Archive>
  void serialize(Archive&) {}
  bool operator==(const Silent&) const = default;

 private:
  int value_;
};

/// Calls fn(value) with many values of many types.
template <class Fn>
void for_each_sample(Fn fn) {
  fn(true);
  fn('x');
  fn(static_cast<signed char>(-1));
  fn(std::numeric_limits<std::int64_t>::min());
  fn(std::numeric_limits<std::uint16_t>::max());
  fn(-1.5f);
  fn(std::numeric_limits<double>::infinity());
  fn(1.0L / 3);
  fn(u8'u');
  fn(L'w');
  fn(Colour::green);
  fn(plain_b);
  fn(Truth::yes);
  fn(std::byte{200});
  fn(std::string());
  fn(std::string("text with \0 in it", 17));
  fn(std::u16string(u"sixteen"));
  fn(std::vector<int>{1, 2, 3});
  fn(std::vector<double>());
  fn(std::vector<std::string>{"", "a", std::string(300, 'b')});
  fn(std::vector<std::vector<std::byte>>{{}, {std::byte{1}, std::byte{2}}});
  fn(std::vector<bool>{true, false, true, true, false, false, true, false, true});
  fn(std::vector<bool>(16, true));
  fn(std::vector<Point>{{1, 2}, {3, 4}});
  fn(std::vector<Padded>{{'a', 2, true}, {}});
  fn(std::vector<Nothing>(5));
  fn(std::vector<std::monostate>(3));
  fn(std::vector<Silent>(4));
  fn(std::deque<short>{1, -1});
  fn(std::list<std::string>{"one", "two"});
  fn(std::array<int, 3>{1, 2, 3});
  fn(std::array<std::string, 2>{"x", "y"});
  fn(std::array<int, 0>());
  fn(std::map<int, std::string>{{1, "one"}, {2, "two"}});
  fn(std::multimap<int, int>{{1, 1}, {1, 2}});
  fn(std::set<std::string>{"a", "b"});
  fn(std::multiset<int>{1, 1, 2});
  fn(std::unordered_map<std::string, Point>{{"p", {1, 2}}, {"q", {}}});
  fn(std::unordered_set<int>{5, 6, 7});
  fn(std::unordered_multiset<int>{5, 5});
  fn(std::pair<int, std::string>(1, "pair"));
  fn(std::tuple<>());
  fn(std::tuple<int, std::string, bool>(1, "tuple", true));
  fn(std::optional<int>());
  fn(std::optional<std::optional<std::string>>(std::optional<std::string>("deep")));
  fn(std::variant<int, std::string>("text"));
  fn(std::variant<std::monostate, std::vector<int>>());
  fn(std::monostate());
  fn(std::chrono::nanoseconds(-5));
  fn(std::chrono::duration<double, std::ratio<60>>(1.5));
  fn(std::chrono::steady_clock::time_point(42s));
  fn(std::filesystem::path("/tmp/some file"));
  fn(Point{3, 4});
  fn(Padded{'z', -1, true});
  fn(Customer{"Ann",
              "ann@example.org",
              Point{1, 2},
              {{"home", {{1, 1}, {2, 2}}}, {"", {}}},
              "/home/ann",
              7ms});
  fn(Customer{});
  fn(Tree{1, {Tree{2, {}}, Tree{3, {Tree{4, {}}}}}});
  fn(Json{
      std::vector<Json>{Json{1.0}, Json{}, Json{std::map<std::string, Json>{{"k", Json{"v"}}}}}});
  fn(Wide{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, "seventeen"});
  fn(Nothing{});
  fn(Account("Bob", -250));
  fn(std::vector<Account>{{"a", 1}, {"b", 2}});
  fn(std::map<Colour, Range>{{Colour::red, {1, 2}}});
  fn(std::optional<Money>(Money::of_cents(99)));
  fn(Silent());
}

}  // namespace cohort::test::wire

template <>
struct cohort::Codec<cohort::test::wire::Money> {
  static void encode(OutArchive& out, const test::wire::Money& money) { out(money.cents()); }
  static test::wire::Money decode(InArchive& in) {
    return test::wire::Money::of_cents(in.read<long>());
  }
};
