// SPDX-License-Identifier: BSL-1.0

// Bytes over a Pipe under contract: whoever waits, and however.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace {

using namespace std::chrono_literals;
using cohort::BadMessage;
using cohort::BrokenPipe;
using cohort::BufferTooShort;
using cohort::Closed;
using cohort::Connection;
using cohort::EndOfStream;
using cohort::Pipe;
using cohort::UsageError;
using cohort::test::all_flavours;
using cohort::test::Crew;
using cohort::test::Ending;
using cohort::test::eventually;
using cohort::test::Flavour;
using cohort::test::flavour_name;
using cohort::test::Party;
using cohort::test::Script;
using cohort::test::watched;

using Bytes = std::vector<std::byte>;

class PipeBytesContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, PipeBytesContract, testing::ValuesIn(all_flavours),
                         flavour_name);

// C146 C154: from whatever it is, and the empty message is one
TEST_P(PipeBytesContract, ArriveAsTheMessagesTheyWereSentAs) {
  const auto pipe = Pipe<std::string>();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    const std::string text = "text";
    const std::array<std::uint16_t, 2> numbers{0x6161, 0x6262};
    char letters[] = {'x', 'y', '\0'};
    co_await pipe.left.send_bytes("literal");
    co_await pipe.left.send_bytes(text);
    co_await pipe.left.send_bytes(std::string_view(text).substr(1));
    co_await pipe.left.send_bytes(numbers);
    co_await pipe.left.send_bytes(letters);
    co_await pipe.left.send_bytes(Bytes(2, std::byte{'z'}));
    co_await pipe.left.send_bytes("");
    co_await pipe.left.send("the same stream");
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    using namespace std::string_literals;
    for (const auto& message : {"literal"s, "text"s, "ext"s, "aabb"s, "xy\0"s, "zz"s, ""s}) {
      co_await pipe.right.poll();
      const std::string got = co_await pipe.right.recv_bytes();
      EXPECT_EQ(got, message);
    }
    EXPECT_EQ(co_await pipe.right.recv_bytes(), "the same stream");
  });
}

// C154
TEST(PipeBytes, AreThePartOfTheBufferThatWasAskedFor) {
  const auto pipe = Pipe<std::string>();
  std::string letters(26, ' ');
  std::iota(letters.begin(), letters.end(), 'a');
  const auto sent = [&](auto operation) {
    std::move(operation).block();
    return pipe.right.recv_bytes().block();
  };
  EXPECT_EQ(sent(pipe.left.send_bytes(letters)), letters);
  EXPECT_EQ(sent(pipe.left.send_bytes(letters, 5)), letters.substr(5));
  EXPECT_EQ(sent(pipe.left.send_bytes(letters, 7, 8)), letters.substr(7, 8));
  EXPECT_EQ(sent(pipe.left.send_bytes(letters, 26)), "");
  EXPECT_EQ(sent(pipe.left.send_bytes(letters, 26, 0)), "");
  EXPECT_EQ(sent(pipe.left.send_bytes(letters, std::uint8_t{25}, 1L)), "z");
  EXPECT_THROW(static_cast<void>(pipe.left.send_bytes(letters, 27)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(pipe.left.send_bytes(letters, 22, 5)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(pipe.left.send_bytes(letters, 26, 1)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(pipe.left.send_bytes(letters, -1)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(pipe.left.send_bytes(letters, 4, -1)), std::invalid_argument);
  EXPECT_FALSE(pipe.right.poll().within(0ms).block()) << "nothing was sent";
}

// C152: a duplex end becomes write-only
TEST_P(PipeBytesContract, AMessageLongerThanAllowedIsTheLastThatAnEndReceives) {
  const auto pipe = Pipe<std::string>();
  pipe.left.send_bytes(std::string(10, 'x')).block();
  pipe.left.send_bytes(std::string(100, 'x')).block();
  pipe.left.send_bytes("more").block();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await pipe.left.recv(), "answer");
    bool broken = false;
    try {
      co_await pipe.left.send("again");
    } catch (const BrokenPipe&) {
      broken = true;
    }
    EXPECT_TRUE(broken);
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await pipe.right.recv_bytes(10), std::string(10, 'x'));
    bool bad = false;
    try {
      co_await pipe.right.recv_bytes(99);
    } catch (const BadMessage&) {
      bad = true;
    }
    EXPECT_TRUE(bad);
    EXPECT_FALSE(pipe.right.readable());
    EXPECT_TRUE(pipe.right.writable());
    EXPECT_FALSE(pipe.right.closed());
    EXPECT_THROW(static_cast<void>(pipe.right.recv_bytes()), UsageError);
    EXPECT_THROW(static_cast<void>(pipe.right.poll()), UsageError);
    co_await pipe.right.send("answer");
  });
}

