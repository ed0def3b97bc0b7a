"""The package as it is built, installed and imported, and the rules its source keeps."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "hyperspy_twin"
SOURCES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ["torch", "abtem", "pyxem", "exspy", "skimage", "numba", "orix", "ase", "diffsims"]


def run(*arguments: str, cwd: Path, **environment: str) -> str:
    """Output of a Python run that must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def imports(source: Path) -> set[str]:
    """Names of all modules that a file imports, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


# ---- built and installed ----


VERSION = {"SETUPTOOLS_SCM_PRETEND_VERSION": "1.2.3"}


@pytest.fixture
def checkout(tmp_path_factory) -> Path:
    """Clean copy of the checkout."""
    return copy_of_checkout(tmp_path_factory.mktemp("checkout"))


def copy_of_checkout(copy: Path) -> Path:
    setuptools = importlib.metadata.version("setuptools")
    if int(setuptools.split(".")[0]) < 77 or not importlib.util.find_spec("setuptools_scm"):
        pytest.skip(f"building needs setuptools >= 77 (here {setuptools}) and setuptools_scm")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("the clean copy is taken from a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name, follow_symlinks=False)
    return copy


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Folder with the package installed from the wheel of its source distribution."""
    copy = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    run("-m", "build", "--no-isolation", "--outdir", "dist", ".", cwd=copy, **VERSION)
    (wheel,) = (copy / "dist").glob("*.whl")
    target = tmp_path_factory.mktemp("installed")
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    run(*pip, str(wheel), cwd=copy)
    return target


@pytest.mark.slow
def test_wheel_registers_every_class(installed, tmp_path):
    script = """
import importlib.metadata, sys
import hyperspy.api as hs
import hyperspy_twin
from hyperspy.extensions import ALL_EXTENSIONS
print(hyperspy_twin.__file__)
print(hyperspy_twin.__version__, importlib.metadata.version("hyperspy_twin"))
classes = [name for name, entry in ALL_EXTENSIONS["signals"].items()
           if entry["module"].startswith("hyperspy_twin.")]
for name in classes:
    module = __import__(ALL_EXTENSIONS["signals"][name]["module"], fromlist=[name])
    assert sys.modules[module.__name__].__file__.startswith(sys.argv[1]), module
    getattr(module, name)
print(*sorted(classes))
"""
    lines = run("-c", script, str(installed), cwd=tmp_path, PYTHONPATH=str(installed)).split("\n")
    assert lines[0].startswith(str(installed))
    assert lines[1] == "1.2.3 1.2.3"
    names = {"Micrograph", "SegmentedImage", "IndexedFFT", "StrainMap", "AtomicModel"}
    names |= {"CompositionMap"}
    assert set(lines[2].split()) == names | {f"Lazy{name}" for name in names}


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_package(installed):
    suffixes = {".py", ".pyi", ".yaml", ".json", ".typed", ".cif"}
    ours = {
        path.relative_to(ROOT)
        for path in PACKAGE.rglob("*")
        if path.suffix in suffixes or path.name == "py.typed"
    }
    missing = {path for path in ours if not (installed / path).exists()}
    assert not missing


@pytest.mark.slow
def test_command_of_the_wheel_answers(installed, tmp_path):
    script = (
        "import sys; sys.argv[1:] = ['--help']; import hyperspy_twin.cli as c; sys.exit(c.main())"
    )
    assert "demo" in run("-c", script, cwd=tmp_path, PYTHONPATH=str(installed))


USED = """
import sys
import hyperspy.api as hs
import numpy as np
import hyperspy_twin
from hyperspy_twin.core import reduce_pair
signal = hs.signals.Signal2D(np.ones((8, 8)))
signal.set_signal_type("Micrograph")
assert type(signal) is hyperspy_twin.Micrograph
reduce_pair(1 + 0j, 5 + 1j)
assert sum(reduce_pair.stats.cache_misses.values()) == 1 or "compiled" in sys.argv
print(hyperspy_twin.__file__)
"""


