# How our own targets are compiled. Users get none of this.
include(CheckCXXSourceCompiles)
include(CheckCXXSourceRuns)

# libc++ replaces the standard library for everything, GoogleTest included.
if(COHORT_LIBCXX_ROOT)
  file(GLOB headers ${COHORT_LIBCXX_ROOT}/usr/lib/llvm-*/include/c++/v1)
  if(NOT headers)
    message(FATAL_ERROR "Cohort: no libc++ in ${COHORT_LIBCXX_ROOT}. Get it with: "
                        "scripts/get-libcxx ${COHORT_LIBCXX_ROOT}\n")
  endif()
  cmake_path(SET libraries NORMALIZE ${headers}/../../../lib)
  string(APPEND CMAKE_CXX_FLAGS " -nostdinc++ -isystem ${headers}")
  add_link_options($<$<LINK_LANGUAGE:CXX>:-nostdlib++> -L${libraries} -Wl,-rpath,${libraries})
  link_libraries(c++ c++abi)
endif()

add_library(cohort_dev INTERFACE)
target_link_libraries(cohort_dev INTERFACE cohort)
# cohort's include directory must be an ordinary one here, so that its warnings are seen.
target_compile_options(cohort_dev INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
  $<$<BOOL:${COHORT_WERROR}>:-Werror>)

if(COHORT_SANITIZE)
  set(sanitize -fsanitize=${COHORT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  set(CMAKE_REQUIRED_FLAGS -fsanitize=${COHORT_SANITIZE})
  check_cxx_source_compiles("int main() {}" COHORT_SANITIZER_LINKS)
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT COHORT_SANITIZER_LINKS)
    cohort_missing("the runtime of -fsanitize=${COHORT_SANITIZE}" "libclang-rt-19-dev (for clang++-19)")
  endif()
  target_compile_options(cohort_dev INTERFACE ${sanitize})
  target_link_options(cohort_dev INTERFACE ${sanitize})
endif()

# What many files have in common, the standard's headers, GoogleTest, ours, and above all what they
# instantiate, is compiled once for several tests and parsed once for all examples; alone, each takes
# more than twice as long. The preset dev compiles each file alone, so that a change costs only that
# one and nothing leans on what a neighbour includes.
option(COHORT_TOGETHER "Compile tests some files at a time, examples with a precompiled header; run many tests in a process" ON)

# cohort_share_precompiled(target): for small programs that include all of Cohort.
function(cohort_share_precompiled target)
  if(NOT COHORT_TOGETHER OR NOT COHORT_TESTS)
    return()
  endif()
  if(NOT TARGET cohort_precompiled)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
    add_library(cohort_precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(cohort_precompiled PRIVATE cohort_dev)
    target_precompile_headers(cohort_precompiled PRIVATE <cohort/cohort.hpp> <chrono> <iostream>
      <string> <vector>)
  endif()
  target_precompile_headers(${target} REUSE_FROM cohort_precompiled)
endfunction()