// C152: a one-way end is closed, for all its copies, and who waits there is told
TEST_P(PipeBytesContract, AMessageLongerThanAllowedClosesAnEndThatOnlyReceives) {
  const auto pipe = Pipe<Bytes>(false);
  const Connection<Bytes> copy = pipe.left;
  std::atomic<int> in_line{0};
  std::atomic<bool> bad{false}, ended{false};
  Crew crew(GetParam());
  const Party& first = crew.start([&](auto how) -> Script<decltype(how)> {
    try {
      co_await watched(pipe.left.recv_bytes(0), in_line);
    } catch (const BadMessage&) {
      bad = true;
    }
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  crew.start([&](auto how) -> Script<decltype(how)> {
    try {
      co_await watched(copy.recv_bytes(), in_line);
    } catch (const EndOfStream&) {
      ended = true;
    }
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  pipe.right.send_bytes("x").block();
  EXPECT_EQ(first.end(), Ending::finished);
  crew.join();
  EXPECT_TRUE(bad && ended);
  EXPECT_TRUE(copy.closed());
  EXPECT_THROW(static_cast<void>(copy.recv()), Closed);
  Bytes buffer(1);
  EXPECT_THROW(static_cast<void>(pipe.left.recv_bytes_into(buffer)), Closed);
  EXPECT_THROW(pipe.right.send_bytes("y").block(), BrokenPipe);
  EXPECT_THROW(static_cast<void>(pipe.right.recv_bytes()), UsageError);
}

// C152
TEST(PipeBytes, RefuseANegativeLength) {
  const auto pipe = Pipe<std::string>();
  pipe.left.send_bytes("").block();
  EXPECT_THROW(static_cast<void>(pipe.right.recv_bytes(-1)), std::invalid_argument);
  EXPECT_EQ(pipe.right.recv_bytes(0).block(), "");
}

// C155
TEST_P(PipeBytesContract, AreReceivedIntoABufferFromAnOffsetOn) {
  const auto pipe = Pipe<Bytes>();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (int i = 0; i < 4; ++i) co_await pipe.left.send_bytes("four");
    co_await pipe.left.send_bytes("");
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    std::string text = "--------";
    EXPECT_EQ(co_await pipe.right.recv_bytes_into(text), 4U);
    EXPECT_EQ(text, "four----");
    EXPECT_EQ(co_await pipe.right.recv_bytes_into(text, 3), 4U);
    EXPECT_EQ(text, "foufour-");
    EXPECT_EQ(co_await pipe.right.recv_bytes_into(text, 4U), 4U);
    EXPECT_EQ(text, "fouffour");
    std::uint32_t words[2] = {0, 0};
    EXPECT_EQ(co_await pipe.right.recv_bytes_into(words, 4), 4U);
    EXPECT_EQ(words[0], 0U);
    EXPECT_NE(words[1], 0U);
    EXPECT_EQ(co_await pipe.right.recv_bytes_into(text, 8), 0U);
  });
}

// C155: and the next message is received as if nothing had happened
TEST_P(PipeBytesContract, ThatDoNotFitAreCarriedWholeByTheError) {
  const auto pipe = Pipe<std::string>();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    co_await pipe.left.send_bytes("too long for that");
    co_await pipe.left.send_bytes("short");
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    std::array<char, 8> buffer{};
    std::string whole;
    try {
      co_await pipe.right.recv_bytes_into(buffer, 2);
    } catch (const BufferTooShort& e) {
      whole = e.message();
    }
    EXPECT_EQ(whole, "too long for that");
    EXPECT_EQ(buffer[2], '\0') << "nothing was written";
    EXPECT_EQ(co_await pipe.right.recv_bytes_into(buffer, 3), 5U);
    EXPECT_EQ(std::string(buffer.data() + 3, 5), "short");
    EXPECT_THROW(static_cast<void>(pipe.right.recv_bytes_into(buffer, 9)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(pipe.right.recv_bytes_into(buffer, -1)), std::invalid_argument);
  });
}

// C006 C149: as recv
TEST_P(PipeBytesContract, AreNotTakenByAWaitThatGaveUpAndEndAsTheStreamDoes) {
  auto pipe = Pipe<std::string>();
  std::atomic<int> in_line{0};
  std::string buffer(4, '-');
  Crew crew(GetParam());
  Party& first = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await watched(pipe.left.recv_bytes_into(buffer), in_line);
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  first.cancel();
  EXPECT_EQ(pipe.left.recv_bytes(1).within(1ms).block(), std::nullopt);
  pipe.right.send_bytes("four").block();
  EXPECT_EQ(first.end(), Ending::cancelled);
  EXPECT_EQ(buffer, "----");
  pipe.right.close();
  EXPECT_EQ(pipe.left.recv_bytes_into(buffer).within(0ms).block(), std::optional<std::size_t>(4));
  EXPECT_THROW(pipe.left.recv_bytes().block(), EndOfStream);
  EXPECT_THROW(pipe.left.recv_bytes_into(buffer).block(), EndOfStream);
}

// C147
TEST(PipeBytes, OfALongMessageArriveWhole) {
  const auto pipe = Pipe<Bytes>();
  Bytes message(16 << 20);
  for (std::size_t i = 0; i < message.size(); i += 1000) message[i] = std::byte(i % 251);
  pipe.left.send_bytes(message).block();
  EXPECT_TRUE(pipe.right.recv_bytes().block() == message);
}

}  // namespace
