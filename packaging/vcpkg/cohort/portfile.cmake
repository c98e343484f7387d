# An overlay port: `vcpkg install cohort --overlay-ports=packaging/vcpkg` in a checkout of Cohort. It
# takes the tree that it lies in and fetches nothing. A port for a registry has in place of this line
# the call that gets a release from where the registry wants it.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
                      OPTIONS -DCOHORT_TESTS=OFF -DCOHORT_EXAMPLES=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/cohort)
vcpkg_fixup_pkgconfig()

# Headers only: there is nothing to debug.
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug" "${CURRENT_PACKAGES_DIR}/share/doc")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
