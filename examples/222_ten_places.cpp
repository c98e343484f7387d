// SPDX-License-Identifier: BSL-1.0
//
// Thirty users want ten places: two queues, on threads and on processes.
//
// The users put their names into one queue; a clerk takes them in the order in which they came, gives
// places while there are any, and puts the winners into the other. Nobody shares a counter: the queue
// decides who is first.

#include <cohort/cohort.hpp>

#include <iostream>
#include <set>
#include <vector>

template <class Domain>
void ask(int user, typename Domain::template Queue<int> requests) {
  requests.put(user).block();
}

template <class Domain>
void serve(typename Domain::template Queue<int> requests,
           typename Domain::template Queue<int> winners) {
  for (int places = 10; places > 0; --places) winners.put(requests.get().block()).block();
  requests.shutdown();  // from now on, asking is refused
}

template <class Domain>
void on(const char* what) {
  const typename Domain::template Queue<int> requests{30};
  const typename Domain::template Queue<int> winners;
  std::vector<typename Domain::Worker> users;
  for (int i = 0; i < 30; ++i) users.emplace_back(ask<Domain>, i, requests).start();
  for (const auto& user : users) user.join().block();

  typename Domain::Worker clerk{serve<Domain>, requests, winners};
  clerk.start();
  clerk.join().block();
  std::set<int> names;
  while (const auto winner = winners.try_get()) names.insert(*winner);
  std::cout << what << ": " << names.size() << " winners, " << requests.qsize()
            << " came too late\n";
  try {
    requests.put(31).block();
  } catch (const cohort::ShutDown&) {
    std::cout << "  and nobody else may ask\n";
  }
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: 10 winners, 20 came too late
//   and nobody else may ask
// processes: 10 winners, 20 came too late
//   and nobody else may ask
