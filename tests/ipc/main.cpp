// SPDX-License-Identifier: BSL-1.0
// The tests of processes have a main of their own: it begins with freeze_support(), and every test
// must end without a child, alive or dead.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)
#include <dirent.h>
#include <unistd.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "cohort/ipc/freeze_support.hpp"
#include "cohort/ipc/process.hpp"
#include "support/flavours.hpp"

extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }

#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)
namespace cohort::test {
namespace {

template <class Visit>
void each_number_in(const char* folder, Visit visit) {
  DIR* const directory = opendir(folder);
  if (!directory) return;
  while (const dirent* const entry = readdir(directory)) {
    const int number = std::atoi(entry->d_name);
    if (number > 0 || std::strcmp(entry->d_name, "0") == 0) visit(number);
  }
  closedir(directory);
}

// Children of this process, dead or alive, without the library's own helper.
std::string children() {
  std::string found;
  each_number_in("/proc", [&](int pid) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
    std::FILE* const file = std::fopen(path, "r");
    if (!file) return;
    char line[512] = "";
    if (!std::fgets(line, sizeof line, file)) line[0] = '\0';
    std::fclose(file);
    const char* const end = std::strrchr(line, ')');
    char state = '?';
    int parent = 0;
    if (!end || std::sscanf(end + 1, " %c %d", &state, &parent) != 2 || parent != getpid()) return;
    if (pid == ipc::detail::ForkServer::get().pid()) return;
    found += std::to_string(pid) + ' ' + state + "; ";
  });
  return found;
}

class ChildrenCheck final : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    EXPECT_TRUE(eventually([] { return children().empty(); }))
        << "processes outlive the test: " << children();
  }
};

}  // namespace
}  // namespace cohort::test
#endif

int main(int argc, char** argv) {
  // Started anew as if it did not know of freeze_support(); see start_method_test.cpp.
  if (const char* const main = std::getenv("COHORT_TEST_MAIN")) {
    if (std::strcmp(main, "starts") != 0) return 0;
    cohort::Process p{[] {}};
    p.start();
    std::abort();
  }
  cohort::freeze_support();
  testing::InitGoogleTest(&argc, argv);
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)
  testing::UnitTest::GetInstance()->listeners().Append(new cohort::test::ChildrenCheck);
#endif
  return RUN_ALL_TESTS();
}
