"""Real files that are absent: what the end of a run says, and the list of where they can be had."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NAMED = "tests/test_skipped_files.py::test_every_file_that_is_here_is_listed[data]"
LIST = (TESTS / "real_files.md").read_text(encoding="utf8")


def last_lines(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", NAMED],
        cwd=TESTS.parent,
        env=os.environ | {"HYPERSPY_TWIN_FILES": str(folder), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.slow
def test_variable_names_the_folder_and_the_end_says_what_is_missing(tmp_path):
    said = last_lines(tmp_path)
    (line,) = [line for line in said.splitlines() if "for want of real files" in line]
    assert line.startswith("1 test skipped")
    assert str(tmp_path) in line and "tests/real_files.md" in line
    (tmp_path / "data").mkdir()
    said = last_lines(tmp_path)
    assert "1 passed" in said and "for want of real files" not in said


def test_every_file_that_a_test_asks_for_is_listed():
    asked = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"shared_file\(f?\"(?:\w+/)([^\"{}]+)\"\)", path.read_text("utf8"))
    }
    assert len(asked) > 10
    missing = [name for name in sorted(asked) if f"`{name}`" not in LIST]
    assert not missing


@pytest.mark.parametrize("folder", ["data", "cif", "weights"])
def test_every_file_that_is_here_is_listed(shared_file, folder):
    present = {path.name for path in shared_file(folder).iterdir()} - {"README.md"}
    missing = [name for name in sorted(present) if f"`{name}`" not in LIST]
    assert not missing
