// SPDX-License-Identifier: BSL-1.0
//
// A queue for three, full and empty, in one thread; and a message between two.
//
// `put` waits when the queue is full and `get` when it is empty; `put_nowait` and `get_nowait` throw
// Full and Empty instead, `try_put` and `try_get` say so by their result. qsize(), full() and empty()
// are exact. The same on both domains.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

struct Message {
  int hour = 0;
  std::string from;
  std::string text;
};

template <class Domain>
void write(typename Domain::template Queue<Message> letters) {
  letters.put({9, "Eva", "hello"}).block();
}

template <class Domain>
void on(const char* what) {
  const typename Domain::template Queue<int> queue{3};
  for (int i = 0; i < 3; ++i) queue.put(3).block();
  std::cout << what << ": full " << queue.full() << ", ";
  try {
    queue.put_nowait(4);
  } catch (const cohort::Full&) {
    std::cout << "Full, in a while " << queue.put(4).within(1ms).block() << ", ";
  }
  while (const auto item = queue.try_get()) std::cout << *item << ' ';
  try {
    queue.get_nowait();
  } catch (const cohort::Empty&) {
    std::cout << "Empty, in a while " << queue.get().within(1ms).block().has_value() << ", ";
  }
  std::cout << "empty " << queue.empty() << '\n';

  const typename Domain::template Queue<Message> letters;
  typename Domain::Worker eva{write<Domain>, letters};
  eva.start();
  const Message letter = letters.get().block();
  std::cout << "  [" << letter.hour << ", from " << letter.from << ", " << letter.text << "]\n";
  eva.join().block();
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: full 1, Full, in a while 0, 3 3 3 Empty, in a while 0, empty 1
//   [9, from Eva, hello]
// processes: full 1, Full, in a while 0, 3 3 3 Empty, in a while 0, empty 1
//   [9, from Eva, hello]
