// SPDX-License-Identifier: BSL-1.0
//
// Two cooks, two eaters: three ways to know that nothing more will come, on both domains. A sentinel
// for each eater, when all cooks have ended. A JoinableQueue, whose eaters are daemons: join() returns
// when every item is done. A channel, which ends by itself when its last sender is gone.

#include <cohort/cohort.hpp>

#include <iostream>
#include <optional>
#include <vector>

template <class Domain, class Queue>
void cook(Queue into) {
  for (int i = 0; i < 10; ++i) into.put(i).block();
}
template <class Domain, class Queue>
void eat(Queue from, typename Domain::template Value<int> eaten) {
  while (std::optional<int>(from.get().block())) {
    eaten.fetch_add(1);
    if constexpr (requires { from.task_done(); }) from.task_done();
  }
}
template <class Domain>
void send(typename Domain::template Sender<int> into) {
  for (int i = 0; i < 10; ++i) into.send(i).block();
}
template <class Domain>
void receive(typename Domain::template Receiver<int> from,
             typename Domain::template Value<int> eaten) {
  while (from.recv().block()) eaten.fetch_add(1);
}

// Two that do the same. Unless they are daemons, whoever drops them joins them.
template <class Domain, class... Call>
std::vector<typename Domain::Worker> two(bool daemon, Call... call) {
  const typename Domain::Options options{.name = {}, .daemon = daemon};
  std::vector<typename Domain::Worker> workers;
  for (int i = 0; i < 2; ++i) workers.emplace_back(options, call...).start();
  return workers;
}

template <class Domain>
void on(const char* what) {
  const typename Domain::template Value<int> eaten{0};
  using Plates = typename Domain::template Queue<std::optional<int>>;
  const Plates plates{3};
  auto eaters = two<Domain>(false, eat<Domain, Plates>, plates, eaten);
  two<Domain>(false, cook<Domain, Plates>, plates).clear();
  for (int i = 0; i < 2; ++i) plates.put(std::nullopt).block();
  eaters.clear();
  std::cout << what << ": sentinels " << eaten.load();
  using Jobs = typename Domain::template JoinableQueue<int>;
  const Jobs jobs{3};
  const auto for_ever = two<Domain>(true, eat<Domain, Jobs>, jobs, eaten);
  two<Domain>(false, cook<Domain, Jobs>, jobs).clear();
  jobs.join().block();
  std::cout << ", join " << eaten.load();

  {
    const auto ends = Domain::template channel<int>(3);
    eaters = two<Domain>(false, receive<Domain>, ends.rx, eaten);
    two<Domain>(false, send<Domain>, ends.tx).clear();
  }  // no sender is left
  eaters.clear();
  std::cout << ", channel " << eaten.load() << '\n';
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: sentinels 20, join 40, channel 60
// processes: sentinels 20, join 40, channel 60
