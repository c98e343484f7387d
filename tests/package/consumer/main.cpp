// A stranger's program: proves that the way it was given Cohort finds the headers and links.
#include <cohort/sync/lock.hpp>
#include <cohort/version.hpp>
#include <cstdio>
#include <thread>

int main() {
  cohort::Lock lock;
  lock.acquire().block();
  std::thread other([&] { lock.release(); });  // threads are what a program has to be linked with
  lock.acquire().block();
  other.join();
  std::printf("%d.%d.%d\n", COHORT_VERSION_MAJOR, COHORT_VERSION_MINOR, COHORT_VERSION_PATCH);
}
