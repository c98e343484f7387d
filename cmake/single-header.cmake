# With COHORT_SINGLE_HEADER everything here is built against the one-file header: in place of include/
# stands a directory whose headers all lead to that one file. Made anew when a header has changed.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(COHORT_INCLUDE_DIR ${PROJECT_BINARY_DIR}/single/include)
execute_process(
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/amalgamate --tree ${COHORT_INCLUDE_DIR}
  COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.hpp)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${inputs} ${PROJECT_SOURCE_DIR}/scripts/amalgamate)
