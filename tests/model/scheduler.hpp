// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The deterministic scheduler of the model checker: which of the modelled threads goes on at each
/// point, who spins, who sleeps, who dies, and when nobody can go on any more.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chooser.hpp"  // Question, Chooser
#include "clock.hpp"    // ThreadId
#include "crew.hpp"     // Crew
#include "scene.hpp"    // Scene
#include "task.hpp"     // Task

namespace cohort::model {

struct Limits {
  std::size_t steps = 20'000;
  bool deaths = false;
};

class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  virtual ~Scheduler() = default;

  // ------------------------------------------------------------------- called by the scenario
  ThreadId add(std::function<void()> body, bool mortal) {
    if (running_) fail("threads are added before the execution begins");
    if (count_ == max_threads) fail("too many threads in the scenario");
    Task& task = tasks_[count_];
    task = Task{};
    task.body = std::move(body);
    task.state = State::ready;
    task.mortal = mortal;
    return static_cast<ThreadId>(count_++);
  }
  [[nodiscard]] Scene& scene() noexcept { return scene_; }

  // ---------------------------------------------------------- called on the fibers of a scenario
  /// The point before each operation at which others may be let in.
  void step() {
    count_step();
    if (running_) go_on_in(pick());
  }

  void pause() {
    if (!running_) {
      step();
      return;
    }
    // A spinning thread reads the same values again until something changes, so it is only asked
    // for once there is news since the pause before; and a thread that waits for its turn while
    // others spin gets it (after the fair scheduling of Musuvathi & Qadeer, PLDI 2008).
    Task& task = tasks_[current_];
    task.state = State::paused;
    task.noticed = std::exchange(task.mark, changes_);
    ++task.pauses;
    ++pauses_;
    chooser_->yielded(current_);
    count_step();
    task.paused_at = steps_;
    go_on_in(pick());
  }

  /// A timed sleep may end at any moment without a wake.
  void sleep_on(const void* word, std::string described, bool timed) {
    if (!running_) fail("outside of the threads somebody waits for ever");
    Task& task = tasks_[current_];
    task.state = State::asleep;
    task.asleep_on = word;
    task.asleep_since = ++steps_;
    task.timed = timed;
    if (timed) chooser_->yielded(current_);  // else random schedules would let it end at once
    task.place = std::move(described);
    go_on_in(pick());
  }

  /// Wakes the sleeper that the chooser names, or all; returns the number of those woken.
  std::size_t wake(const void* word, bool all) {
    std::vector<Task*> sleepers;
    for (Task& task : tasks_) {
      if (task.state == State::asleep && task.asleep_on == word) sleepers.push_back(&task);
    }
    std::sort(sleepers.begin(), sleepers.end(),
              [](const Task* a, const Task* b) { return a->asleep_since < b->asleep_since; });
    if (!all && !sleepers.empty()) {
      Question question;
      for (std::size_t i = 0; i < sleepers.size(); ++i) question.add(Cost::none);
      sleepers = {sleepers[ask(question)]};
    }
    for (Task* task : sleepers) task->state = State::ready;
    return sleepers.size();
  }

  /// Waits until one of the threads, a bit for each, has ended or died; yields which.
  ThreadId await_end(std::uint32_t threads) {
    if (any_ended(threads) == nobody && running_) {
      tasks_[current_].state = State::joining;
      tasks_[current_].joining_with = threads;
      go_on_in(pick());
    }
    return any_ended(threads);
  }
  [[nodiscard]] bool died(ThreadId thread) const noexcept { return tasks_[thread].died; }
  [[nodiscard]] bool ended(ThreadId thread) const noexcept {
    return tasks_[thread].state == State::ended;
  }

  /// The execution has failed. What is called next is `give_up`.
  void accuse(std::string_view what) {
    if (failed_) return;
    failed_ = true;
    what_ = current_ == 0 ? "" : "thread " + std::to_string(current_) + ": ";
    what_ += what;
  }
  /// Never returns: the fiber is abandoned, as are all the others of this execution. Apart from
  /// `accuse`, so that the text that was composed for it is not abandoned too.
  [[noreturn]] void give_up() {
    crew_.leave(current_);
    std::terminate();
  }
  [[noreturn]] void fail(const char* what) {
    accuse(what);
    give_up();
  }

  /// Something has changed that a spinning thread could be waiting for.
  void changed() noexcept { ++changes_; }

