# cmake --install, find_package(cohort) and pkg-config. The files are the same on every platform.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(COHORT_CONFIG_DIR ${CMAKE_INSTALL_DATADIR}/cmake/cohort)
set_target_properties(cohort PROPERTIES EXPORT_NAME cohort)

install(DIRECTORY include/cohort DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS cohort EXPORT cohort)
install(EXPORT cohort NAMESPACE cohort:: FILE cohort-targets.cmake DESTINATION ${COHORT_CONFIG_DIR})

file(WRITE ${PROJECT_BINARY_DIR}/cohort-config.cmake [[
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/cohort-targets.cmake)
]])
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cohort-config-version.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/cohort-config.cmake ${PROJECT_BINARY_DIR}/cohort-config-version.cmake
        DESTINATION ${COHORT_CONFIG_DIR})

# The prefix is relative to the file, so that an installed tree can be moved.
file(WRITE ${PROJECT_BINARY_DIR}/cohort.pc
"prefix=\${pcfiledir}/../..
Name: cohort
Description: ${PROJECT_DESCRIPTION}
Version: ${PROJECT_VERSION}
Cflags: -I\${prefix}/${CMAKE_INSTALL_INCLUDEDIR} -pthread
Libs: -pthread
")
install(FILES ${PROJECT_BINARY_DIR}/cohort.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
