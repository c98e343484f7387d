# examples/NNN_name.cpp: one program each, run as a test. If the source ends with a comment
# "// Output:", the lines below it are what it must print.
set(COHORT_EXAMPLE_ARGS_900_pipeline --check ${PROJECT_SOURCE_DIR}/include)

file(GLOB examples CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.cpp)
foreach(source IN LISTS examples)
  cmake_path(GET source STEM name)
  add_executable(example_${name} ${source})
  set_target_properties(example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  target_link_libraries(example_${name} PRIVATE cohort_dev)
  cohort_share_precompiled(example_${name})
  add_test(NAME example.${name}
           COMMAND ${CMAKE_COMMAND} -DSOURCE=${source} -DPROGRAM=$<TARGET_FILE:example_${name}>
                   "-DARGS=${COHORT_EXAMPLE_ARGS_${name}}"
                   -P ${PROJECT_SOURCE_DIR}/cmake/run-example.cmake)
  set_tests_properties(example.${name} PROPERTIES LABELS example TIMEOUT 300)
endforeach()

if(TARGET example_900_pipeline)
  add_custom_target(demo COMMAND example_900_pipeline USES_TERMINAL COMMENT "The demo")
endif()
