"""The documentation names files and methods that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hyperspy_twin as ht

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURE = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf8")
GUIDE = sorted((ROOT / "docs" / "user_guide").glob("*.rst"))


def test_where_to_change_what_exists():
    section = ARCHITECTURE.split("Where do I change", 1)[1].split("\nConventions\n", 1)[0]
    paths = [path for path in re.findall(r"``([\w/.]+)``", section) if path != "hyperspy_twin/"]
    assert len(paths) >= 10
    missing = [path for path in paths if not (ROOT / "hyperspy_twin" / path).exists()]
    assert not missing


def test_map_shows_the_rooms_that_stand():
    shown = ARCHITECTURE.split("Map of rooms", 1)[1].split("The flow of one image", 1)[0]
    drawn = set(re.findall(r"^ +(\w+)/ ", shown, re.MULTILINE))
    package = ROOT / "hyperspy_twin"
    faces = {path.parent for path in package.glob("**/__init__.py")} - {package}
    assert {path.name for path in faces if not path.name.startswith("_")} == drawn


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
def test_methods_of_the_guide_exist(page):
    text = page.read_text(encoding="utf8")
    for name, method in re.findall(r":(?:meth|attr):`~?hyperspy_twin\.(\w+)\.(\w+)`", text):
        assert hasattr(getattr(ht, name), method), f"{name}.{method}"


def test_installation_page_lists_the_extras():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    page = (ROOT / "docs" / "installation.rst").read_text(encoding="utf8")
    listed = re.findall(r"^``\[(\w+)\]`` ", page, re.MULTILINE)
    assert sorted(listed) == sorted(project["optional-dependencies"])


def test_pages_name_examples_that_exist():
    examples = {path.stem for path in (ROOT / "docs" / "examples").glob("*.py")}
    named = re.findall(
        r"gallery/(\d\w+)`", "".join(page.read_text(encoding="utf8") for page in GUIDE)
    )
    assert examples == set(named)
