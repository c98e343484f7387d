// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Pipe under contract: whoever waits, and however.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class PipeContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, PipeContract, testing::ValuesIn(all_flavours), flavour_name);

// C145
TEST_P(PipeContract, BothEndsOfADuplexPipeSendAndReceive) {
  const auto pipe = Pipe<std::string>();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    co_await pipe.left.send("ping");
    EXPECT_EQ(co_await pipe.left.recv(), "pong");
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await pipe.right.recv(), "ping");
    co_await pipe.right.send("pong");
  });
}

// C145 C151
TEST(PipeErrors, AnEndSaysWhatItCannotDo) {
  auto [reader, writer] = Pipe<int>(false);
  EXPECT_TRUE(reader.readable() && !reader.writable());
  EXPECT_TRUE(writer.writable() && !writer.readable());
  EXPECT_THROW(reader.send(1).block(), UsageError);
  EXPECT_THROW(writer.recv().block(), UsageError);
  EXPECT_THROW(writer.poll().block(), UsageError);
  writer.send(1).block();
  EXPECT_EQ(reader.recv().block(), 1);
  for (int twice = 0; twice < 2; ++twice) reader.close();
  EXPECT_TRUE(reader.closed());
  EXPECT_FALSE(reader.readable());
  EXPECT_FALSE(writer.closed());
  EXPECT_THROW(reader.recv().block(), Closed);
  EXPECT_THROW(reader.poll().block(), Closed);
  EXPECT_THROW(reader.send(1).block(), Closed);
}

// C146
TEST_P(PipeContract, MessagesArriveAsTheyWereSentTheEmptyOneToo) {
  using Bytes = std::vector<std::byte>;
  const auto pipe = Pipe<Bytes>(false);
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (const std::size_t size : {1U, 2U, 0U, 3U}) co_await pipe.right.send(Bytes(size));
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (const std::size_t size : {1U, 2U, 0U, 3U}) {
      co_await pipe.left.poll();
      const Bytes message = co_await pipe.left.recv();
      EXPECT_EQ(message.size(), size);
    }
  });
}

// C148 C149
TEST_P(PipeContract, PollIsTrueWhenThereIsAMessageOrTheEnd) {
  auto pipe = Pipe<int>();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_FALSE(co_await pipe.left.poll().within(0ms));
    EXPECT_FALSE(co_await pipe.left.poll().within(-1ms));
    const auto start = cohort::now();
    EXPECT_FALSE(co_await pipe.left.poll().within(10ms));
    EXPECT_GE(cohort::now() - start, 10ms);
    co_await pipe.right.send(1);
    pipe.right.close();
    for (int twice = 0; twice < 2; ++twice) EXPECT_TRUE(co_await pipe.left.poll().within(0ms));
    EXPECT_EQ(co_await pipe.left.recv(), 1);
    for (int twice = 0; twice < 2; ++twice) {
      EXPECT_TRUE(co_await pipe.left.poll().within(0ms));
      bool ended = false;
      try {
        co_await pipe.left.recv();
      } catch (const EndOfStream&) {
        ended = true;
      }
      EXPECT_TRUE(ended);
    }
  });
}

// C148 C162
TEST_P(PipeContract, ABlockedPollSeesAMessageAndLeavesItToTheReceiver) {
  const auto pipe = Pipe<int>();
  std::atomic<int> in_line{0};
  Log<int> got;
  Crew crew(GetParam());
  std::array<Party*, 2> pollers{};
  for (auto& poller : pollers) {
    poller = &crew.start(
        [&](auto how) -> Script<decltype(how)> { co_await watched(pipe.left.poll(), in_line); });
  }
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  const Party& receiver = crew.start([&](auto how) -> Script<decltype(how)> {
    got.add(co_await watched(pipe.left.recv(), in_line));
  });
  ASSERT_TRUE(eventually([&] { return in_line == 3; }));
  pipe.right.send(7).block();
  for (auto* poller : pollers) EXPECT_EQ(poller->end(), Ending::finished);
  EXPECT_EQ(receiver.end(), Ending::finished);
  EXPECT_EQ(got.entries(), std::vector{7});
}

// C006
TEST_P(PipeContract, ACancelledPollOrRecvHasTakenNothing) {
  const auto pipe = Pipe<int>();
  std::atomic<int> in_line{0};
  Crew crew(GetParam());
  Party& poller = crew.start(
      [&](auto how) -> Script<decltype(how)> { co_await watched(pipe.left.poll(), in_line); });
  Party& receiver = crew.start(
      [&](auto how) -> Script<decltype(how)> { co_await watched(pipe.left.recv(), in_line); });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  poller.cancel();
  receiver.cancel();
  pipe.right.send(1).block();
  EXPECT_EQ(poller.end(), Ending::cancelled);
  EXPECT_EQ(receiver.end(), Ending::cancelled);
  EXPECT_EQ(pipe.left.recv().block(), 1);
}

// C157: once every copy of the other end is gone
TEST_P(PipeContract, TheEndWakesEverybodyWhoWaitsWhenTheLastCopyIsClosed) {
  auto pipe = Pipe<int>();
  auto copy = pipe.right;
  std::atomic<int> in_line{0}, ended{0};
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    co_await watched(pipe.left.poll(), in_line);
    ++ended;
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    try {
      co_await watched(pipe.left.recv(), in_line);
    } catch (const EndOfStream&) {
      ++ended;
    }
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  pipe.right.close();
  EXPECT_EQ(ended, 0);
  EXPECT_FALSE(pipe.left.poll().within(0ms).block());
  copy.close();
  crew.join();
  EXPECT_EQ(ended, 2);
}

// C150
TEST_P(PipeContract, SendToAClosedEndIsABrokenPipeAlsoIfItWaits) {
  auto pipe = Pipe<int>();
  std::atomic<int> in_line{0}, broken{0};
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(pipe.left.send(i).within(0ms).block());
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (int twice = 0; twice < 2; ++twice) {
      try {
        co_await watched(pipe.left.send(64), in_line);
      } catch (const BrokenPipe&) {
        ++broken;
      }
    }
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  pipe.right.close();
  crew.join();
  EXPECT_EQ(broken, 2);
}

// C156
TEST_P(PipeContract, SeveralSendersAtOneEndLoseAndMixNothing) {
  auto pipe = Pipe<std::string>(false);
  constexpr int senders = 4, each = 200;
  std::array<int, senders> seen{};
  Crew crew(GetParam());
  for (int s = 0; s < senders; ++s) {
    crew.start([s, end = pipe.right](auto how) -> Script<decltype(how)> {
      return [](auto, Connection<std::string> to, int who) -> Script<decltype(how)> {
        for (int i = 0; i < each; ++i) {
          co_await to.send(std::string(30, static_cast<char>('a' + who)));
        }
      }(how, end, s);
    });
  }
  for (int i = 0; i < senders * each; ++i) {
    const std::string message = pipe.left.recv().block();
    ASSERT_EQ(message, std::string(30, message.at(0)));
    ++seen.at(static_cast<std::size_t>(message.at(0) - 'a'));
  }
  for (const int times : seen) EXPECT_EQ(times, each);
}

// C158
TEST_P(PipeContract, AConnectionTravelsOverAConnection) {
  auto outer = Pipe<Connection<int>>();
  auto inner = Pipe<int>();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    co_await outer.left.send(inner.left);
    inner.left.close();
    EXPECT_EQ(co_await inner.right.recv(), 42);
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    const Connection<int> arrived = co_await outer.right.recv();
    co_await arrived.send(42);
  });
}

}  // namespace cohort::test
