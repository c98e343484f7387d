// SPDX-License-Identifier: BSL-1.0

// Calls as bytes: made in the same process, in a forked one and in a re-executed one; what is
// damaged or unknown is answered by an error.

#include "cohort/wire/remote_call.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test
#include "wire/samples.hpp"      // Account

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

// ---- what is called ---------------------------------------------------------------------------

int add(int a, int b) { return a + b; }
std::string greet(const std::string& name) { return "hello " + name; }
cohort::Task<int> add_later(int a, int b) {
  co_await cohort::yield_now();
  co_return a + b;
}
cohort::Task<std::size_t> measure_later(std::string_view text) {
  co_await cohort::yield_now();
  co_return text.size();
}

namespace {

using cohort::call_result_t;
using cohort::CodecError;
using cohort::InArchive;
using cohort::OutArchive;
using cohort::RemoteError;
using cohort::RemotelyCallable;
using cohort::ShippedFunction;
using cohort::test::wire::Account;
using Bytes = std::vector<std::byte>;

int multiply(int a, int b) noexcept { return a * b; }  // of internal linkage
const auto subtract = [](int a, int b) { return a - b; };

struct Scale {
  double factor;
  std::string unit;
  std::string operator()(double x) const { return std::to_string(factor * x) + unit; }
};
class Counter {
 public:
  Counter() = default;
  explicit Counter(int start) : count_(start) {}
  int operator()(int by) { return count_ += by; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(count_);
  }

 private:
  int count_ = 0;
};
struct ScaleLater {
  int factor;
  cohort::Task<int> operator()(int x) const {
    co_await cohort::yield_now();
    co_return factor* x;
  }
};
/// Calls another callable for each: what a pool's map sends.
struct Each {
  ShippedFunction<int (*)(int, int)> fn;
  int with;
  std::vector<int> operator()(const std::vector<int>& xs) const {
    std::vector<int> result;
    for (const int x : xs) result.push_back(fn(x, with));
    return result;
  }
};
struct Custom : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---- making the calls -------------------------------------------------------------------------

class RunAtOnce final : public cohort::CallRunner {
 public:
  void run(cohort::Task<> work) override { cohort::run(std::move(work)); }
};

Bytes answer(const Bytes& call, const cohort::DecodeLimits& limits = {}) {
  InArchive in(call, limits);
  OutArchive out;
  RunAtOnce runner;
  cohort::answer_call(in, out, runner);
  return {out.bytes().begin(), out.bytes().end()};
}

template <class Fn, class... Args>
Bytes call_of(Fn&& fn, Args&&... args) {
  OutArchive out;
  cohort::encode_call(out, std::forward<Fn>(fn), std::forward<Args>(args)...);
  return {out.bytes().begin(), out.bytes().end()};
}
template <class R>
R result_of(const Bytes& answer) {
  InArchive in(answer);
  return cohort::decode_answer<R>(in);
}

/// How the bytes get there and the answer back.
using Way = Bytes (*)(const Bytes&);
template <class Fn, class... Args>
auto call(Way way, Fn&& fn, Args&&... args) {
  return result_of<call_result_t<Fn, Args...>>(
      way(call_of(std::forward<Fn>(fn), std::forward<Args>(args)...)));
}

Bytes here(const Bytes& bytes) { return answer(bytes); }

#if !defined(_WIN32)
Bytes read_all(int fd) {
  Bytes bytes;
  std::byte part[4096];
  for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;)
    bytes.insert(bytes.end(), part, part + n);
  return bytes;
}
void write_all(int fd, const Bytes& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

constexpr const char* child_mark = "COHORT_TEST_ANSWERS_ONE_CALL";

/// A process that answers the call on its standard input and ends.
Bytes in_child(const Bytes& bytes, bool execute) {
  int to[2], from[2];
  if (::pipe(to) != 0 || ::pipe(from) != 0) return {};
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(to[1]);
    ::close(from[0]);
    if (execute) {
      ::dup2(to[0], 0);
      ::dup2(from[1], 1);
      ::setenv(child_mark, "1", 1);
      ::execl("/proc/self/exe", "remote_call_test", static_cast<char*>(nullptr));
    } else {
      write_all(from[1], answer(read_all(to[0])));
    }
    ::_exit(0);
  }
  ::close(to[0]);
  ::close(from[1]);
  write_all(to[1], bytes);
  ::close(to[1]);
  Bytes result = read_all(from[0]);
  ::close(from[0]);
  ::waitpid(pid, nullptr, 0);
  return result;
}
Bytes forked(const Bytes& bytes) { return in_child(bytes, false); }
Bytes executed(const Bytes& bytes) { return in_child(bytes, true); }
#endif

