// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Who decides. Each question of the checker (which thread goes on, does this store stay in its
/// buffer, ...) has numbered answers; number 0 is the ordinary one and is always free. The list of
/// answers does not depend on who is asked, so a row of numbers replays any execution.
///
///   Exhaustive  depth-first search over all answers within budgets. The budget that matters is
///               the number of preemptions (CHESS: Musuvathi & Qadeer, PLDI 2007).
///   Pct         random priorities with d - 1 random points at which the running thread's falls
///               (Burckhardt, Kothari, Musuvathi & Nagarakatte, ASPLOS 2010).
///   Replay      a row of numbers.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clock.hpp"  // ThreadId

namespace cohort::model {

/// What an answer uses up.
enum class Cost : std::uint8_t { none, preemption, surprise, death };
inline constexpr std::size_t cost_kinds = 4;

struct Answer {
  Cost cost = Cost::none;
  ThreadId thread = nobody;  // in a question of who goes on; else nobody
};

/// The answers to one question, first the ordinary one.
class Question {
 public:
  static constexpr std::size_t capacity = 30;
  void add(Cost cost, ThreadId thread = nobody) noexcept {
    if (count_ < capacity) answers_[count_++] = Answer{cost, thread};
  }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] const Answer& operator[](std::size_t i) const noexcept { return answers_[i]; }
  [[nodiscard]] bool about_threads() const noexcept { return answers_[0].thread != nobody; }

 private:
  std::array<Answer, capacity> answers_{};
  std::size_t count_ = 0;
};

class Chooser {
 public:
  Chooser() = default;
  Chooser(const Chooser&) = delete;
  Chooser& operator=(const Chooser&) = delete;
  virtual ~Chooser() = default;
  /// Asked only when there are at least two answers.
  virtual std::size_t choose(const Question& question) = 0;
  /// The thread spins and should not be preferred now.
  virtual void yielded(ThreadId) {}
  /// An answer of an earlier execution no longer fits: the scenario is not deterministic.
  [[nodiscard]] bool diverged() const noexcept { return diverged_; }

 protected:
  bool diverged_ = false;
};

struct Budgets {
  std::array<std::size_t, cost_kinds> left{};
  Budgets(std::size_t preemptions, std::size_t surprises, std::size_t deaths)
      : left{0, preemptions, surprises, deaths} {}
  [[nodiscard]] bool allows(Cost cost) const noexcept {
    return cost == Cost::none || left[static_cast<std::size_t>(cost)] > 0;
  }
  void spend(Cost cost) noexcept {
    if (cost != Cost::none) --left[static_cast<std::size_t>(cost)];
  }
};

class Exhaustive final : public Chooser {
 public:
  explicit Exhaustive(Budgets budgets) : all_(budgets), left_(budgets) {}

  std::size_t choose(const Question& question) override {
    if (depth_ == path_.size()) {
      std::uint32_t allowed = 0;
      for (std::size_t i = 0; i < question.size(); ++i) {
        if (left_.allows(question[i].cost)) allowed |= 1U << i;
      }
      path_.push_back({.answer = 0, .count = narrow(question.size()), .allowed = allowed});
    }
    const Node& node = path_[depth_++];
    if (node.count != question.size()) {
      diverged_ = true;
      return 0;
    }
    left_.spend(question[node.answer].cost);
    return node.answer;
  }

  /// Prepares the next execution; false when there is none.
  bool next() {
    depth_ = 0;
    left_ = all_;
    while (!path_.empty()) {
      Node& last = path_.back();
      for (std::uint8_t i = narrow(last.answer + 1U); i < last.count; ++i) {
        if (((last.allowed >> i) & 1U) == 0) continue;
        last.answer = i;
        return true;
      }
      path_.pop_back();
    }
    return false;
  }

 private:
  struct Node {
    std::uint8_t answer;
    std::uint8_t count;
    std::uint32_t allowed;
  };
  static std::uint8_t narrow(std::size_t i) { return static_cast<std::uint8_t>(i); }

  const Budgets all_;
  Budgets left_;
  std::vector<Node> path_;
  std::size_t depth_ = 0;
};

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): small, and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>((*this)() % n); }

 private:
  std::uint64_t state_;
};

