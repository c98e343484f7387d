# Nobody named a generator, CMake chose make, and only Ninja is installed. A preset cannot say
# "whichever is there", so configure the real tree with Ninja in <build>/ninja, and let
# "cmake --build" and ctest reach it from <build>.
set(settings "")
get_cmake_property(names CACHE_VARIABLES)
foreach(name IN LISTS names)
  get_property(type CACHE ${name} PROPERTY TYPE)
  if(NOT type MATCHES "INTERNAL|STATIC" AND NOT name MATCHES "^(COHORT_NINJA|CMAKE_MAKE_PROGRAM)$")
    list(APPEND settings "-D${name}:${type}=${${name}}")
  endif()
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${CMAKE_SOURCE_DIR} -B ${CMAKE_BINARY_DIR}/ninja
                        -DCMAKE_MAKE_PROGRAM=${COHORT_NINJA} ${settings}
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "Cohort: the configuration with Ninja failed, see above")
endif()

# Stands where make is expected: make -f Makefile -j4 target.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/as-make @ONLY CONTENT [[#!/bin/sh
for argument; do
  shift
  case $argument in
    -f | Makefile) ;;
    VERBOSE=1) set -- "$@" -v ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "@COHORT_NINJA@" -C "@CMAKE_BINARY_DIR@/ninja" "$@"
]])
file(CHMOD ${CMAKE_BINARY_DIR}/as-make PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
set(CMAKE_MAKE_PROGRAM ${CMAKE_BINARY_DIR}/as-make CACHE FILEPATH "Ninja, called as make" FORCE)
project(cohort LANGUAGES NONE) # "cmake --build" asks the cache for a project's name
file(WRITE ${CMAKE_BINARY_DIR}/CTestTestfile.cmake "subdirs(ninja)\n")
set(COHORT_HANDED_OVER ON)