class RemoteCalls : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(Here, RemoteCalls, testing::Values(&here));
#if !defined(_WIN32)
INSTANTIATE_TEST_SUITE_P(Forked, RemoteCalls, testing::Values(&forked));
#endif
#if defined(__linux__)
INSTANTIATE_TEST_SUITE_P(Executed, RemoteCalls, testing::Values(&executed));
#endif

TEST_P(RemoteCalls, FunctionsLambdasAndFunctorsAreCalledWithTheirArguments) {
  EXPECT_EQ(call(GetParam(), add, 2, 3), 5);
  EXPECT_EQ(call(GetParam(), &add, 2, 3), 5);
  EXPECT_EQ(call(GetParam(), multiply, 2, 3), 6);
  EXPECT_EQ(call(GetParam(), subtract, 2, 3), -1);
  EXPECT_EQ(call(
                GetParam(), [](std::vector<int> xs) { return xs.size(); }, std::vector<int>(7)),
            7u);
  EXPECT_EQ(call(GetParam(), Scale{2, "km"}, 1.5), "3.000000km");
  EXPECT_EQ(call(GetParam(), Counter(40), 2), 42);
  EXPECT_EQ(call(GetParam(), Each{&multiply, 10}, std::vector<int>{1, 2}),
            (std::vector<int>{10, 20}));
}

TEST_P(RemoteCalls, CoroutineFunctionsRunOnTheGivenRunner) {
  EXPECT_EQ(call(GetParam(), add_later, 2, 3), 5);
  EXPECT_EQ(call(GetParam(), ScaleLater{3}, 4), 12);
  EXPECT_EQ(call(GetParam(), measure_later, std::string(100, 'x')), 100u);
  const auto fails = []() -> cohort::Task<> {
    co_await cohort::yield_now();
    throw std::out_of_range("later");
  };
  EXPECT_THROW(call(GetParam(), fails), std::out_of_range);
}

// C181
TEST_P(RemoteCalls, ExceptionsComeBack) {
  EXPECT_THROW(call(GetParam(), [] { throw std::invalid_argument("x"); }), std::invalid_argument);
  EXPECT_THROW(call(GetParam(), [] { throw cohort::Cancelled(); }), cohort::Cancelled);
  try {
    call(GetParam(), [] { throw Custom("mine"); });
    ADD_FAILURE() << "nothing thrown";
  } catch (const RemoteError& e) {
    EXPECT_STREQ(e.what(), "mine");
    EXPECT_NE(e.type().find("Custom"), std::string::npos);
    EXPECT_EQ(e.pid() == cohort::os::own_process_id(), GetParam() == &here);
  }
}

TEST(RemoteCall, ArgumentsTravelAsWhatTheFunctionTakes) {
  EXPECT_EQ(call(&here, greet, "world"), "hello world");  // a literal for a string
  EXPECT_EQ(call(
                &here, [](std::string_view s) { return s.size(); }, "four"),
            4u);
  EXPECT_EQ(call(
                &here, [](std::string_view s) { return s.size(); }, std::string("five5")),
            5u);
  EXPECT_EQ(call(&here, measure_later, "four"), 4u);
  EXPECT_EQ(call(
                &here, [](long x) { return x; }, 7),
            7);
  EXPECT_EQ(call(
                &here, [](auto x) { return x + 1; }, 1.5),
            2.5);
  EXPECT_EQ(call(
                &here, [](Account&& account) { return account; }, Account("Ann", 5)),
            Account("Ann", 5));
  const Account account("Bob", 6);
  EXPECT_EQ(call(
                &here, [](const Account& a) { return a; }, account),
            account);
  EXPECT_EQ(call(
                &here, [](const std::string& s) -> const std::string& { return s; }, "same"),
            "same");  // a reference comes back as a value
  call(&here, [] {});
}

struct Refuses {
  int x = 0;
  void serialize(OutArchive& out) {
    out(x);
    throw CodecError("cannot be written");
  }
  void serialize(InArchive& in) {
    in(x);
    throw CodecError("cannot be read");
  }
};
struct CannotBeRead {
  int x = 0;
  void serialize(OutArchive& out) { out(x); }
  void serialize(InArchive& in) {
    in(x);
    in.fail("cannot be read");
  }
};

// C201
TEST(RemoteCall, AResultThatCannotBeEncodedIsAnErrorAndNothingOfItIsLeft) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_THROW(call(
                     &here, [](int) { return Refuses(); }, i),
                 CodecError);
    const auto later = [](int) -> cohort::Task<Refuses> { co_return Refuses(); };
    EXPECT_THROW(call(&here, later, i), CodecError);
  }
}

// C202
TEST(RemoteCall, AnArgumentThatCannotBeEncodedFailsTheCallWhereItIsMade) {
  OutArchive out;
  EXPECT_THROW(cohort::encode_call(
                   out, [](Refuses) {}, Refuses()),
               CodecError);
}

