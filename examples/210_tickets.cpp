// SPDX-License-Identifier: BSL-1.0
//
// Tickets in a file, sold by threads and by processes.
//
// Each buyer looks into the file how many are left, and writes one less. If all look before the first
// one writes, all of them buy the same ticket. With a lock around both, five tickets are sold five
// times. The program is written once, for a domain: Threads or Processes.

#include <cohort/cohort.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

int look(const fs::path& file) {
  int left = 0;
  std::ifstream(file) >> left;
  return left;
}
void write(const fs::path& file, int left) { std::ofstream(file) << left; }

template <class Domain>
void buy_without_lock(fs::path file, typename Domain::Barrier all_have_looked,
                      typename Domain::template Value<int> sold) {
  const int left = look(file);
  all_have_looked.wait().block();
  if (left == 0) return;
  write(file, left - 1);
  sold.fetch_add(1);
}

template <class Domain>
void buy_with_lock(fs::path file, typename Domain::Lock lock,
                   typename Domain::template Value<int> sold) {
  const auto held = lock.hold().block();
  const int left = look(file);
  if (left == 0) return;
  write(file, left - 1);
  sold.fetch_add(1);
}

template <class Domain, class Fn, class Shared>
void sell(const std::string& how, int buyers, Fn buy, Shared shared) {
  const std::string pid = std::to_string(cohort::current_process().pid());
  const fs::path file = fs::temp_directory_path() / ("cohort-tickets-" + pid);
  write(file, 5);
  const typename Domain::template Value<int> sold{0};
  std::vector<typename Domain::Worker> all;
  for (int i = 0; i < buyers; ++i) all.emplace_back(buy, file, shared, sold).start();
  for (const auto& buyer : all) buyer.join().block();
  std::cout << how << ", " << buyers << " buyers: " << sold.load() << " sold, " << look(file)
            << " of 5 left\n";
  fs::remove(file);
}

template <class Domain>
void on(const std::string& what) {
  sell<Domain>(what + " without a lock", 10, buy_without_lock<Domain>,
               typename Domain::Barrier{10});
  sell<Domain>(what + " with a lock", 100, buy_with_lock<Domain>, typename Domain::Lock{});
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads without a lock, 10 buyers: 10 sold, 4 of 5 left
// threads with a lock, 100 buyers: 5 sold, 0 of 5 left
// processes without a lock, 10 buyers: 10 sold, 4 of 5 left
// processes with a lock, 100 buyers: 5 sold, 0 of 5 left
