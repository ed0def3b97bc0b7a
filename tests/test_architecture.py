"""The plan of the house, read from the source: faces, arrows between rooms, and no circles."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "hyperspy_twin"
FILES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "_version.py"
}
# Rooms, and what each may use. Those that are not named may be used by none of them.
ARROWS = {
    "core": set(),
    "correlation": {"core"},
    "pixels": set(),
    "segmentation": {"core", "pixels"},
    "spectra": {"core"},
    "crystals": {"core"},
    "strain": {"core"},
    "registration": {"core"},
    "atoms": {"core", "registration"},
    "properties": {"core", "atoms"},
    "simulation": {"core"},
    "training": {"core", "spectra", "crystals", "simulation"},
    "composition": {"core", "io", "signals", "composition.quantification"},
    "composition.transfer": {"core"},
    "composition.quantification": {"core"},
    "composition.placement": {"core"},
    "data": {"core", "simulation", "io", "composition"},
    "io": {"core"},
    "phases": {"core", "crystals"},
}
PURE = {"core", "pixels", "segmentation", "spectra", "crystals", "strain", "registration", "atoms"}
PURE |= {"simulation", "training", "phases", "properties"}
# Shells over pure rooms of their own, which are wings below them: each is entered by its own face.
SHELLS = {"composition"}
PURE |= {name for name in ARROWS if name.partition(".")[0] in SHELLS and "." in name}
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
ROOMS += [
    f"{shell}.{path.parent.name}"
    for shell in sorted(SHELLS)
    for path in sorted(PACKAGE.glob(f"{shell}/*/__init__.py"))
]
FOLDERS = sorted(
    path.parent for path in PACKAGE.rglob("__init__.py") if path.parent.name != "signals"
)
MOST_FILES = 15


class Import(NamedTuple):
    """A name that a file takes from a module of the package, at any depth and of any kind."""

    module: str
    name: str | None
    line: int


def _package_of(module: str) -> str:
    return module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = _package_of(module).split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


@cache
def imports(module: str) -> tuple[Import, ...]:
    """All imports of a file, deferred and for type checking ones as well."""
    found = []
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, None, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                hidden = whole in FILES and alias.name not in face(source)
                one = (whole, None) if hidden else (source, alias.name)
                found.append(Import(*one, node.lineno))
    return tuple(found)


@cache
def face(package: str) -> dict[str, str]:
    """Where each name of the face of a folder is defined, by its stub."""
    stub = FILES[package].with_suffix(".pyi") if package in FILES else PACKAGE
    if not stub.is_file():
        return {}
    found = {}
    for node in ast.parse(stub.read_text(encoding="utf8")).body:
        if isinstance(node, ast.ImportFrom):
            base = f"{package}.{node.module}" if node.module else package
            for alias in node.names:
                found[alias.asname or alias.name] = base
    return found


def defined_in(one: Import) -> str | None:
    """File that an import reaches through any number of faces; None outside the package."""
    module, name = one.module, one.name
    while module in FILES and name is not None and name in face(module):
        base = face(module)[name]
        module, name = (f"{base}.{name}", None) if f"{base}.{name}" in FILES else (base, name)
    return module if module in FILES else None


def room_of(module: str) -> str:
    parts = module.split(".") + [""]
    if parts[1] in SHELLS and f"{parts[1]}.{parts[2]}" in ROOMS:
        return f"{parts[1]}.{parts[2]}"
    return parts[1]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one node, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            members = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(members) > 1:
                found.append(sorted(members))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_every_kind_of_import_is_read(tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    for name in ("__init__", "one", "two", "three"):
        (room / f"{name}.py").write_text("")
    (room / "one.py").write_text(
        "from .two import a\nimport room.two\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from room.three import b\n"
        "def f():\n    from . import three\n"
    )
    files = {
        f"room.{path.stem}".removesuffix(".__init__"): path for path in sorted(room.glob("*.py"))
    }
    monkeypatch.setitem(globals(), "FILES", files)
    imports.cache_clear()
    read = {(one.module, one.name) for one in imports("room.one") if one.module in files}
    imports.cache_clear()
    assert read == {
        ("room.two", "a"),
        ("room.two", None),
        ("room.three", "b"),
        ("room.three", None),
    }


def test_a_circle_is_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}
    assert circles(graph) == [["b", "c"]]


def test_no_circle_of_files():
    graph = {}
    for module in FILES:
        reached = {defined_in(one) for one in imports(module)}
        graph[module] = {other for other in reached if other and other != module}
    assert not circles(graph)


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "signals"])
def test_arrows_between_rooms_run_one_way(room):
    assert room in ARROWS, "a new room needs its row in ARROWS"
    for module in FILES:
        if room_of(module) != room:
            continue
        used = {room_of(one.module) for one in imports(module) if one.module in FILES}
        assert used - {room, ""} <= ARROWS[room], module


def test_arrows_allow_no_circle_of_rooms():
    assert not circles({**{name: set() for name in ("io", "signals")}, **ARROWS})


def test_wings_of_a_shell_are_pure_rooms():
    wings = [room for room in ROOMS if "." in room]
    assert "composition.quantification" in wings
    assert set(wings) <= PURE
    assert room_of("hyperspy_twin.composition.quantification.fractions") in PURE
    assert room_of("hyperspy_twin.composition.given_maps") == "composition"


@pytest.mark.parametrize("module", [name for name in FILES if room_of(name) in PURE])
def test_pure_room_knows_nothing_of_hyperspy(module):
    outside = {one.module.split(".")[0] for one in imports(module)}
    assert not outside & {"hyperspy", "exspy", "pyxem", "rsciio"}


@pytest.mark.parametrize("module", FILES)
def test_imports_are_absolute(module):
    tree = ast.parse(FILES[module].read_text(encoding="utf8"))
    relative = [node.lineno for node in ast.walk(tree) if getattr(node, "level", 0)]
    assert not relative, f"relative imports in lines {relative}"


@pytest.mark.parametrize("module", FILES)
def test_other_folders_are_entered_by_their_face(module):
    for one in imports(module):
        if one.module not in FILES or module == "hyperspy_twin":
            continue
        parts = one.module.split(".")
        for count in range(2, len(parts)):
            folder = ".".join(parts[:count])
            if room_of(folder) == "signals" or room_of(folder) in SHELLS:
                continue
            inside = _package_of(module) == folder or module.startswith(f"{folder}.")
            assert inside, f"line {one.line}: import what {folder} offers, not {one.module}"
        if one.name and FILES[one.module].name == "__init__.py" and face(one.module):
            assert one.name in face(one.module), f"line {one.line}: {one.name} is not offered"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_folder_has_a_face(folder):
    package = ".".join(folder.relative_to(PACKAGE.parent).parts)
    stub = ast.parse((folder / "__init__.pyi").read_text(encoding="utf8"))
    (listed,) = (
        ast.literal_eval(node.value)
        for node in stub.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    offered = face(package)
    assert set(listed) == set(offered), "__all__ and the imports of the stub differ"
    for name, base in offered.items():
        whole = f"{base}.{name}"
        if base == package:
            assert whole in FILES, f"{name} is no module"
            continue
        assert base.removeprefix(f"{package}.") != name, f"{name} is hidden by its module"
        reached = defined_in(Import(package, name, 0))
        assert reached is not None
        names = {
            getattr(target, "id", None)
            for node in ast.parse(FILES[reached].read_text(encoding="utf8")).body
            for target in (
                node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            )
        } | {
            getattr(node, "name", None)
            for node in ast.parse(FILES[reached].read_text(encoding="utf8")).body
        }
        assert name in names or reached == whole, f"{name} is not in {reached}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_folder_is_small(folder):
    files = [
        path for path in folder.glob("*.py") if path.name not in ("__init__.py", "_version.py")
    ]
    wings = [path for path in folder.iterdir() if (path / "__init__.py").exists()]
    assert len(files) <= MOST_FILES + 1, "a flat folder of more than about 15 files wants wings"
    assert len(files) + len(wings) > 1, "a folder that holds one file is a file"
