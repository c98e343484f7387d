// SPDX-License-Identifier: BSL-1.0
//
// Which identifiers do C and C++ headers use most? A pipeline that counts them on all cores:
//
//   lister ---paths---> readers ---texts---> tokenizers ---tallies---> reducer
//
// Each stage is a coroutine and each arrow a bounded channel: a stage that is ahead of the others
// waits, so memory stays small however large the input is. A channel ends when its last sender is
// gone, so the end of the input travels down the pipeline by itself.
//
// No stage knows where it runs. Stages are free functions, what they are given and what they send are
// plain values and handles, and one word in `main`, `cohort::Threads` or `cohort::Processes`, decides
// whether all of it runs on the threads of this process or in processes of their own.
//
// A process can die. Then its stage's future says so, and the others find a channel's end without it
// and end as well, so nothing hangs. What it had counted is lost, but counting changes nothing, so it
// can be done again.

#include <cohort/cohort.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "900_identifiers.hpp"  // the work: Files, Pieces, count, merge

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace identifiers;
using Clock = std::chrono::steady_clock;
using cohort::Future;
using cohort::Task;

constexpr std::string_view usage =
    R"(usage: 900_pipeline [--threads | --processes] [--workers N] [--retries N] [--check] [DIRECTORY]

Counts the identifiers in all files under DIRECTORY (default: the system's C and C++ headers) and
prints the 20 most frequent ones. Ctrl-C ends it early, with the counts so far.

  --threads     on threads of this process (default)
  --processes   each stage in a process of its own
  --workers N   the number of workers, of each kind (default: one for each processor)
  --retries N   how often to begin again when a worker process has died (default: 2)
  --check       count again without any concurrency, compare every counter, and the time

Exit status: 0 everything was counted
             1 something was skipped: an unreadable or binary file, a dangling or looping link
             2 wrong usage, or no such directory
             3 --check found a difference
             4 an unexpected error
             5 a worker process died, and there were no retries left
             130 interrupted
)";

// Everything travels in batches, so that sending costs nothing beside the work. Tallies are small
// on purpose: a small table stays in the cache of the core that fills it.
constexpr std::size_t paths_in_batch = 32;
constexpr std::size_t bytes_in_batch = 128 * 1024;
constexpr std::size_t names_in_tally = 8 * 1024;

using Paths = std::vector<fs::path>;
using Texts = std::vector<Piece>;

template <class Domain, class T>
using Sender = typename Domain::template Sender<T>;

template <class Domain, class T>
using Receiver = typename Domain::template Receiver<T>;

struct Result {
  Tally total;
  double seconds = 0;
  bool interrupted = false;
};

struct Stage {
  std::string_view name;
  Future<void> future;
};

struct Options {
  fs::path root;
  std::size_t workers = 0;
  std::size_t retries = 2;
  bool processes = false;
  bool check = false;
};

// ---- Talking to the user ------------------------------------------------------------------------

double megabytes(const Tally& tally) { return static_cast<double>(tally.bytes) / 1e6; }

