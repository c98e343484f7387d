// SPDX-License-Identifier: BSL-1.0
//
// A pipe and its end, on threads and on processes.
//
// A one-way pipe is [reader, writer]. When every copy of the writer is closed or gone, also by the
// death of its process, the reader gets what is left and then EndOfStream. Nobody has to close
// copies by hand that some other process got by accident: a child has only the ends it was given.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <utility>

template <class Domain>
void read(typename Domain::template Connection<int> reader,
          typename Domain::template Queue<std::string> log) {
  std::string got;
  try {
    for (;;) got += std::to_string(reader.recv().block()) + ' ';
  } catch (const cohort::EndOfStream&) {
    log.put(got + "and the end").block();
  }
}

template <class Domain>
void answer(typename Domain::template Connection<std::string> mine) {
  const std::string name = mine.recv().block();
  mine.send("hello " + name).block();
}

template <class Domain>
void on(const char* what) {
  const typename Domain::template Queue<std::string> log;
  auto [reader, writer] = Domain::template Pipe<int>(false);
  typename Domain::Worker child{read<Domain>, std::move(reader), log};
  child.start();
  for (int i = 0; i < 5; ++i) writer.send(i).block();
  writer.close();
  child.join().block();
  std::cout << what << ": " << log.get().block() << '\n';

  auto [ours, theirs] = Domain::template Pipe<std::string>();  // both ends send and receive
  typename Domain::Worker other{answer<Domain>, std::move(theirs)};
  other.start();
  ours.send("Eva").block();
  std::cout << "  " << ours.recv().block() << '\n';
  other.join().block();
  try {
    ours.recv().block();
  } catch (const cohort::EndOfStream&) {
    std::cout << "  nobody is there any more\n";
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
// threads: 0 1 2 3 4 and the end
//   hello Eva
//   nobody is there any more
// processes: 0 1 2 3 4 and the end
//   hello Eva
//   nobody is there any more