// C130
TEST(RemoteCall, AnArgumentThatCannotBeDecodedIsAnswered) {
  EXPECT_THROW(call(
                   &here, [](CannotBeRead) {}, CannotBeRead()),
               CodecError);
}

TEST(RemoteCall, EveryTruncationAndEveryDamageToTheFunctionIsAnswered) {
  const Bytes bytes = call_of(add, 1, 2);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_THROW(result_of<int>(answer(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(n)))),
                 CodecError);
  }
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_THROW(result_of<int>(answer(longer)), CodecError);
  for (std::size_t i = 0; i < bytes.size() - 2 * sizeof(int); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = bytes;
      damaged[i] ^= static_cast<std::byte>(1 << bit);
      EXPECT_THROW(result_of<int>(answer(damaged)), CodecError);
    }
  }
}

std::string error_of(const Bytes& call, const cohort::DecodeLimits& limits = {}) {
  try {
    result_of<int>(answer(call, limits));
  } catch (const CodecError& e) {
    return e.what();
  }
  return "none";
}
/// A call that names a place as if it were honest.
Bytes forged(const cohort::os::CodePlace& place) {
  OutArchive out;
  cohort::detail::put_place(out, place);
  return {out.bytes().begin(), out.bytes().end()};
}

TEST(RemoteCall, OnlyRegisteredThunksAreCalledAndOnlyCodeIsAFunction) {
  const auto place = cohort::os::place_of_code(reinterpret_cast<const void*>(&add));
  ASSERT_NE(place.image, 0u);
  EXPECT_NE(error_of(forged({place.image + 2, place.offset})).find("not loaded here"),
            std::string::npos);
  EXPECT_NE(error_of(forged(place)).find("never calls so"), std::string::npos);
  EXPECT_NE(error_of(forged({place.image, place.offset + 1})).find("never calls so"),
            std::string::npos);
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)
  EXPECT_NE(error_of(forged({place.image, ~std::uint64_t{0} / 2})).find("no function's"),
            std::string::npos);
  static int data = 0;
  EXPECT_EQ(cohort::os::place_of_code(&data).image != 0 &&
                !cohort::os::code_at(cohort::os::place_of_code(&data)).address,
            false);
#endif
  using Function = ShippedFunction<int (*)(int, int)>;
  OutArchive out;
  EXPECT_THROW(out(Function(nullptr)), CodecError);
  EXPECT_EQ(cohort::decode<Function>(cohort::encode(Function(add))).get(), &add);
}

TEST(RemoteCall, StrangersMayNotNameFunctions) {
  const cohort::DecodeLimits stranger{.functions = false};
  EXPECT_NE(error_of(call_of(add, 1, 2), stranger).find("not accepted from strangers"),
            std::string::npos);
  EXPECT_EQ(error_of(call_of(subtract, 1, 2), stranger), "none");  // known by its type
}

TEST_P(RemoteCalls, AFunctionOfALibraryIsFoundThereWhereTheSystemTells) {
  int (*const upper)(int) = &std::toupper;
#if defined(__linux__) && !defined(COHORT_FORCE_POLL) && !defined(COHORT_FORCE_PORTABLE)
  EXPECT_EQ(call(GetParam(), upper, 'a'), 'A');
#else
  static_cast<void>(upper);
#endif
}

struct Overloaded {
  int operator()(int) const;
  int operator()(std::string) const;
};
using TakesReference = void (*)(int&);
using TakesPointer = void (*)(int*);
using ReturnsPointer = int* (*)();
static_assert(RemotelyCallable<decltype(add), int, int>);
static_assert(RemotelyCallable<decltype(&add), short, char>);
static_assert(RemotelyCallable<Overloaded, int> && RemotelyCallable<Overloaded, std::string>);
static_assert(!RemotelyCallable<decltype(add), int>);
static_assert(!RemotelyCallable<decltype(add), int*, int>);
static_assert(!RemotelyCallable<TakesReference, int&>);
static_assert(!RemotelyCallable<TakesPointer, int*>);
static_assert(!RemotelyCallable<ReturnsPointer>);
static_assert(!RemotelyCallable<decltype(&Scale::operator()), Scale, double>);
static_assert(!RemotelyCallable<std::function<void()>>);
static_assert(!RemotelyCallable<decltype([](std::unique_ptr<int>) {}), std::unique_ptr<int>>);
static_assert(std::is_same_v<call_result_t<decltype(add_later), int, int>, int>);
static_assert(std::is_same_v<call_result_t<decltype(greet), const char*>, std::string>);

}  // namespace

#if !defined(_WIN32)
/// The re-executed program answers and ends; otherwise the tests run.
int main(int argc, char** argv) {
  if (std::getenv(child_mark)) {
    write_all(1, answer(read_all(0)));
    return 0;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
#endif
