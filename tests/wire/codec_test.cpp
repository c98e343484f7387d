// SPDX-License-Identifier: BSL-1.0

// Values as bytes and back: every kind comes back as it was, in a layout that is fixed.

#include "cohort/wire/codec.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // no frame may outlive a test
#include "wire/samples.hpp"      // values of every kind

namespace {

using namespace cohort::test::wire;
using cohort::CodecError;
using cohort::decode;
using cohort::encode;
using cohort::encode_into;
using cohort::encoded_size;
using cohort::InArchive;
using cohort::OutArchive;
using cohort::Serializable;

using Ints = std::vector<int>;
Ints values(const std::vector<std::byte>& bytes) {
  Ints result;
  for (const std::byte b : bytes) result.push_back(std::to_integer<int>(b));
  return result;
}

TEST(Codec, EveryKindOfValueComesBackAsItWas) {
  for_each_sample([](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    static_assert(Serializable<T>);
    const auto bytes = encode(value);
    EXPECT_TRUE(decode<T>(bytes) == value) << testing::PrintToString(value);
  });
}

TEST(Codec, SaysBeforehandHowManyBytesAValueTakesAndFillsExactlyThose) {
  for_each_sample([](const auto& value) {
    const std::size_t size = encoded_size(value);
    std::vector<std::byte> place(size);
    EXPECT_EQ(encode_into(place, value), size);
    EXPECT_GT(size, 0u);  // a count of things is always bounded by the bytes that follow
    OutArchive grown;
    grown(value);
    EXPECT_TRUE(std::equal(place.begin(), place.end(), grown.bytes().begin(), grown.bytes().end()));
    EXPECT_THROW(encode_into(std::span(place).first(size - 1), value), CodecError);
  });
}

TEST(Codec, TheLayoutIsLittleEndianAndPacked) {
  EXPECT_EQ(values(encode(0x01020304)), (Ints{4, 3, 2, 1}));
  EXPECT_EQ(values(encode(true)), (Ints{1}));
  EXPECT_EQ(values(encode(Colour::green)), (Ints{7}));
  EXPECT_EQ(values(encode(1.0)), (Ints{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}));
  EXPECT_EQ(values(encode(std::string("ab"))), (Ints{2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'}));
  EXPECT_EQ(values(encode(std::vector<short>{1, -2})),
            (Ints{2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xfe, 0xff}));
  EXPECT_EQ(
      values(encode(std::vector<bool>{true, false, true, true, false, false, false, false, true})),
      (Ints{9, 0, 0, 0, 0, 0, 0, 0, 0b1101, 1}));
  EXPECT_EQ(values(encode(std::optional<char>('x'))), (Ints{1, 'x'}));
  EXPECT_EQ(values(encode(std::optional<char>())), (Ints{0}));
  EXPECT_EQ(values(encode(std::variant<int, char>('x'))), (Ints{1, 'x'}));
  EXPECT_EQ(values(encode(Padded{'a', 0, true})), (Ints{'a', 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(values(encode(std::pair<char, bool>('p', false))), (Ints{'p', 0}));
  EXPECT_EQ(values(encode(std::map<char, char>{{'b', 2}, {'a', 1}})),
            (Ints{2, 0, 0, 0, 0, 0, 0, 0, 'a', 1, 'b', 2}));
  EXPECT_EQ(values(encode(std::monostate())), (Ints{0}));
}

TEST(Codec, ReadsPartsInTheOrderInWhichTheyWereWritten) {
  using Two = std::pair<int, int>;
  EXPECT_EQ(decode<Two>(encode(Point{1, 2})), Two(1, 2));
  EXPECT_EQ((decode<std::tuple<int, int>>(encode(Point{1, 2}))), std::tuple(1, 2));
  EXPECT_EQ((decode<std::array<int, 2>>(encode(Point{1, 2}))), (std::array{1, 2}));
  EXPECT_EQ(decode<Point>(encode(Two(1, 2))), (Point{1, 2}));
}

TEST(Codec, TakesMoveOnlyPartsAndPartsThatCannotBeAssigned) {
  struct Frozen {
    const int a;
    const std::string b;
    Money money;
  };
  const auto bytes = encode(Frozen{1, "two", Money::of_cents(3)});
  const auto frozen = decode<Frozen>(bytes);
  EXPECT_EQ(frozen.a, 1);
  EXPECT_EQ(frozen.b, "two");
  EXPECT_EQ(frozen.money.cents(), 3);
  const auto three = decode<std::array<Money, 3>>(
      encode(std::array{Money::of_cents(1), Money::of_cents(2), Money::of_cents(3)}));
  EXPECT_EQ(three[2].cents(), 3);
}

class Unique {
 public:
  Unique() = default;
  explicit Unique(int value) : value_(std::make_unique<int>(value)) {}
  template <class Archive>
  void serialize(Archive& archive) {
    int value = value_ ? *value_ : 0;
    archive(value);
    if constexpr (!Archive::writing) value_ = std::make_unique<int>(value);
  }
  int value() const { return *value_; }

 private:
  std::unique_ptr<int> value_;
};
TEST(Codec, MoveOnlyTypesTravelInContainersAggregatesAndChoices) {
  static_assert(!std::is_copy_constructible_v<Unique>);
  struct Holder {
    std::vector<Unique> many;
    std::optional<Unique> one;
    std::map<int, Unique> named;
    std::variant<int, Unique> either;
    std::tuple<Unique, int> with;
  };
  Holder holder;
  holder.many.emplace_back(1);
  holder.many.emplace_back(2);
  holder.one.emplace(3);
  holder.named.emplace(4, Unique(5));
  holder.either.emplace<Unique>(6);
  std::get<0>(holder.with) = Unique(7);
  const auto copy = decode<Holder>(encode(holder));
  EXPECT_EQ(copy.many.at(1).value(), 2);
  EXPECT_EQ(copy.one->value(), 3);
  EXPECT_EQ(copy.named.at(4).value(), 5);
  EXPECT_EQ(std::get<Unique>(copy.either).value(), 6);
  EXPECT_EQ(std::get<0>(copy.with).value(), 7);
}

TEST(Codec, ALambdaThatCapturesNothingTravelsAsOneByte) {
  const auto twice = [](int x) { return 2 * x; };
  const auto bytes = encode(twice);
  EXPECT_EQ(bytes.size(), 1u);
  EXPECT_EQ(decode<std::remove_const_t<decltype(twice)>>(bytes)(4), 8);
  int unused = 0;
  const auto captures_by_name_only = [&](int x) { return x + 1; };
  EXPECT_EQ(decode<std::remove_const_t<decltype(captures_by_name_only)>>(
                encode(captures_by_name_only))(unused),
            1);
}

TEST(Codec, SeveralValuesShareAnArchiveAndItsMemoryIsUsedAgain) {
  OutArchive out;
  for (int round = 0; round < 3; ++round) {
    out.truncate(0);
    out(round, std::string(1000, 'x'))(2.5);
    InArchive in(out.bytes());
    int number = -1;
    std::string text;
    in(number, text);
    EXPECT_EQ(number, round);
    EXPECT_EQ(text, std::string(1000, 'x'));
    EXPECT_EQ(in.remaining(), sizeof(double));
    EXPECT_EQ(in.read<double>(), 2.5);
    in.finish();
  }
  out.truncate(4);
  EXPECT_EQ(values({out.bytes().begin(), out.bytes().end()}), (Ints{2, 0, 0, 0}));
}

TEST(Codec, AnArchiveThatGrowsKeepsWhatItHolds) {
  OutArchive out;
  for (int i = 0; i < 10000; ++i) out(i);
  EXPECT_EQ(out.size(), 40000u);
  InArchive in(out.bytes());
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(in.read<int>(), i);
}

TEST(Codec, AVariantWithoutAValueIsRefusedWhereItIsEncoded) {
  struct Throws {
    int x = 0;
    Throws() = default;
    Throws(const Throws&) { throw 1; }
    Throws& operator=(const Throws&) = default;
    void serialize(OutArchive& out) { out(x); }
    void serialize(InArchive& in) { in(x); }
  };
  std::variant<int, Throws> broken;
  try {
    const Throws from;
    broken.emplace<Throws>(from);
  } catch (int) {}
  ASSERT_TRUE(broken.valueless_by_exception());
  OutArchive out;
  EXPECT_THROW(out(broken), CodecError);
}

// What is refused. tests/compile_fail has the texts.
template <class T>
constexpr bool refused = !Serializable<T>;

struct HasPointer {
  int a;
  const char* p;
};
struct HasReference {
  int& r;
};
struct HasArray {
  int a;
  int b[3];
};
struct HasArrayOfOne {
  int a[1];
};
struct HasText {
  char text[256];
};
struct HasArrayOfClasses {
  Customer a[2];
  int b;
};
struct Derived : Point {
  int z;
};
struct DerivedEmpty : Nothing {
  int z;
};
struct DerivedAccount : Account {
  int more;
};
struct SameAccount : Account {};
template <class Self>
struct Mixin {
  template <class A>
  void serialize(A& archive) {
    archive(static_cast<Self&>(*this).x);
  }
};
struct Mixed : Mixin<Mixed> {
  int x = 0;
};
struct Named : std::vector<int> {
  std::string name;
};
struct Deep {
  std::map<int, std::vector<std::optional<HasPointer>>> m;
};
class Closed {
  [[maybe_unused]] int x_;
};
class NoDefault {
 public:
  explicit NoDefault(int) {}
  template <class A>
  void serialize(A&) {}
  int x = 0;
};
struct RecursivePointer {
  std::vector<RecursivePointer> children;
  int* p;
};

static_assert(refused<int*> && refused<void*> && refused<const char*> && refused<std::nullptr_t>);
static_assert(refused<int&> && refused<const int&> && refused<int&&> && refused<void>);
static_assert(refused<int (*)(int)> && refused<int(int)>);
static_assert(refused<int Point::*> && refused<int (Account::*)()>);
static_assert(refused<std::string_view> && refused<std::span<int>> && refused<int[3]>);
static_assert(refused<std::unique_ptr<int>> && refused<std::shared_ptr<int>>);
static_assert(refused<std::reference_wrapper<int>> && refused<std::function<void()>>);
static_assert(refused<HasPointer> && refused<std::vector<HasPointer>> && refused<Deep>);
static_assert(refused<HasReference> && refused<RecursivePointer>);
static_assert(refused<HasArray> && refused<HasArrayOfOne> && refused<HasText>);
static_assert(refused<HasArrayOfClasses>);
static_assert(refused<Derived> && refused<DerivedEmpty> && refused<Named>);
static_assert(refused<DerivedAccount> && refused<SameAccount> && Serializable<Mixed>);
static_assert(refused<Closed> && refused<NoDefault> && refused<std::vector<NoDefault>>);
static_assert(refused<std::set<int, bool (*)(int, int)>>);
static_assert(refused<std::set<int, std::function<bool(int, int)>>>);
static_assert(refused<std::pair<int, int*>> && refused<std::tuple<std::string, int&>>);
static_assert(refused<std::optional<int*>> && refused<std::variant<int, std::string_view>>);
static_assert(Serializable<const std::string> && Serializable<std::pair<const int, int>>);

template <class T>
constexpr auto reason = cohort::detail::finding_t<T>::refusal;
template <class T>
using blamed = typename cohort::detail::finding_t<T>::part;
using cohort::detail::Refusal;
static_assert(reason<Deep> == Refusal::pointer && std::is_same_v<blamed<Deep>, const char*>);
static_assert(reason<HasReference> == Refusal::fields);
static_assert(reason<HasArray> == Refusal::fields && reason<HasArrayOfOne> == Refusal::c_array);
static_assert(reason<Named> == Refusal::base);
static_assert(reason<DerivedAccount> == Refusal::inherited);

}  // namespace