/// A stopwatch, and on a terminal a line that says how far we are.
class Progress {
 public:
  Progress() {
#if defined(_WIN32)
    visible_ = _isatty(_fileno(stderr)) != 0;
#else
    visible_ = isatty(STDERR_FILENO) != 0;
#endif
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  void show(const Tally& total) {
    if (!visible_ || Clock::now() < next_) return;
    next_ = Clock::now() + 100ms;
    std::ostringstream line;
    line << std::fixed << std::setprecision(1) << '\r' << total.files << " files, "
         << megabytes(total) << " MB, " << megabytes(total) / seconds() << " MB/s   ";
    std::cerr << line.str() << std::flush;
  }

  void clear() const {
    if (visible_) std::cerr << '\r' << std::string(60, ' ') << '\r' << std::flush;
  }

 private:
  bool visible_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point next_ = begin_;
};

void print(const Result& result, const Options& options) {
  for (const auto& message : result.total.messages) std::cerr << message << '\n';
  const Counts& counts = result.total.counts;
  std::vector<Counts::Entry> top(std::min<std::size_t>(20, counts.entries.size()));
  std::partial_sort_copy(counts.entries.begin(), counts.entries.end(), top.begin(), top.end(),
                         [&](const auto& a, const auto& b) {
                           return std::pair(b.count, counts.name(a)) <
                                  std::pair(a.count, counts.name(b));
                         });
  for (const auto& entry : top) {
    std::cout << std::setw(10) << entry.count << "  " << counts.name(entry) << '\n';
  }
  std::cout << std::fixed << std::setprecision(2)
            << (result.interrupted ? "interrupted after " : "") << result.total.files << " files, "
            << megabytes(result.total) << " MB, " << counts.entries.size() << " identifiers, "
            << result.seconds << " s, " << megabytes(result.total) / std::max(result.seconds, 1e-9)
            << " MB/s with " << options.workers << (options.workers == 1 ? " worker" : " workers")
            << (options.processes ? " of each kind, all processes" : "") << std::endl;
}

/// Whether both counted the same; says where they differ, and which was faster.
bool check(const Result& result, const Result& plain) {
  int differences = 0;
  const auto compare = [&](std::string_view name, std::uint64_t ours, std::uint64_t theirs) {
    if (ours == theirs || ++differences > 10) return;
    std::cerr << "check: " << name << ": " << ours << ", without concurrency " << theirs << '\n';
  };
  compare("files", result.total.files, plain.total.files);
  compare("bytes", result.total.bytes, plain.total.bytes);
  compare("skipped", result.total.skipped, plain.total.skipped);
  const Counts& ours = result.total.counts;
  const Counts& theirs = plain.total.counts;
  compare("identifiers", ours.entries.size(), theirs.entries.size());
  for (const auto& entry : theirs.entries) {
    compare(theirs.name(entry), ours.of(theirs.name(entry)), entry.count);
  }
  std::cout << "check: " << (differences == 0 ? "every counter agrees" : "THE COUNTERS DIFFER")
            << "; the plain count took " << plain.seconds << " s, the pipeline was "
            << plain.seconds / std::max(result.seconds, 1e-9) << " times as fast" << std::endl;
  return differences == 0;
}

// ---- The stages ---------------------------------------------------------------------------------

template <class Domain>
Task<> lister(fs::path root, Sender<Domain, Paths> out, Sender<Domain, Tally> reports,
              typename Domain::Event stop) {
  Tally report;
  Paths batch;
  Files files(root, report);
  while (auto path = files.next()) {
    if (stop.is_set()) break;
    batch.push_back(std::move(*path));
    if (batch.size() == paths_in_batch) {
      co_await out.send(std::move(batch));
      batch.clear();
    }
  }
  if (!batch.empty()) co_await out.send(std::move(batch));
  co_await reports.send(std::move(report));
}

// Reading blocks a worker for a moment; the other stages use the other workers.
template <class Domain>
Task<> reader(Receiver<Domain, Paths> in, Sender<Domain, Texts> out, Sender<Domain, Tally> reports,
              typename Domain::Event stop) {
  Tally report;
  while (auto paths = co_await in.recv()) {
    Texts batch;
    std::size_t bytes = 0;
    for (const auto& path : *paths) {
      Pieces pieces(path, report);
      while (!stop.is_set()) {
        auto piece = pieces.next();
        if (!piece) break;
        bytes += piece->text.size();
        batch.push_back(std::move(*piece));
        if (bytes >= bytes_in_batch) {
          co_await out.send(std::move(batch));
          batch.clear();
          bytes = 0;
        }
      }
    }
    if (!batch.empty()) co_await out.send(std::move(batch));
  }
  co_await reports.send(std::move(report));
}

template <class Domain>
Task<> tokenizer(Receiver<Domain, Texts> in, Sender<Domain, Tally> out) {
  Tally tally;
  while (auto batch = co_await in.recv()) {
    for (const Piece& piece : *batch) count(piece, tally);
    if (tally.counts.entries.size() >= names_in_tally) {
      co_await out.send(std::move(tally));
      tally = Tally();
    }
  }
  co_await out.send(std::move(tally));
}

// The only stage that stays with `main`: it adds everything up, says how far we are, and turns
// Ctrl-C into `stop`. The stages above then end early, but what they have sent still arrives.
template <class Domain>
Task<Result> reducer(Receiver<Domain, Tally> in, typename Domain::Event stop, Progress progress) {
  cohort::Interrupts interrupts;
  Result result;
  for (bool open = true; open && !result.interrupted;) {
    auto first = co_await cohort::select(interrupts.wait(), in.recv(), cohort::sleep_for(200ms));
    if (first.index() == 0) {
      result.interrupted = true;
      stop.set();
    } else if (first.index() == 1) {
      std::optional<Tally>& tally = std::get<1>(first);
      open = tally.has_value();
      if (tally) merge(result.total, std::move(*tally));
    }
    progress.show(result.total);
  }
  while (auto tally = co_await in.recv()) merge(result.total, std::move(*tally));
  progress.clear();
  std::sort(result.total.messages.begin(), result.total.messages.end());
  co_return result;
}

// Starts the stages and gives back the end of the pipeline. The handles made here are gone when it
// returns, so that each channel is held by its stages alone and ends with them. The last stage
// comes first in `stages`: if one fails, those before it find nobody to send to and fail as well.
template <class Domain>
Receiver<Domain, Tally> start(typename Domain::Pool& pool, std::size_t workers, fs::path root,
                              typename Domain::Event stop, std::vector<Stage>& stages) {
  auto paths = Domain::template channel<Paths>(2 * workers);
  auto texts = Domain::template channel<Texts>(2 * workers);
  auto tallies = Domain::template channel<Tally>(2 * workers);
  for (std::size_t i = 0; i < workers; ++i) {
    stages.push_back({"a tokenizer", pool.submit(tokenizer<Domain>, texts.rx, tallies.tx)});
  }
  for (std::size_t i = 0; i < workers; ++i) {
    stages.push_back(
        {"a reader", pool.submit(reader<Domain>, paths.rx, texts.tx, tallies.tx, stop)});
  }
  stages.push_back({"the lister", pool.submit(lister<Domain>, root, paths.tx, tallies.tx, stop)});
  return tallies.rx;
}

template <class Domain>
Result count_once(const Options& options) {
  // A thread carries any number of coroutines; a process works on one stage at a time.
  constexpr bool shares_workers = cohort::Scheduler<typename Domain::Pool>;
  const std::size_t workers = options.workers;
  const Progress progress;
  typename Domain::Event stop;
  typename Domain::Pool pool{shares_workers ? workers : 2 * workers + 1};
  std::vector<Stage> stages;
  auto tallies = start<Domain>(pool, workers, options.root, stop, stages);
  for (const Stage& stage : stages) {  // if one fails, the others need not go on
    stage.future.add_done_callback([stop](const Future<void>& future) {
      if (future.exception()) stop.set();
    });
  }
  Result result = cohort::run(reducer<Domain>(std::move(tallies), stop, progress));
  result.seconds = progress.seconds();
  for (const Stage& stage : stages) {
    try {
      stage.future.block();  // throws what the stage threw
    } catch (const cohort::WorkerDied& death) {
      std::cerr << "900_pipeline: " << stage.name << " was lost: " << death.what() << '\n';
      throw;
    }
  }
  return result;
}

template <class Domain>
Result count_in_parallel(const Options& options) {
  for (std::size_t left = options.retries;; --left) {
    try {
      return count_once<Domain>(options);
    } catch (const cohort::WorkerDied&) {
      if (left == 0) throw;
      std::cerr << "900_pipeline: counting again from the beginning\n";
    }
  }
}

Result count_in_parallel(const Options& options) {
  return options.processes ? count_in_parallel<cohort::Processes>(options)
                           : count_in_parallel<cohort::Threads>(options);
}

// ---- The same without concurrency ---------------------------------------------------------------

Result count_plainly(const fs::path& root) {
  const Progress watch;
  Result result;
  Files files(root, result.total);
  while (const auto path = files.next()) {
    Pieces pieces(*path, result.total);
    while (const auto piece = pieces.next()) count(*piece, result.total);
  }
  result.seconds = watch.seconds();
  return result;
}

// ---- The command line ---------------------------------------------------------------------------

std::optional<std::size_t> number(std::string_view word, std::size_t least, std::size_t most) {
  std::size_t value = 0;
  const char* const end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  if (value < least || value > most) return std::nullopt;
  return value;
}

/// Empty if the command line makes no sense.
std::optional<Options> parse(const std::vector<std::string_view>& words) {
  Options options;
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (*word == "--check") {
      options.check = true;
    } else if (*word == "--threads" || *word == "--processes") {
      options.processes = *word == "--processes";
    } else if (*word == "--workers" || *word == "--retries") {
      const bool workers = *word == "--workers";
      if (++word == words.end()) return std::nullopt;
      const auto value = workers ? number(*word, 1, 1000) : number(*word, 0, 1000);
      if (!value) return std::nullopt;
      (workers ? options.workers : options.retries) = *value;
    } else if (word->substr(0, 1) == "-" || !options.root.empty()) {
      return std::nullopt;
    } else {
      options.root = *word;
    }
  }
  const std::size_t most = options.processes ? 100 : 1000;  // a family has up to 256 processes
  if (options.workers > most) return std::nullopt;
  if (options.workers == 0) {
    options.workers = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, most);
  }
  if (options.root.empty()) options.root = system_headers();
  if (options.root.empty()) return std::nullopt;
  return options;
}

int main(int argc, char** argv) try {
  cohort::freeze_support();  // worker processes are this program, started anew
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() == 1 && words[0] == "--help") {
    std::cout << usage;
    return 0;
  }
  const std::optional<Options> options = parse(words);
  if (!options) {
    std::cerr << usage;
    return 2;
  }
  std::error_code error;
  if (const fs::file_status status = fs::status(options->root, error); !is_directory(status)) {
    std::cerr << "900_pipeline: " << options->root.string() << ": "
              << (error ? error.message() : "not a directory") << '\n';
    return 2;
  }

  Result result = count_in_parallel(*options);
  if (options->check && !result.interrupted) {  // again, now that the files are in memory
    result = count_in_parallel(*options);
  }
  print(result, *options);
  if (result.interrupted) return 130;
  if (options->check && !check(result, count_plainly(options->root))) return 3;
  return result.total.skipped == 0 ? 0 : 1;
} catch (const cohort::WorkerDied&) {
  std::cerr << "900_pipeline: gave up: there are no retries left\n";
  return 5;
} catch (const std::exception& failure) {
  std::cerr << "900_pipeline: " << failure.what() << '\n';
  return 4;
}