  /// Puts a question, unless there is nothing to choose, and writes the answer down.
  std::size_t ask(const Question& question) {
    if (question.size() < 2) return 0;
    if (question.about_threads()) ++switches_;
    const std::size_t answer = chooser_->choose(question);
    answers_.push_back(static_cast<std::uint8_t>(answer));
    return answer;
  }

  [[nodiscard]] ThreadId current() const noexcept { return current_; }
  [[nodiscard]] std::size_t threads() const noexcept { return count_; }
  [[nodiscard]] bool running() const noexcept { return running_; }

  // ------------------------------------------------------------------------ called by explore()
  /// One execution: `set_scene` builds the state and adds threads; then they run; then the check.
  void execute(Chooser& chooser, Limits limits, const std::function<void()>& set_scene) {
    chooser_ = &chooser;
    limits_ = limits;
    reset();
    on_slot_zero(set_scene);
    if (!failed_ && count_ > 1) {
      running_ = true;
      begin_threads();
      if (const ThreadId first = pick(); first != nobody) run_from_main(first);
      running_ = false;
      current_ = 0;
    }
    if (!failed_ && chooser.diverged()) {
      failed_ = true;
      what_ = "the scenario is not deterministic: the same choices led elsewhere";
    }
    if (!failed_) end_threads();
    if (!failed_ && scene_.check()) on_slot_zero(scene_.check());
    if (!failed_) on_slot_zero([this] { clear_away(); });
    if (failed_) {
      for (std::size_t i = 1; i < count_; ++i) {
        scene_.keep(std::make_shared<Scene::Body>(std::exchange(tasks_[i].body, nullptr)));
      }
      scene_.bury();
    }
  }
  void log_to(std::vector<std::string>* log) noexcept { log_ = log; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] const std::string& what() const noexcept { return what_; }
  [[nodiscard]] std::size_t questions_about_threads() const noexcept { return switches_; }
  [[nodiscard]] const std::vector<std::uint8_t>& answers() const noexcept { return answers_; }

 protected:
  /// Everything that is under way to memory arrives; false if there was nothing.
  virtual bool drain() = 0;
  virtual void drain(ThreadId thread) = 0;
  virtual void reset_memory() = 0;
  virtual void begin_threads() = 0;
  virtual void end_threads() = 0;
  virtual void note(ThreadId thread, std::string_view what) = 0;
  [[nodiscard]] bool logging() const noexcept { return log_ != nullptr; }
  void write(std::string line) { log_->push_back(std::move(line)); }

 private:
  using State = Task::State;
  static constexpr std::uint64_t patience = 8;  // so many pauses of others, and it is its turn

  [[nodiscard]] bool runnable(const Task& task) const noexcept {
    switch (task.state) {
      case State::ready: return true;
      case State::paused: return changes_ > task.noticed;
      case State::joining: return any_ended(task.joining_with) != nobody;
      case State::asleep:
      case State::ended: break;
    }
    return false;
  }

  [[nodiscard]] ThreadId any_ended(std::uint32_t threads) const noexcept {
    for (ThreadId i = 0; i < count_; ++i) {
      if ((threads >> i & 1U) != 0 && tasks_[i].state == State::ended) return i;
    }
    return nobody;
  }

  void count_step() {
    if (++steps_ <= limits_.steps) return;
    accuse("no end after " + std::to_string(limits_.steps) + " steps, a livelock?" + standing());
    give_up();
  }

  ThreadId chosen(ThreadId thread) noexcept {
    Task& task = tasks_[thread];
    task.state = State::ready;
    task.last_run = steps_;
    task.pauses_seen = pauses_;
    return thread;
  }

  /// Who goes on. `nobody` when all have ended, or none can (then the execution has failed).
  ThreadId pick() {
    for (;;) {
      Question question;
      const Task& self = tasks_[current_];
      const bool self_ready = current_ != 0 && self.state == State::ready;
      if (self_ready) question.add(Cost::none, current_);
      const Cost price = self_ready ? Cost::preemption : Cost::none;
      for (std::size_t i = 1; i < count_; ++i) {
        if (i == current_) continue;
        if (!runnable(tasks_[i])) {
          tasks_[i].pauses_seen = pauses_;  // it is not kept waiting by the others
          continue;
        }
        if (pauses_ - tasks_[i].pauses_seen > patience) return chosen(static_cast<ThreadId>(i));
        question.add(price, static_cast<ThreadId>(i));
      }
      if (question.size() == 0) {
        if (drain()) continue;
        if (const ThreadId idle = longest_idle(); idle != nobody) return chosen(idle);
        if (std::any_of(tasks_.begin(), tasks_.end(),
                        [](const Task& task) { return task.state != State::ended; })) {
          failed_ = true;
          what_ = "deadlock:" + standing();
        }
        return nobody;
      }
      for (std::size_t i = 1; i < count_; ++i) {
        const Task& task = tasks_[i];
        if (i == current_ || runnable(task)) continue;
        const bool spins = task.state == State::paused && steps_ > task.paused_at;
        const bool timed = task.state == State::asleep && task.timed;
        if (spins || timed) question.add(Cost::preemption, static_cast<ThreadId>(i));
      }
      // One that does not run might as well have died where it stopped: what others do of it later
      // is the same, if whoever hears of deaths is as late.
      const std::size_t lives = question.size();
      const bool can_die = limits_.deaths && self.mortal && self.state != State::ended;
      if (can_die) question.add(Cost::death, current_);
      const std::size_t answer = ask(question);
      if (answer < lives) return chosen(question[answer].thread);
      kill(question[answer].thread);
    }
  }

