# One executable for each folder of tests/: few enough to link quickly, and a change of one test
# compiles one file. In the preset dev every TEST is one test for ctest, named folder.Suite.Name;
# otherwise an executable is one or a few, because a process for each of 5000 takes minutes.
cohort_require_gtest()
include(GoogleTest)

# cohort_tests(NAME name SOURCES ... LABELS ... OPTIONS ... LINK_OPTIONS ...)
function(cohort_tests)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;LABELS;OPTIONS;LINK_OPTIONS" ${ARGN})
  set(target cohort_test_${ARG_NAME})
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set(main GTest::gtest_main)
  if("${ARG_SOURCES}" MATCHES "/main\\.cpp") # a folder may have a main of its own
    set(main GTest::gtest)
  endif()
  target_link_libraries(${target} PRIVATE cohort_dev ${main})
  target_compile_definitions(${target} PRIVATE COHORT_COUNT_FRAMES=1) # every test ends with none
  target_compile_options(${target} PRIVATE ${ARG_OPTIONS})
  target_link_options(${target} PRIVATE ${ARG_LINK_OPTIONS})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests
    UNITY_BUILD ${COHORT_TOGETHER} UNITY_BUILD_BATCH_SIZE 6)
  if(COHORT_TOGETHER AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # To g++ each test is then something included, whose lambdas other files might see as well.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  if(NOT COHORT_TOGETHER)
    gtest_discover_tests(${target} TEST_PREFIX ${ARG_NAME}. DISCOVERY_MODE PRE_TEST
      DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}")
  else()
    set(shards 1)
    if(ARG_NAME MATCHES "^(contract|exec|ipc|model|steps)$")
      set(shards 4)
    endif()
    foreach(shard RANGE 1 ${shards})
      set(name ${ARG_NAME})
      if(shards GREATER 1)
        string(APPEND name ".${shard}")
      endif()
      math(EXPR index "${shard} - 1")
      add_test(NAME ${name} COMMAND ${target})
      set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS "${ARG_LABELS}"
        ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index}")
    endforeach()
  endif()
endfunction()

file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/tests
     ${PROJECT_SOURCE_DIR}/tests/*.cpp)
set(groups "")
set_source_files_properties(${PROJECT_SOURCE_DIR}/tests/ipc/main.cpp PROPERTIES
  SKIP_UNITY_BUILD_INCLUSION ON)
foreach(source IN LISTS sources)
  string(REGEX REPLACE "/.*" "" group "${source}")
  if(group MATCHES "\\.cpp$")
    set(group general) # a file directly in tests/
  endif()
  list(APPEND groups ${group})
  list(APPEND sources_${group} ${PROJECT_SOURCE_DIR}/tests/${source})
endforeach()
list(REMOVE_DUPLICATES groups)
list(REMOVE_ITEM groups compile_fail fuzz package support ${COHORT_WITHOUT})

# Stack depth depends on what the optimiser does with calls in tail position, and on what a
# sanitizer adds to each frame. So the ordinary run has these tests in three builds.
if(COHORT_CHECKS AND NOT COHORT_SANITIZE AND "depth" IN_LIST groups)
  list(REMOVE_ITEM groups depth)
  cohort_tests(NAME depth_O0 SOURCES ${sources_depth} LABELS depth OPTIONS -O0)
  cohort_tests(NAME depth_O2 SOURCES ${sources_depth} LABELS depth OPTIONS -O2)
  set(CMAKE_REQUIRED_FLAGS -fsanitize=address)
  check_cxx_source_runs("int main() {}" COHORT_HAS_ASAN)
  unset(CMAKE_REQUIRED_FLAGS)
  if(COHORT_HAS_ASAN)
    cohort_tests(NAME depth_asan SOURCES ${sources_depth} LABELS depth
                 OPTIONS -fsanitize=address LINK_OPTIONS -fsanitize=address)
  endif()
endif()

# What a linker may drop must not be what another process looks for.
include(CheckLinkerFlag)
check_linker_flag(CXX LINKER:--gc-sections COHORT_HAS_GC_SECTIONS)

foreach(group IN LISTS groups)
  set(options "")
  set(link_options "")
  if(group STREQUAL wire AND COHORT_CHECKS AND COHORT_HAS_GC_SECTIONS)
    set(options -ffunction-sections -fdata-sections)
    set(link_options LINKER:--gc-sections)
  endif()
  if(group MATCHES "^(model|steps)$")
    set(options -O2) # they count in millions of steps: no point in waiting for -O0
  endif()
  cohort_tests(NAME ${group} SOURCES ${sources_${group}} LABELS ${group} OPTIONS ${options}
               LINK_OPTIONS ${link_options})
endforeach()
if(TARGET cohort_test_model) # each of these has short names of its own
  set_target_properties(cohort_test_model PROPERTIES UNITY_BUILD OFF)
endif()

# What takes hours: `ctest -C torture -L torture`, before a release. The same programs.
function(cohort_torture NAME GROUP FILTER) # and its environment
  if(TARGET cohort_test_${GROUP})
    add_test(NAME torture.${NAME} COMMAND cohort_test_${GROUP} --gtest_filter=${FILTER}
             CONFIGURATIONS torture)
    set_tests_properties(torture.${NAME} PROPERTIES LABELS torture TIMEOUT 36000
                         ENVIRONMENT "${ARGN}")
  endif()
endfunction()
cohort_torture(steps steps EachInstruction* COHORT_KILL_EVERY=1)
cohort_torture(kills ipc Killed.* COHORT_KILLS=1000)

# A folder whose tests are not GoogleTest's says itself what they are.
file(GLOB lists CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/CMakeLists.txt)
foreach(list IN LISTS lists)
  cmake_path(GET list PARENT_PATH directory)
  cmake_path(GET directory FILENAME name)
  if(NOT name IN_LIST COHORT_WITHOUT)
    add_subdirectory(${directory} ${PROJECT_BINARY_DIR}/tests/${name})
  endif()
endforeach()
