// SPDX-License-Identifier: BSL-1.0
//
// Karaoke: ten guests, four rooms, on threads and on processes.
//
// The Semaphore has a permit for each room. Four guests get in at once; the others wait outside, in
// line, whatever thread or process they are in. `hold()` gives the room back when the guest leaves,
// also if that is by the death of his process.

#include <cohort/cohort.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;

template <class Domain>
void sing(typename Domain::Semaphore rooms, typename Domain::Barrier first_four,
          typename Domain::template Array<int> counts) {
  constexpr int came = 0, inside = 1, most = 2, sung = 3;
  const auto room = rooms.hold().block();
  bool among_the_first = false;
  {
    const auto held = counts.get_lock().hold().block();
    among_the_first = counts.at(came)++ < 4;
    counts.at(most) = std::max(counts.at(most), ++counts.at(inside));
  }
  if (among_the_first) first_four.wait().block();  // they do fit in together
  cohort::sleep_for(5ms).block();
  const auto held = counts.get_lock().hold().block();
  --counts.at(inside);
  ++counts.at(sung);
}

template <class Domain>
void evening(const char* what) {
  const typename Domain::Semaphore rooms{4};
  const typename Domain::Barrier first_four{4};
  const typename Domain::template Array<int> counts(4);
  std::vector<typename Domain::Worker> guests;
  for (int i = 0; i < 10; ++i) {
    guests.emplace_back(sing<Domain>, rooms, first_four, counts).start();
  }
  for (const auto& guest : guests) guest.join().block();
  std::cout << what << ": " << counts.at(3) << " have sung, " << counts.at(2)
            << " at a time, free rooms now: " << rooms.value() << '\n';
}

int main() try {
  cohort::freeze_support();
  evening<cohort::Threads>("threads");
  evening<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: 10 have sung, 4 at a time, free rooms now: 4
// processes: 10 have sung, 4 at a time, free rooms now: 4