def own_environment(folder: Path) -> tuple[Path, Path]:
    """Python of a new virtual environment that finds the packages of this one; its packages."""
    venv.create(folder, symlinks=os.name != "nt")
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    others = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (packages / "zz_others.pth").write_text("".join(f"{path}\n" for path in others))
    executable = Path(sysconfig.get_path("scripts", "venv", scheme)) / Path(sys.executable).name
    return executable, packages


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 11), reason="no scheme of paths of environments")
def test_installed_used_uninstalled_and_installed_editable(checkout, tmp_path):
    python, packages = own_environment(tmp_path / "environment")
    away = tmp_path / "elsewhere"
    away.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NUMBA_", "PYTHON", "PIP_"))
    }
    kept |= VERSION | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_NUM_THREADS": "1"}

    def call(*arguments: str, cwd: Path = away) -> str:
        command = [str(python), *arguments]
        done = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout.strip()

    local = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    call("-m", "pip", "install", *local, ".", cwd=checkout)
    folder = packages / "hyperspy_twin"
    assert call("-c", USED) == str(folder / "__init__.py")
    # Python's own files of another level of optimisation are not in the list of the installer.
    call("-O", "-c", USED, "compiled")
    assert not [path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc")]
    call("-m", "pip", "uninstall", "--yes", "--quiet", "hyperspy_twin")
    assert not (folder / "__init__.py").exists()
    # What earlier versions left behind, too.
    (folder / "core" / "__pycache__").mkdir(parents=True, exist_ok=True)
    (folder / "core" / "__pycache__" / "kernel.nbi").write_bytes(b"")
    call("-m", "pip", "install", *local, "-e", ".", cwd=checkout)
    assert call("-c", USED, "compiled") == str(checkout / "hyperspy_twin" / "__init__.py")
    call("-m", "pip", "install", *local, ".", cwd=checkout)
    assert call("-c", USED, "compiled") == str(folder / "__init__.py")


def test_extension_file_at_the_top_is_that_of_the_package():
    top = ROOT / "hyperspy_extension.yaml"
    if top.read_text(encoding="utf8") == "hyperspy_twin/hyperspy_extension.yaml":
        pytest.skip("links are text on this system")
    assert top.read_bytes() == (PACKAGE / "hyperspy_extension.yaml").read_bytes()


# ---- imported ----


@pytest.mark.slow
def test_import_is_light(tmp_path):
    script = f"""
import sys
import hyperspy.api
before = set(sys.modules)
import hyperspy_twin
added = {{name.split(".")[0] for name in set(sys.modules) - before}}
assert not added & set({HEAVY}), added
assert "hyperspy_twin.signals" not in sys.modules
"""
    run("-c", script, cwd=tmp_path)


@pytest.mark.slow
def test_signal_classes_load_without_the_heavy_packages(tmp_path):
    script = """
import sys
import hyperspy.api, hyperspy.signals
before = set(sys.modules)
import hyperspy_twin
hyperspy_twin.Micrograph, hyperspy_twin.AtomicModel, hyperspy_twin.load
added = {name.split(".")[0] for name in set(sys.modules) - before}
assert not added & {"torch", "abtem", "pyxem", "exspy"}, added
"""
    run("-c", script, cwd=tmp_path)


def test_every_public_name_is_there():
    import hyperspy_twin

    for name in hyperspy_twin.__all__:
        assert getattr(hyperspy_twin, name) is not None
    with pytest.raises(AttributeError):
        _ = hyperspy_twin.no_such_name


# ---- the rules of the source ----


def test_no_private_names_of_hyperspy():
    for source in SOURCES:
        private = re.findall(
            r"hyperspy\.(?:_\w+|misc\b)|from hyperspy import _", source.read_text()
        )
        assert not private, source


def test_no_pickle():
    for source in SOURCES:
        assert not {"pickle", "dill", "joblib", "shelve"} & imports(source), source
        assert not re.search(
            r"allow_pickle\s*=\s*True|weights_only\s*=\s*False", source.read_text()
        )


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_file_is_small(source):
    if source.parent.name == "signals" and not source.name.startswith("_"):
        return  # a signal type lists every verb that it offers
    assert len(source.read_text(encoding="utf8").splitlines()) < 350


# ---- what the README promises ----


def test_readme_has_the_two_commands_that_the_checks_run():
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)
    assert len(commands) == 2
    demo, tests = commands
    assert demo.endswith("hyperspy-twin demo") and "pytest" not in demo
    assert "pytest" in tests
    assert "grep -m 1 '^python3 -m venv .*pytest' README.md" in (ROOT / ".ci/run").read_text()
    extras = set(importlib.metadata.metadata("hyperspy_twin").get_all("Provides-Extra") or [])
    for command in commands:
        (named,) = re.findall(r"\.\[([\w,-]+)\]", command)
        assert set(named.split(",")) <= extras


def test_links_of_the_readme_lead_somewhere():
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", readme):
        assert (ROOT / link).exists(), link


def test_command_is_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="hyperspy-twin")
    assert callable(command.load())