class Pct final : public Chooser {
 public:
  /// `length` is an estimate of the number of questions about threads.
  Pct(std::uint64_t seed, std::size_t depth, std::size_t length, std::size_t deaths)
      : random_(seed), deaths_(deaths) {
    for (std::size_t i = 0; i < max_threads; ++i) priorities_[i] = static_cast<std::int64_t>(i + 1);
    for (std::size_t i = max_threads; i > 1; --i) {
      std::swap(priorities_[i - 1], priorities_[random_.below(i)]);
    }
    length = std::max<std::size_t>(length, 1);
    for (std::size_t i = 1; i < depth; ++i) changes_.push_back(1 + random_.below(length));
    for (std::size_t i = 0; i < deaths; ++i) kills_.push_back(1 + random_.below(length));
    std::sort(kills_.begin(), kills_.end());
    // Some executions see much odd behaviour of the memory, some little, some none.
    oddness_ = random_.below(4);
  }

  std::size_t choose(const Question& question) override {
    if (!question.about_threads()) return odd(question);
    ++asked_;
    if (std::find(changes_.begin(), changes_.end(), asked_) != changes_.end()) {
      yielded(question[0].thread);
    }
    if (killed_ < deaths_ && asked_ >= kills_[killed_]) {
      for (std::size_t i = 0; i < question.size(); ++i) {
        if (question[i].cost != Cost::death) continue;
        ++killed_;
        return i;
      }
    }
    std::size_t best = 0;
    for (std::size_t i = 1; i < question.size(); ++i) {
      if (question[i].cost == Cost::death) continue;
      if (priorities_[question[i].thread] > priorities_[question[best].thread]) best = i;
    }
    return best;
  }

  void yielded(ThreadId thread) override { priorities_[thread] = --floor_; }
  [[nodiscard]] std::size_t asked() const noexcept { return asked_; }

 private:
  std::size_t odd(const Question& question) {
    if (question[1].cost == Cost::none) return random_.below(question.size());
    if (surprises_ == 0 || random_.below(4) >= oddness_) return 0;
    --surprises_;
    return 1 + random_.below(question.size() - 1);
  }

  Random random_;
  std::array<std::int64_t, max_threads> priorities_{};
  std::vector<std::size_t> changes_;
  std::vector<std::size_t> kills_;
  std::int64_t floor_ = 0;
  std::size_t asked_ = 0;
  std::size_t deaths_ = 0;
  std::size_t killed_ = 0;
  std::size_t oddness_ = 0;
  std::size_t surprises_ = 12;  // so that a loop cannot read the same old value for ever
};

class Replay final : public Chooser {
 public:
  explicit Replay(std::vector<std::uint8_t> answers) : answers_(std::move(answers)) {}
  std::size_t choose(const Question& question) override {
    const std::size_t answer = at_ < answers_.size() ? answers_[at_] : 0;
    ++at_;
    if (answer < question.size()) return answer;
    diverged_ = true;
    return 0;
  }

 private:
  std::vector<std::uint8_t> answers_;
  std::size_t at_ = 0;
};

/// A row of answers as text: numbers parted by commas, "~n" for n ordinary answers in a row.
inline std::string to_text(const std::vector<std::uint8_t>& answers) {
  std::size_t size = answers.size();
  while (size > 0 && answers[size - 1] == 0) --size;
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    if (!text.empty()) text += ',';
    std::size_t zeros = 0;
    while (answers[i + zeros] == 0) ++zeros;
    if (zeros > 0) {
      text += "~" + std::to_string(zeros);
      i += zeros - 1;
    } else {
      text += std::to_string(answers[i]);
    }
  }
  return text.empty() ? "~0" : text;
}

inline std::vector<std::uint8_t> from_text(std::string_view text) {
  std::vector<std::uint8_t> answers;
  while (!text.empty()) {
    const bool run = text.front() == '~';
    if (run) text.remove_prefix(1);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) break;
    answers.insert(answers.end(), run ? number : 1,
                   run ? std::uint8_t{0} : static_cast<std::uint8_t>(number));
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  }
  return answers;
}

}  // namespace cohort::model
