# Tests of the headers as text and as something others include.
find_package(Python3 QUIET COMPONENTS Interpreter)

# ---- each header alone, twice; all of them linked; without RTTI -------------------------------

file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
     ${PROJECT_SOURCE_DIR}/include/cohort/*.hpp)
# A header of another platform cannot compile here; ext/ brings its own dependencies.
list(FILTER headers EXCLUDE REGEX "^cohort/ext/")
foreach(platform Linux:linux Windows:windows)
  string(REPLACE ":" ";" platform ${platform})
  list(GET platform 0 system)
  list(GET platform 1 folder)
  if(NOT CMAKE_SYSTEM_NAME STREQUAL system)
    list(FILTER headers EXCLUDE REGEX "^cohort/os/${folder}/")
  endif()
endforeach()
if(WIN32)
  list(FILTER headers EXCLUDE REGEX "^cohort/os/posix/")
endif()

set(directory ${PROJECT_BINARY_DIR}/tests/headers)
set(public "")
set(detail "")
foreach(header IN LISTS headers)
  string(REGEX REPLACE "[/.]" "_" unit ${header})
  file(CONFIGURE OUTPUT ${directory}/${unit}.cpp @ONLY
       CONTENT "#include <@header@>\n#include <@header@>  // twice is once\n")
  if(header MATCHES "/detail/")
    list(APPEND detail ${directory}/${unit}.cpp)
  else()
    list(APPEND public ${directory}/${unit}.cpp)
  endif()
endforeach()
file(CONFIGURE OUTPUT ${directory}/first.cpp CONTENT "#include <cohort/cohort.hpp>\n")
file(CONFIGURE OUTPUT ${directory}/main.cpp CONTENT "#include <cohort/cohort.hpp>\n\nint main() {}\n")

# One program of all those units: a header that defines something twice does not link. Nobody
# includes a detail header alone, so those may take the standard's from a precompiled header, which
# saves two thirds of their time; what ours are missing is seen all the same.
add_library(cohort_test_detail_headers OBJECT ${detail})
target_link_libraries(cohort_test_detail_headers PRIVATE cohort_dev)
target_precompile_headers(cohort_test_detail_headers PRIVATE <atomic> <chrono> <coroutine> <cstdint>
  <deque> <exception> <functional> <iostream> <map> <memory> <mutex> <optional> <set> <span> <stdexcept>
  <string> <system_error> <thread> <tuple> <unordered_map> <unordered_set> <utility> <variant> <vector>)
add_executable(cohort_test_headers ${public} ${directory}/first.cpp ${directory}/main.cpp
               $<TARGET_OBJECTS:cohort_test_detail_headers>)
target_link_libraries(cohort_test_headers PRIVATE cohort_dev)
file(CONFIGURE OUTPUT ${directory}/no_rtti.cpp
     CONTENT "#include <cohort/cohort.hpp>\n#include <cohort/wire/remote_call.hpp>\n")
add_executable(cohort_test_no_rtti ${directory}/no_rtti.cpp ${directory}/main.cpp)
target_link_libraries(cohort_test_no_rtti PRIVATE cohort_dev)
target_compile_options(cohort_test_no_rtti PRIVATE -fno-rtti)
foreach(check headers no_rtti)
  set_target_properties(cohort_test_${check} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME check.${check} COMMAND cohort_test_${check})
endforeach()

if(Python3_FOUND)
  add_test(NAME check.includes
           COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/scripts/check-includes)
else()
  message(STATUS "Cohort: no Python 3, so include layers are not checked (apt-get install python3)")
endif()

# ---- what must not compile --------------------------------------------------------------------
# tests/compile_fail/*.cpp compiles as it is; with MUST_NOT_COMPILE defined the compiler refuses
# it with a text that matches the line "// expect: <regex>".

file(GLOB fails CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/compile_fail/*.cpp)
set(compile ${CMAKE_CXX_COMPILER} -std=c++20 -pthread -fsyntax-only -Werror=unused-result
    -I${COHORT_INCLUDE_DIR})
set(includes "")
set(controls "") # all at once, each in a namespace: what they include stands before the first
foreach(source IN LISTS fails)
  cmake_path(GET source STEM name)
  file(STRINGS ${source} include REGEX "^#include <")
  list(APPEND includes ${include})
  string(APPEND controls "namespace ${name} {\n#include \"${source}\"\n}\n")
  file(STRINGS ${source} expect REGEX "^// expect: ")
  string(REPLACE "// expect: " "" expect "${expect}")
  if(NOT expect)
    message(FATAL_ERROR "${source} does not say what to // expect:")
  endif()
  add_test(NAME compile_fail.${name} COMMAND ${compile} -DMUST_NOT_COMPILE ${source})
  set_tests_properties(compile_fail.${name} PROPERTIES PASS_REGULAR_EXPRESSION "${expect}")
  set_tests_properties(compile_fail.${name} PROPERTIES LABELS compile_fail TIMEOUT 300)
endforeach()
list(REMOVE_DUPLICATES includes)
list(JOIN includes "\n" includes)
set(source ${PROJECT_BINARY_DIR}/tests/compile_fail.cpp)
file(CONFIGURE OUTPUT ${source} CONTENT "@includes@\n@controls@" @ONLY)
add_test(NAME compile_fail.control COMMAND ${compile} ${source})
set_tests_properties(compile_fail.control PROPERTIES LABELS compile_fail TIMEOUT 300)

# ---- packaging --------------------------------------------------------------------------------

# The ways in. One for which something is missing says so and is skipped.
foreach(way copy single_header subdirectory fetch_content find_package pkg_config meson meson_wrap)
  add_test(NAME package.${way}
           COMMAND ${PROJECT_SOURCE_DIR}/tests/package/run ${way} ${PROJECT_BINARY_DIR}/tests/package/${way})
  set_tests_properties(package.${way} PROPERTIES LABELS package TIMEOUT 300 SKIP_RETURN_CODE 77
    ENVIRONMENT "CXX=${CMAKE_CXX_COMPILER};CMAKE=${CMAKE_COMMAND};VERSION=${PROJECT_VERSION}")
endforeach()
if(Python3_FOUND)
  add_test(NAME package.recipes
           COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/package/recipes.py ${CMAKE_COMMAND})
  set_tests_properties(package.recipes PROPERTIES LABELS package)
endif()
