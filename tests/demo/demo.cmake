# The demo over real directories: each case of pipeline.sh is one test.
if(WIN32 OR NOT TARGET example_900_pipeline)
  return()
endif()

set(script ${CMAKE_CURRENT_LIST_DIR}/pipeline.sh)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${script})
execute_process(COMMAND sh ${script} --cases OUTPUT_VARIABLE cases COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(cases UNIX_COMMAND "${cases}")
if(COHORT_LIBCXX_ROOT)
  list(REMOVE_ITEM cases read_error processes_read_error) # its filebuf takes a failing read for the end of the file
endif()
if(COHORT_SANITIZE MATCHES thread)
  # It does not see that another process freed the shared memory that this one uses again.
  list(FILTER cases EXCLUDE REGEX "^(processes_|killed_|no_retries)")
endif()
foreach(case IN LISTS cases)
  add_test(NAME demo.${case} COMMAND sh ${script} $<TARGET_FILE:example_900_pipeline> ${case})
  set_tests_properties(demo.${case} PROPERTIES LABELS demo TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()
