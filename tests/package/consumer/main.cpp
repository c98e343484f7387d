// A stranger's program: proves that the way it was given Cohort finds the headers and links.
#include <cohort/cohort.hpp>
#include <cstdio>

int main() {
  std::printf("%d.%d.%d\n", COHORT_VERSION_MAJOR, COHORT_VERSION_MINOR, COHORT_VERSION_PATCH);
}
