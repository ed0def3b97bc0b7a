"""Compiled kernels are cached in the user's folder, and the wait for them is announced."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import hyperspy_twin
from hyperspy_twin.core.kernels import compilation as kernels

PACKAGE = Path(hyperspy_twin.__file__).parent
# A kernel of the package that compiles in a moment.
TINY = """
from hyperspy_twin.core.kernels import kernel

@kernel
def shifted(first, shift):
    return first + shift * 1j
"""
CODE = """
from hyperspy_twin.core.tiny import shifted as kernel
assert kernel(5.0, -2) == 5 - 2j
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
print(kernel.stats.cache_path)
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """Copy of the package, with a tiny kernel, that cannot be written to."""
    folder = tmp_path_factory.mktemp("site")
    ignored = shutil.ignore_patterns("__pycache__", "weights", "*.cif")
    shutil.copytree(PACKAGE, folder / "hyperspy_twin", ignore=ignored)
    (folder / "hyperspy_twin" / "core" / "tiny.py").write_text(TINY)
    (folder / "hyperspy_twin" / "_version.py").write_text("__version__ = '1'\n")
    folders = [path for path in folder.rglob("*") if path.is_dir()]
    for path in folders:
        path.chmod(0o555)
    yield folder
    for path in folders:
        path.chmod(0o755)


def environment(installation, **changes):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return {
        **kept,
        "PYTHONPATH": str(installation),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
        "NUMBA_NUM_THREADS": "1",  # no second process that compiles
        **{name: str(value) for name, value in changes.items()},
    }


def run(installation, **changes):
    """Cache hits, misses and the cache's folder of one kernel in a new process; its messages."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=environment(installation, **changes),
        cwd=installation,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    counts, path = done.stdout.split("\n")[:2]
    return tuple(map(int, counts.split())), path, done.stderr


@pytest.fixture(scope="module")
def first(installation, tmp_path_factory):
    """Cache of the first process and what came from it: its folder is to be copied, not changed."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, *run(installation, NUMBA_CACHE_DIR=folder)


@pytest.fixture
def cache(first, tmp_path):
    return shutil.copytree(first[0], tmp_path / "cache")


def test_second_process_compiles_nothing_and_says_nothing(installation, first):
    folder, counts, path, said = first
    assert counts == (0, 1)
    assert said.count("compiling kernels") == 1
    assert Path(path).is_relative_to(folder)
    assert run(installation, NUMBA_CACHE_DIR=folder) == ((1, 0), path, "")
    assert not [one for one in installation.rglob("*") if one.suffix in (".nbi", ".nbc", ".pyc")]


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is set by an XDG variable")
def test_cache_is_the_users_own(installation, tmp_path):
    counts, path, _ = run(installation, XDG_CACHE_HOME=tmp_path)
    assert counts == (0, 1)
    assert Path(path).is_relative_to(tmp_path / "hyperspy_twin")


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is set by an XDG variable")
def test_without_any_folder_kernels_work(installation, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    counts, _, said = run(installation, XDG_CACHE_HOME=blocked)
    assert counts == (0, 1)
    assert "NUMBA_CACHE_DIR" in said


def test_changed_source_of_another_file_is_compiled_anew(installation, cache):
    source = installation / "hyperspy_twin" / "core" / "table.py"
    before = source.read_bytes()
    source.write_bytes(before + b"# changed\n")
    changed = run(installation, NUMBA_CACHE_DIR=cache)[0]
    source.write_bytes(before)
    assert changed == (0, 1)


def test_same_source_installed_again_is_not_compiled_anew(installation, cache):
    for name in ("core/table.py", "_version.py"):
        (installation / "hyperspy_twin" / name).touch()
    version = installation / "hyperspy_twin" / "_version.py"
    before = version.read_bytes()
    version.write_bytes(before + b"# another\n")
    again = run(installation, NUMBA_CACHE_DIR=cache)[0]
    version.write_bytes(before)
    assert again == (1, 0)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x05X"])
def test_damaged_cache_is_written_anew(installation, cache, content):
    kept = [path for path in cache.rglob("*") if path.suffix in (".nbi", ".nbc")]
    assert kept
    for path in kept:
        path.write_bytes(content)
    assert run(installation, NUMBA_CACHE_DIR=cache)[0] == (0, 1)


def test_two_processes_at_once(installation, tmp_path):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CODE],
            env=environment(installation, NUMBA_CACHE_DIR=tmp_path),
            cwd=installation,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    assert [(one.communicate(), one.returncode)[1] for one in started] == [0, 0]
    assert run(installation, NUMBA_CACHE_DIR=tmp_path)[0] == (1, 0)


def test_second_process_compiles_what_is_needed_last(monkeypatch):
    started = []

    def start(command, **options):
        started.append((command, options["cwd"]))

    monkeypatch.setattr(subprocess, "Popen", start)
    start_beside = kernels._compile_beside.__wrapped__
    monkeypatch.setattr(kernels.SETTINGS, "NUMBA_NUM_THREADS", 1)
    start_beside()
    assert not started
    monkeypatch.setattr(kernels.SETTINGS, "NUMBA_NUM_THREADS", 2)
    start_beside()
    assert started == [([sys.executable, "-m", kernels.COMPILED_BESIDE], PACKAGE.parent)]
    # That process starts no third one.
    program = SimpleNamespace(__spec__=SimpleNamespace(name=kernels.COMPILED_BESIDE))
    monkeypatch.setitem(sys.modules, "__main__", program)
    start_beside()
    assert len(started) == 1


def test_caches_of_other_packages_stay_where_they_are():
    from numba.core import caching

    from hyperspy_twin.core import kernel

    @kernel
    def own(x):
        return x + 1

    assert own(np.float64(1.0)) == 2.0
    assert all(
        not one.__module__.startswith("hyperspy_twin")
        for one in caching.CompileResultCacheImpl._locator_classes
    )
