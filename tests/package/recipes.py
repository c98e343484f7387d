#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""recipes.py CMAKE: the recipes of packaging/ are well-formed, say the version that the headers have,
fetch nothing, and take the headers along. None of the package managers is needed. And the headers are
in the namespace of their version.
"""
import configparser
import json
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
VERSION = subprocess.run([sys.executable, ROOT / "scripts/version"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.strip()

# What portfile.cmake calls, in place of vcpkg's own.
VCPKG = """
foreach(verb vcpkg_cmake_configure vcpkg_cmake_install vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig
             vcpkg_install_copyright)
  cmake_language(EVAL CODE "function(${verb})\\nmessage(STATUS \\"${verb} \\${ARGN}\\")\\nendfunction()")
endforeach()
include(%s)
if(NOT EXISTS ${SOURCE_PATH}/include/cohort/cohort.hpp)
  message(FATAL_ERROR "SOURCE_PATH is ${SOURCE_PATH}")
endif()
"""


def vcpkg(cmake, directory):
    manifest = json.loads((PACKAGING / "vcpkg/cohort/vcpkg.json").read_text("utf-8"))
    assert (manifest["name"], manifest["version"]) == ("cohort", VERSION), manifest
    script = directory / "port.cmake"
    script.write_text(VCPKG % (PACKAGING / "vcpkg/cohort/portfile.cmake").as_posix(), "utf-8")
    packages = directory / "packages"
    subprocess.run([cmake, f"-DCURRENT_PACKAGES_DIR={packages}", "-P", script], check=True)


def meson():
    wrap = configparser.ConfigParser()
    wrap.read(PACKAGING / "meson/cohort.wrap")
    assert wrap["wrap-file"]["directory"] == f"cohort-{VERSION}", "the wrap file's version"
    assert wrap["wrap-file"]["source_filename"] == f"cohort-{VERSION}.tar.gz", "the wrap file's version"
    assert wrap["provide"]["cohort"] == "cohort_dep"


def copy(_, pattern, source, target):
    """conan.tools.files.copy, as far as the recipe needs it."""
    for path in Path(source).rglob("*"):
        relative = path.relative_to(source)
        if path.is_file() and (path.match(pattern) or relative.as_posix().startswith(pattern[:-1])):
            (Path(target) / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, Path(target) / relative)


def conan(directory):
    stand_in = {
        "conan": {"ConanFile": object},
        "conan.tools": {},
        "conan.tools.build": {"check_min_cppstd": lambda *_: None},
        "conan.tools.files": {"copy": copy, "load": lambda _, path: Path(path).read_text("utf-8")},
    }
    for name, members in stand_in.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(members)
    recipe = runpy.run_path(str(PACKAGING / "conan/conanfile.py"))["CohortConan"]()
    recipe.recipe_folder = str(PACKAGING / "conan")
    recipe.export_sources_folder = recipe.source_folder = str(directory / "export")
    recipe.package_folder = str(directory / "package")
    recipe.info = types.SimpleNamespace(clear=lambda: None)
    recipe.settings = types.SimpleNamespace(os="Linux")
    recipe.cpp_info = types.SimpleNamespace()
    recipe.set_version()
    assert recipe.version == VERSION, recipe.version
    for step in (recipe.export_sources, recipe.validate, recipe.package, recipe.package_id,
                 recipe.package_info):
        step()
    ours = {path.relative_to(ROOT / "include") for path in (ROOT / "include").rglob("*.hpp")}
    there = directory / "package/include"
    assert ours == {path.relative_to(there) for path in there.rglob("*.hpp")}, "headers are missing"
    assert (directory / "package/licenses/LICENSE").exists()


def namespaces():
    """Everything is in the namespace of its major version, so that two versions do not mix."""
    for path in (ROOT / "include").rglob("*.hpp"):
        for major in re.findall(r"\binline v(\d+)", path.read_text("utf-8")):
            assert major == VERSION.split(".")[0], f"{path} is in v{major}"


def main(cmake):
    namespaces()
    for path in PACKAGING.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert not re.search(r"\w+://", path.read_text("utf-8")), f"{path} names a place to fetch from"
    with tempfile.TemporaryDirectory() as directory:
        vcpkg(cmake, Path(directory))
        meson()
        conan(Path(directory))
    print(f"the recipes for {VERSION} are in order")


if __name__ == "__main__":
    main(*sys.argv[1:])
