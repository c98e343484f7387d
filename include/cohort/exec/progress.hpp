// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Progress: a line that says how far a pool's `map` is.
///
///     auto pages = pool.map(fetch, addresses, progress()).block();
///      42 % |########            | 420/1000  123/s  4 s left

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <string>

#include "cohort/core/coroutine.hpp"  // the executor's clock
#include "cohort/os/deadline.hpp"     // TimePoint
#include "cohort/os/select.hpp"       // stderr_is_terminal

namespace cohort::inline v0 {

namespace detail {
template <class S>
concept TextStream = requires(S& stream) {
  stream.write("", 0);
  stream.flush();
};
}  // namespace detail

/// Where the line goes. On a terminal it is written over itself a few times a second, and ends with
/// a new line when the map does.
class Progress {
 public:
  /// To stderr if that is a terminal, else nowhere.
  Progress() noexcept : write_(os::stderr_is_terminal() ? &to_stderr : nullptr) {}
  /// To that stream (one that has `write(const char*, n)` and `flush()`), terminal or not. It is
  /// referenced until the map has ended.
  template <detail::TextStream Stream>
  explicit Progress(Stream& stream) noexcept : stream_(&stream), write_(&to_stream<Stream>) {}

  /// For the library.
  static Progress none() noexcept { return Progress(nullptr); }
  bool silent() const noexcept { return !write_; }
  void write(const std::string& text) const { write_(stream_, text); }

 private:
  explicit Progress(std::nullptr_t) noexcept : write_(nullptr) {}
  static void to_stderr(void*, const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }
  template <class Stream>
  static void to_stream(void* stream, const std::string& text) {
    auto& out = *static_cast<Stream*>(stream);
    out.write(text.data(), static_cast<std::ptrdiff_t>(text.size()));
    out.flush();
  }

  void* stream_ = nullptr;
  void (*write_)(void*, const std::string&);
};

/// `pool.map(fn, range, progress())`: shown on stderr if that is a terminal.
inline Progress progress() noexcept { return Progress(); }
/// `pool.map(fn, range, progress(std::cout))`: written there in any case.
template <detail::TextStream Stream>
Progress progress(Stream& stream) noexcept {
  return Progress(stream);
}

namespace detail {

/// The line of one map.
class ProgressLine {
 public:
  ProgressLine(const Progress& progress, std::size_t total, const Home* home)
      : progress_(progress), total_(total), home_(home) {
    if (progress_.silent()) return;
    began_ = time();
    draw(0, began_, "");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (!progress_.silent()) draw(done_.load(std::memory_order_acquire), time(), "\n");
  }

  /// So many more are done. Any thread.
  void advance(std::size_t n) noexcept {
    if (progress_.silent()) return;
    const std::size_t done = done_.fetch_add(n, std::memory_order_release) + n;
    if (done == total_) return;  // the destructor's
    const TimePoint now = time();
    if (now.time_since_epoch().count() < next_.load(std::memory_order_relaxed)) return;
    if (drawing_.exchange(true, std::memory_order_acquire)) return;
    draw(done, now, "");
    drawing_.store(false, std::memory_order_release);
  }

 private:
  TimePoint time() const noexcept { return home_ ? home_->now() : Clock::now(); }

  void draw(std::size_t done, TimePoint now, const char* end) noexcept {
    next_.store((now + std::chrono::milliseconds(200)).time_since_epoch().count(),
                std::memory_order_relaxed);
    try {
      std::string line = text(done, std::chrono::duration<double>(now - began_).count());
      const std::size_t length = line.size();
      if (length < length_) line.append(length_ - length, ' ');
      length_ = length;
      progress_.write(line + end);
    } catch (...) {  // a stream that throws shows nothing
    }
  }
  std::string text(std::size_t done, double seconds) const {
    constexpr std::size_t width = 20;
    const double part = total_ ? static_cast<double>(done) / static_cast<double>(total_) : 1.0;
    std::string bar(static_cast<std::size_t>(part * width), '#');
    bar.resize(width, ' ');
    char buffer[128];
    std::snprintf(buffer, sizeof(buffer), "\r%3d %% |%s| %zu/%zu", static_cast<int>(part * 100),
                  bar.c_str(), done, total_);
    std::string line = buffer;
    if (done > 0 && seconds > 0) {
      const double rate = static_cast<double>(done) / seconds;
      std::snprintf(buffer, sizeof(buffer), "  %.*f/s", rate < 10 ? 1 : 0, rate);
      line += buffer;
      line += "  ";
      line += done < total_ ? duration(static_cast<double>(total_ - done) / rate) + " left"
                            : duration(seconds);
    }
    return line;
  }
  static std::string duration(double seconds) {
    const auto s = static_cast<long long>(seconds + 0.5);
    char buffer[64];
    if (s < 60) {
      std::snprintf(buffer, sizeof(buffer), "%lld s", s);
    } else if (s < 3600) {
      std::snprintf(buffer, sizeof(buffer), "%lld:%02lld min", s / 60, s % 60);
    } else {
      std::snprintf(buffer, sizeof(buffer), "%lld:%02lld h", s / 3600, s / 60 % 60);
    }
    return buffer;
  }

  const Progress progress_;
  const std::size_t total_;
  const Home* const home_;
  TimePoint began_{};
  std::atomic<std::size_t> done_{0};
  std::atomic<Clock::rep> next_{0};
  std::atomic<bool> drawing_{false};
  std::size_t length_ = 0;  // of the line that stands there; whoever draws
};

}  // namespace detail
}  // namespace cohort::inline v0
