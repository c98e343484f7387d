// SPDX-License-Identifier: BSL-1.0
//
// A oneshot: one value, once. A request that takes its way back along is what it is for.

#include <cohort/cohort.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <utility>

using cohort::OneshotSender;
using cohort::Queue;
using cohort::Task;

struct Question {
  std::string text;
  OneshotSender<std::string> answer;
};

Task<> oracle(Queue<Question>* questions) {
  for (int i = 0; i < 2; ++i) {
    const Question question = co_await questions->get();
    if (question.text == "why?") continue;  // the sender goes: so the asker hears of it
    question.answer.send("to " + question.text + ": yes");
  }
}

Task<> ask(Queue<Question>* questions, std::string text) {
  auto [answer, answered] = cohort::oneshot<std::string>();
  Question question{std::move(text), std::move(answer)};
  co_await questions->put(std::move(question));
  const std::optional<std::string> said = co_await answered.recv();
  std::cout << said.value_or("no answer") << '\n';
}

int main() {
  Queue<Question> questions;
  cohort::ThreadPool pool{1};
  const auto silence = pool.submit(oracle, &questions);
  cohort::run(ask(&questions, "is it late?"));
  cohort::run(ask(&questions, "why?"));
  silence.block();
}

// Output:
// to is it late?: yes
// no answer
