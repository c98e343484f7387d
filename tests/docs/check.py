#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""check.py ROOT: what README.md, docs/ and the other pages show is what is compiled and run.

Every ```cpp block occurs in a program of docs/guide/snippets, line for line but for indentation and
empty lines; every ```text block is in the output that one of them promises; every relative link
leads to something; and every test that docs/crash-contracts.md names exists.
"""
import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
TEST = re.compile(r"^TEST(?:_P|_F)?\((\w+), (\w+)\)", re.M)
NAMED = re.compile(r"`([A-Za-z]\w*)\.([A-Za-z]\w+)`")


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def occurs(block, text):
    return any(text[i:i + len(block)] == block for i in range(len(text) - len(block) + 1))


def tests(root):
    names = {match.groups() for path in root.glob("tests/**/*_test.cpp")
             for match in TEST.finditer(path.read_text("utf-8"))}
    demo = (root / "tests/demo/pipeline.sh").read_text("utf-8")
    return names | {("demo", name) for name in re.findall(r"^(\w+)\(\) \{", demo, re.M)}


def main(root):
    snippets = [path.read_text("utf-8") for path in sorted(root.glob("docs/guide/snippets/*.cpp"))]
    code = [lines_of(text) for text in snippets]
    output = [lines_of(re.sub(r"^// ?", "", text.partition("// Output:\n")[2], flags=re.M))
              for text in snippets]
    known = {"cpp": code, "text": output}
    errors = []
    checked = 0
    pages = [path for pattern in ("*.md", "packaging/*.md", "docs/**/*.md") for path in root.glob(pattern)]
    for page in sorted(pages):
        text = page.read_text("utf-8")
        name = page.relative_to(root)
        for match in BLOCK.finditer(text):
            if match[1] not in known:
                continue
            checked += 1
            block = lines_of(match[2])
            if not block or not any(occurs(block, program) for program in known[match[1]]):
                line = text.count("\n", 0, match.start()) + 1
                errors.append(f"{name}:{line}: no program of docs/guide/snippets has this block")
        for link in LINK.findall(BLOCK.sub("", text)):
            if ":" not in link and not (page.parent / link).exists():
                errors.append(f"{name}: the link {link} leads nowhere")
    known_tests = tests(root)
    for named in NAMED.findall((root / "docs/crash-contracts.md").read_text("utf-8")):
        if named not in known_tests:
            errors.append(f"docs/crash-contracts.md: there is no test {'.'.join(named)}")
    if checked == 0:
        errors.append("not one block was found to check")
    print("\n".join(errors) or f"{checked} blocks are as in the snippets")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
