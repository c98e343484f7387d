// SPDX-License-Identifier: BSL-1.0

// Damaged and hostile bytes: an error or another value, never a crash, an over-read, or more memory
// than the bytes warrant. Run under AddressSanitizer, this also shows that nothing leaks.
#include "support/operator_new.hpp"  // whether this can be tested
#if COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "cohort/wire/codec.hpp"  // what is under test
#include "wire/samples.hpp"       // values of every kind

namespace {
std::atomic<std::size_t> largest_allocation{0};
}

void* operator new(std::size_t n) {
  std::size_t largest = largest_allocation.load();
  while (n > largest && !largest_allocation.compare_exchange_weak(largest, n)) {}
  if (void* const memory = std::malloc(n == 0 ? 1 : n)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace cohort::test::wire;
using cohort::CodecError;
using cohort::decode;
using cohort::DecodeLimits;
using cohort::encode;
using cohort::InArchive;
using cohort::OutArchive;
using Bytes = std::vector<std::byte>;

/// Decodes bytes of exactly that size, so that AddressSanitizer sees a read beyond them. True if
/// they are a value; then it can be encoded again.
template <class T>
bool attempt(const Bytes& bytes) {
  const std::unique_ptr<std::byte[]> exact(new std::byte[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  largest_allocation = 0;
  bool good = true;
  try {
    const T value = decode<T>({exact.get(), bytes.size()});
    EXPECT_LE(largest_allocation.load(), 1000 + 100 * bytes.size());
    EXPECT_EQ(encode(value).size(), bytes.size());
  } catch (const CodecError&) {
    EXPECT_LE(largest_allocation.load(), 1000 + 100 * bytes.size());
    good = false;
  }
  return good;
}

TEST(HostileBytes, EveryTruncationIsAnError) {
  for_each_sample([](const auto& value) {
    Bytes bytes = encode(value);
    while (!bytes.empty()) {
      bytes.pop_back();
      EXPECT_FALSE(attempt<std::remove_cvref_t<decltype(value)>>(bytes));
    }
  });
}

TEST(HostileBytes, OneByteTooManyIsAnError) {
  for_each_sample([](const auto& value) {
    Bytes bytes = encode(value);
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(attempt<std::remove_cvref_t<decltype(value)>>(bytes));
  });
}

TEST(HostileBytes, EveryDamagedByteIsAnErrorOrAnotherValue) {
  for_each_sample([](const auto& value) {
    // Nobody can know which values are in the range of such an enumeration.
    if (std::is_same_v<std::remove_cvref_t<decltype(value)>, Plain>) return;
    const Bytes bytes = encode(value);
    if (bytes.size() > 200) return;
    Bytes damaged = bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (int change = 1; change < 256; ++change) {
        damaged[i] = bytes[i] ^ static_cast<std::byte>(change);
        attempt<std::remove_cvref_t<decltype(value)>>(damaged);
      }
      damaged[i] = bytes[i];
    }
  });
}

TEST(HostileBytes, NoiseIsAnErrorOrAValue) {
  std::uint64_t state = 12345;
  const auto random = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
  };
  for (int round = 0; round < 100; ++round) {
    Bytes bytes(random() % 100);
    for (std::byte& b : bytes) {
      // Mostly zero, as lengths are, or nothing gets past the first.
      b = random() % 4 == 0 ? static_cast<std::byte>(random()) : std::byte{0};
    }
    for_each_sample([&](const auto& value) {
      using T = std::remove_cvref_t<decltype(value)>;
      if constexpr (!std::is_same_v<T, Plain>) attempt<T>(bytes);
    });
  }
}

/// What the error says.
template <class T>
std::string error_of(const Bytes& bytes, const DecodeLimits& limits = {}) {
  try {
    decode<T>(bytes, limits);
  } catch (const CodecError& e) {
    return e.what();
  }
  return "none";
}
Bytes bytes_of(std::initializer_list<int> values) {
  Bytes result;
  for (const int v : values) result.push_back(static_cast<std::byte>(v));
  return result;
}

TEST(HostileBytes, TheErrorSaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of<int>(bytes_of({1, 2})), "byte 0 of 2: cut off: 4 bytes wanted, 2 left");
  EXPECT_EQ(error_of<bool>(bytes_of({2})), "byte 1 of 1: a bool of 2");
  EXPECT_EQ(error_of<Truth>(bytes_of({3})), "byte 1 of 1: a bool of 3");
  EXPECT_EQ(error_of<std::optional<int>>(bytes_of({7, 0})), "byte 1 of 2: an optional's flag of 7");
  EXPECT_EQ((error_of<std::variant<int, bool>>(bytes_of({2}))),
            "byte 1 of 1: a variant's index of 2");
  EXPECT_EQ(error_of<Nothing>(bytes_of({1})), "byte 1 of 1: an object without state of 1");
  EXPECT_EQ(error_of<int>(bytes_of({1, 0, 0, 0, 9})), "byte 4 of 5: 1 bytes too many");
  EXPECT_EQ(error_of<std::string>(bytes_of({3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'})),
            "byte 8 of 10: a length of 3, more than the 2 bytes that follow can hold");
  EXPECT_EQ(error_of<std::vector<bool>>(bytes_of({3, 0, 0, 0, 0, 0, 0, 0, 0xf0})),
            "byte 9 of 9: bits after the last of a vector<bool>");
  EXPECT_EQ((error_of<std::set<char>>(bytes_of({2, 0, 0, 0, 0, 0, 0, 0, 'a', 'a'}))),
            "byte 10 of 10: a key that was there before");
}

TEST(HostileBytes, NoLengthIsTrusted) {
  for (const std::uint64_t n :
       {std::uint64_t{9}, std::uint64_t{1} << 32, std::uint64_t{1} << 61, std::uint64_t{1} << 63,
        std::numeric_limits<std::uint64_t>::max() - 7, std::numeric_limits<std::uint64_t>::max()}) {
    OutArchive out;
    out(n, std::uint64_t{0});
    const Bytes bytes(out.bytes().begin(), out.bytes().end());
    EXPECT_FALSE(attempt<std::string>(bytes));
    EXPECT_FALSE(attempt<std::vector<int>>(bytes));
    EXPECT_FALSE(attempt<std::vector<Nothing>>(bytes));
    EXPECT_FALSE(attempt<std::vector<Silent>>(bytes));
    EXPECT_FALSE(attempt<std::vector<std::string>>(bytes));
    EXPECT_FALSE(attempt<std::list<std::optional<int>>>(bytes));
    EXPECT_FALSE((attempt<std::map<char, char>>(bytes)));
    EXPECT_FALSE(attempt<std::unordered_set<char>>(bytes));
    EXPECT_FALSE(attempt<std::vector<bool>>(bytes));
  }
}

TEST(HostileBytes, DepthIsLimitedOnBothSides) {
  // Each of these four bytes of a value and eight of a count is a Tree with one child.
  Bytes bytes;
  for (int i = 0; i < 100000; ++i) {
    for (const std::byte b : bytes_of({0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})) bytes.push_back(b);
  }
  EXPECT_EQ(error_of<Tree>(bytes), "byte 1536 of 1200000: nested deeper than 256 levels");
  EXPECT_NE(error_of<Tree>(bytes, {.depth = 10}).find("nested deeper than 10 levels"),
            std::string::npos);
  Tree tree;
  Tree* last = &tree;
  for (int i = 0; i < 126; ++i) last = &last->children.emplace_back();
  EXPECT_EQ(decode<Tree>(encode(tree)), tree);
  for (int i = 0; i < 10; ++i) last = &last->children.emplace_back();
  OutArchive out;
  EXPECT_THROW(out(tree), CodecError);  // and not where nobody can help it any more
}

TEST(HostileBytes, MemoryIsLimitedToWhatWasDeclared) {
  using Big = std::optional<std::array<char, 1000>>;
  const Bytes bytes = encode(std::vector<Big>(50));  // a byte each, a thousand in memory
  EXPECT_EQ(decode<std::vector<Big>>(bytes).size(), 50u);
  largest_allocation = 0;
  EXPECT_EQ(error_of<std::vector<Big>>(bytes, {.memory = 20000}),
            "byte 8 of 58: a length of 50, for which the limit of 20000 bytes of memory does not "
            "suffice");
  EXPECT_LT(largest_allocation.load(), 20000u);
  const std::vector<std::string> two{std::string(600, 'a'), std::string(600, 'b')};
  EXPECT_EQ(error_of<std::vector<std::string>>(encode(two), {.memory = 1300}), "none");
  EXPECT_NE(error_of<std::vector<std::string>>(encode(two), {.memory = 1200}), "none");
}

TEST(HostileBytes, AFieldThatThrowsLeavesNothingBehind) {
  struct Two {
    std::vector<std::string> first;
    bool second;
  };
  Bytes bytes = encode(Two{{std::string(100, 'x'), std::string(100, 'y')}, true});
  bytes.back() = std::byte{9};
  EXPECT_EQ(error_of<Two>(bytes), "byte 225 of 225: a bool of 9");  // leaks are ASan's to find
}

}  // namespace

#endif
