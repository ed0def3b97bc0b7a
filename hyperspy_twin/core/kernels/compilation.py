"""Compiled kernels: one decorator, a cache of the user's own, and a word while they compile.

The machine code belongs to the user's cache folder and not to the package: installations may be
read-only, and uninstalling must leave nothing behind. Other packages' caches are not touched.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from numba import config, njit
from numba.core import caching

PACKAGE = Path(__file__).resolve().parents[2]
SETTINGS: Any = config  # from the environment variables of numba
LOGGER = logging.getLogger(__name__)
# Program of the kernels that take longest and are needed last: a second process runs it.
COMPILED_BESIDE = "hyperspy_twin.crystals.indexing.compile_kernels"
Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function at its first call, without the interpreter's lock, and cache the code.

    The code goes to ``NUMBA_CACHE_DIR`` where that is set, and otherwise to the user's cache
    folder, apart for each installation and each state of its source files. Where no folder can be
    written to it is compiled in each session. At the first compilation of a session a warning
    tells why it takes time, and a second process starts with the kernels that are needed last.
    """
    options: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}
    dispatcher: Any = njit(**options)(function)
    if not SETTINGS.DISABLE_JIT:
        # What `enable_caching` of the dispatcher does, with a cache that knows our folder.
        try:
            dispatcher._cache = _KernelCache(function)
        except (RuntimeError, OSError):
            dispatcher._cache = _NoCache()
    return dispatcher


def inlined(function: Function) -> Function:
    """Have the code of a function copied into each kernel that calls it.

    A call hides from the compiler that arrays are apart, which in inner loops costs up to 1.7 times
    the time.
    """
    dispatcher: Any = njit(inline="always", nogil=True)(function)
    return dispatcher


class _KernelLocator(caching._CacheLocator):
    """Where the machine code of a kernel is kept, and when it is out of date."""

    def __init__(self, function: Callable, source: str) -> None:
        self._line = function.__code__.co_firstlineno
        file = Path(source).resolve()
        folder = file.relative_to(PACKAGE).parent if file.is_relative_to(PACKAGE) else file.parent
        self._path = _cache_folder() / Path(*folder.parts[-2:])

    def get_cache_path(self) -> str:
        return str(self._path)

    def get_source_stamp(self) -> str:
        return _source_stamp()

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Callable, py_file: str) -> _KernelLocator | None:
        locator = cls(py_func, py_file)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator


class _KernelCacheContent(caching.CompileResultCacheImpl):
    _locator_classes = [_KernelLocator]


class _KernelCache(caching.FunctionCache):
    """Cache of one kernel, which a damaged or full disk does not stop from working."""

    _impl_class = _KernelCacheContent

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = None
        try:
            found = super().load_overload(sig, target_context)
        except OSError as error:
            LOGGER.debug("a compiled kernel cannot be read: %s", error)
        # Whatever reading a file raises that another process or a full disk cut short.
        except Exception:
            self._start_anew()
        if found is None:
            _announce(f"once after installation, for {_cache_folder()}")
            _compile_beside()
        return found

    def _start_anew(self) -> None:
        try:
            self.flush()
        except OSError as error:
            LOGGER.debug("a damaged cache of kernels cannot be replaced: %s", error)

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            LOGGER.debug("a compiled kernel cannot be kept: %s", error)


class _NoCache(caching.NullCache):
    def load_overload(self, sig: Any, target_context: Any) -> None:
        _announce("in each session, since no cache folder can be written to: set NUMBA_CACHE_DIR")


@cache
def _announce(when: str) -> None:
    LOGGER.warning("compiling kernels (%s): steps that run first take some seconds longer", when)


@cache
def _compile_beside() -> subprocess.Popen | None:
    """Start the second process, where there is a processor for it."""
    program = getattr(sys.modules["__main__"], "__spec__", None)
    itself = program is not None and program.name == COMPILED_BESIDE
    if itself or SETTINGS.NUMBA_NUM_THREADS == 1 or "python" not in Path(sys.executable).name:
        return None
    command, quiet = [sys.executable, "-m", COMPILED_BESIDE], subprocess.DEVNULL
    try:
        # Kept in the cache of this function, since who drops a running process is warned.
        return subprocess.Popen(
            command, cwd=PACKAGE.parent, stdin=quiet, stdout=quiet, stderr=quiet
        )
    except OSError as error:
        LOGGER.debug("no second process to compile kernels: %s", error)
        return None


@cache
def _cache_folder() -> Path:
    """Folder of this installation, in that of the user."""
    root = SETTINGS.CACHE_DIR or platformdirs.user_cache_path("hyperspy_twin", False) / "kernels"
    return Path(root) / f"hyperspy_twin-{hashlib.sha256(os.fsencode(PACKAGE)).hexdigest()[:16]}"


@cache
def _source_stamp() -> str:
    """Digest of all source files: kernels are compiled into those that call them.

    Of their contents, so that installing the same again does not compile anew. The version, which
    each installation writes, is no source of a kernel.
    """
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "_version.py":
            digest.update(os.fsencode(path.relative_to(PACKAGE)) + path.read_bytes())
    return digest.hexdigest()