  void kill(ThreadId thread) {
    note(thread, "is killed");
    tasks_[thread].died = true;
    tasks_[thread].state = State::ended;
    crew_.abandon(thread);
    drain(thread);
    changed();
  }

  // Nobody has news: a thread that spins looks again, one with a deadline reaches it.
  [[nodiscard]] ThreadId longest_idle() const noexcept {
    ThreadId best = nobody;
    for (ThreadId i = 1; i < count_; ++i) {
      const Task& task = tasks_[i];
      if (task.state != State::paused && !(task.state == State::asleep && task.timed)) continue;
      if (best == nobody || task.last_run < tasks_[best].last_run) best = i;
    }
    return best;
  }

  [[nodiscard]] std::string standing() const {
    std::string text;
    for (std::size_t i = 1; i < count_; ++i) {
      text += " [thread " + std::to_string(i) + " " + tasks_[i].doing() + "]";
    }
    return text;
  }

  void go_on_in(ThreadId next) {
    if (next == current_) return;
    const ThreadId from = current_;
    if (next == nobody) {
      crew_.leave(from);
    } else {
      current_ = next;
      crew_.pass(from, next);
    }
  }

  void run_from_main(ThreadId first) {
    for (std::size_t i = 1; i < count_; ++i) crew_.prepare(static_cast<ThreadId>(i));
    current_ = first;
    crew_.enter(first);
    inspect();
  }

  void on_slot_zero(const std::function<void()>& body) {
    crew_.prepare(0);
    current_ = 0;
    tasks_[0].body = [&body] { body(); };
    tasks_[0].state = State::ready;
    crew_.enter(0);
    inspect();
  }

  void inspect() {
    for (ThreadId i = 0; i < count_; ++i) {
      if (tasks_[i].state != State::ended) crew_.abandon(i);
      if (crew_.intact(i)) continue;
      failed_ = true;
      what_ = "thread " + std::to_string(i) + " overran its stack";
    }
  }

  void live(ThreadId thread) {
    const char* escaped = nullptr;
    static std::string words;
    try {
      tasks_[thread].body();
    } catch (const std::exception& error) {
      words = std::string("an exception got out: ") + error.what();
      escaped = words.c_str();
    } catch (...) {
      escaped = "an exception got out";
    }
    if (escaped != nullptr) fail(escaped);  // not inside of the catch block, which must end
    tasks_[thread].state = State::ended;
    changed();
    if (running_) {
      go_on_in(pick());
    } else {
      crew_.leave(thread);
    }
  }

  void reset() {
    for (Task& task : tasks_) task.state = State::ended;
    answers_.clear();
    count_ = 1;
    steps_ = 0;
    switches_ = 0;
    changes_ = 1;
    pauses_ = 0;
    failed_ = false;
    running_ = false;
    what_.clear();
    reset_memory();
  }

  void clear_away() {
    for (std::size_t i = 1; i < count_; ++i) tasks_[i].body = nullptr;
    scene_.clear();
  }

  Chooser* chooser_ = nullptr;
  Limits limits_;
  Crew crew_{[this](ThreadId thread) { live(thread); }};
  std::array<Task, max_threads> tasks_{};
  std::size_t count_ = 1;
  Scene scene_;
  std::vector<std::uint8_t> answers_;
  ThreadId current_ = 0;
  bool running_ = false;
  bool failed_ = false;
  std::string what_;
  std::vector<std::string>* log_ = nullptr;
  std::size_t steps_ = 0;
  std::size_t switches_ = 0;
  std::uint64_t changes_ = 1;
  std::uint64_t pauses_ = 0;
};

}  // namespace cohort::model
