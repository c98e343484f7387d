// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every benchmark program shares: options, a clock, the median of a few rounds and one line
/// per measurement, `<row> <variant> <threads> <value> <unit>`, which scripts/bench reads.
/// It knows nothing of Cohort, so that a rival's program is measured with the same ruler.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <unistd.h>
#endif

namespace bench {

struct Options {
  unsigned threads = 2;
  unsigned rounds = 3;     ///< timed repetitions; one more comes before them to warm up
  std::uint64_t size = 0;  ///< 0: the usual size of the benchmark
  std::string_view only;   ///< not empty: run this flavour alone, in a fresh process

  std::uint64_t size_or(std::uint64_t usual) const { return size == 0 ? usual : size; }
  bool wants(std::string_view flavour) const { return only.empty() || only == flavour; }
};

[[noreturn]] inline void usage(const char* program) {
  std::fprintf(stderr, "usage: %s [--threads N] [--rounds N] [--size N] [--only FLAVOUR]\n",
               program);
  std::exit(2);
}

inline Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) usage(argv[0]);
    const std::string_view name = argv[i];
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--threads" && value != 0) {
      options.threads = static_cast<unsigned>(value);
    } else if (name == "--rounds" && value != 0) {
      options.rounds = static_cast<unsigned>(value);
    } else if (name == "--size" && value != 0) {
      options.size = value;
    } else if (name == "--only") {
      options.only = argv[i + 1];
    } else {
      usage(argv[0]);
    }
  }
  return options;
}

inline void report(std::string_view row, std::string_view variant, unsigned threads, double value,
                   std::string_view unit) {
  std::printf("%.*s %.*s %u %.6g %.*s\n", static_cast<int>(row.size()), row.data(),
              static_cast<int>(variant.size()), variant.data(), threads, value,
              static_cast<int>(unit.size()), unit.data());
  std::fflush(stdout);
}

/// A benchmark that computes the wrong thing measures nothing: it says so and fails.
inline void expect(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "wrong result: %s\n", what);
  std::exit(1);
}

inline double now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

/// Median time of `body()` in nanoseconds after one round that is thrown away.
template <class Body>
double median_ns(const Options& options, Body&& body) {
  body();
  std::vector<double> times;
  for (unsigned round = 0; round < options.rounds; ++round) {
    const double start = now_ns();
    body();
    times.push_back(now_ns() - start);
  }
  return median(std::move(times));
}

template <class Body>
double median_ms(const Options& options, Body&& body) {
  return median_ns(options, body) / 1e6;
}

/// Keeps the processor busy, as a critical section with work in it does.
inline void work_for_ns(double duration) {
  const double end = now_ns() + duration;
  while (now_ns() < end) {}
}

/// Resident memory of this process; 0 where it cannot be had.
inline double resident_bytes() {
#if defined(__linux__)
  long pages = 0;
  long resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
#else
  return 0;
#endif
}

/// Sum of 0 … n-1, what a consumer of those numbers must arrive at.
inline std::uint64_t sum_below(std::uint64_t n) { return n * (n - 1) / 2; }

/// n queens: may one stand at (row, column), given the columns of the rows above?
template <class Rows>
bool may_place(const Rows& rows, int row, int column) {
  for (int above = 0; above < row; ++above) {
    const int taken = rows[static_cast<std::size_t>(above)];
    const int distance = row - above;
    if (taken == column || taken == column - distance || taken == column + distance) return false;
  }
  return true;
}

inline int queens_answer(std::size_t n) {
  constexpr int answers[] = {1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596};
  return n < std::size(answers) ? answers[n] : -1;
}

}  // namespace bench
