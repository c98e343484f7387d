# SPDX-License-Identifier: BSL-1.0
"""For Conan 2: `conan create packaging/conan` in a checkout of Cohort.

It exports the tree that it lies in and fetches nothing. A recipe for an index of packages has in place
of export_sources() a source() that gets a release.
"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load

ROOT = os.path.join("..", "..")


class CohortConan(ConanFile):
    name = "cohort"
    description = "Tasks, threads and processes behind one interface, for C++20"
    license = "BSL-1.0"
    topics = ("coroutines", "threads", "concurrency", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, ROOT, "include", "cohort", "version.hpp"))
        self.version = ".".join(
            re.findall(r"^#define COHORT_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)", header, re.M))

    def export_sources(self):
        root = os.path.join(self.recipe_folder, ROOT)
        for pattern in ("include/*", "LICENSE"):
            copy(self, pattern, root, self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"),
             os.path.join(self.package_folder, "include"))
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
