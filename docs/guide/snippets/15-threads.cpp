// SPDX-License-Identifier: BSL-1.0
// What docs/guide/15-threads.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using cohort::Task;
using cohort::Thread;
using cohort::ThreadOptions;

void cook(const std::string& dish, int& dishes) {
  std::cout << cohort::current_thread().name() << " cooks " << dish << '\n';
  ++dishes;
}

Task<> serve(cohort::Queue<int>& tables) {  // on an event loop of its own
  while (const int table = co_await tables.get()) std::cout << "table " << table << '\n';
}

Task<> wait_for(Thread& thread) {
  const bool over = co_await thread.join().within(1h);
  std::cout << "in time: " << over << '\n';
}

class Waiter : public Thread {
 public:
  explicit Waiter(std::string guest) : guest_(std::move(guest)) {}
  void run() override { std::cout << "serving " << guest_ << '\n'; }

 private:
  std::string guest_;
};

void report(std::exception_ptr error, cohort::ThreadRef thread) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::cout << thread.name() << ": " << e.what() << '\n';
  }
}

void play_music(cohort::Event& playing) {
  playing.set();
  cohort::sleep_for(24h).block();  // a wait throws Cancelled when the program ends
}

int main() {
  int dishes = 0;
  Thread anna{ThreadOptions{.name = "Anna"}, cook, "soup", std::ref(dishes)};
  anna.start();
  anna.join().block();
  std::cout << dishes << " dish, alive: " << anna.is_alive() << '\n';

  cohort::Queue<int> tables;
  Thread server{serve, std::ref(tables)};
  server.start();
  for (const int table : {3, 7, 0}) tables.put(table).block();
  cohort::run(wait_for(server));

  {
    cohort::Joined<Waiter> waiter{"table 9"};
    waiter.start();
  }  // joined before anything of it is destroyed

  cohort::set_excepthook(report);
  Thread otto{ThreadOptions{.name = "Otto"}, [] { throw std::runtime_error("plates"); }};
  otto.start();
  otto.join().block();

  cohort::Timer tea{1h, [] { std::cout << "never\n"; }};
  tea.start();
  std::cout << "cancelled: " << tea.cancel() << '\n';

  static cohort::Event playing;
  Thread music{ThreadOptions{.daemon = true}, play_music, std::ref(playing)};
  music.start();
  playing.wait().block();
  std::cout << "there are " << (tea.join().block(), cohort::active_count()) << " threads\n";
}

// Output:
// Anna cooks soup
// 1 dish, alive: 0
// table 3
// table 7
// in time: 1
// serving table 9
// Otto: plates
// cancelled: 1
// there are 2 threads
