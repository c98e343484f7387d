# The version is written once, in the header.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../include/cohort/version.hpp COHORT_VERSION_LINES
     REGEX "^#define COHORT_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
set(COHORT_VERSION "")
foreach(line IN LISTS COHORT_VERSION_LINES)
  string(REGEX REPLACE "^#define [A-Z_]+ +([0-9]+).*" "\\1" number "${line}")
  list(APPEND COHORT_VERSION ${number})
endforeach()
list(JOIN COHORT_VERSION "." COHORT_VERSION)
if(NOT COHORT_VERSION MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+$")
  message(FATAL_ERROR "include/cohort/version.hpp does not define MAJOR, MINOR and PATCH, in this order")
endif()
