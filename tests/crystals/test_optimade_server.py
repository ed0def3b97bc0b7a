"""The client against the reference server of OPTIMADE, run beside the test."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time

import pytest
from ase.formula import Formula

from hyperspy_twin.crystals.structures import catalogue, optimade, optimade_cache


@pytest.fixture(scope="module")
def database(make_entry, tmp_path_factory):
    """Address of the reference server of OPTIMADE with five structures of the catalogue."""
    if not all(map(importlib.util.find_spec, ("optimade", "mongomock", "uvicorn"))):
        pytest.skip("optimade[server] is not installed")
    lines = [{"x-optimade": {"meta": {"api_version": "1.1.0"}}}]
    for name in ("Si", "Ge", "SiC-3C", "SiC-4H", "SrTiO3"):
        crystal = catalogue.get(name)
        record = make_entry(name, crystal)
        counted = dict(sorted(Formula(crystal.formula).count().items()))
        reduced = "".join(f"{e}{n if n > 1 else ''}" for e, n in counted.items())
        total = sum(counted.values())
        record["attributes"] |= {
            "elements": list(counted),
            "nelements": len(counted),
            "elements_ratios": [n / total for n in counted.values()],
            "chemical_formula_reduced": reduced,
            "chemical_formula_descriptive": reduced,
            "chemical_formula_anonymous": _anonymous(counted.values()),
            "nperiodic_dimensions": 3,
            "nsites": len(crystal.symbols),
            "last_modified": "2026-01-01T00:00:00Z",
        }
        lines.append(record)
    file = tmp_path_factory.mktemp("optimade") / "structures.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    yield from _run_reference_server(file)


def _anonymous(numbers):
    ordered = sorted(numbers, reverse=True)
    return "".join(f"{letter}{n if n > 1 else ''}" for letter, n in zip("ABCDEF", ordered))  # noqa: B905


def _run_reference_server(file):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    settings = {
        "OPTIMADE_CONFIG_FILE": str(file.with_name("none.json")),
        "OPTIMADE_INSERT_FROM_JSONL": str(file),
        "OPTIMADE_INSERT_TEST_DATA": "false",
        "OPTIMADE_DATABASE_BACKEND": "mongomock",
        "OPTIMADE_PAGE_LIMIT": "2",
        "OPTIMADE_BASE_URL": base,
        "OPTIMADE_LOG_DIR": str(file.parent),
    }
    file.with_name("none.json").write_text("{}")
    command = [sys.executable, "-m", "uvicorn", "optimade.server.main:app", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--log-level", "warning"],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.stdout.read().decode()
            time.sleep(0.1)
        try:
            yield base
        finally:
            process.terminate()


@pytest.mark.slow
def test_real_server(database, tmp_path, monkeypatch):
    monkeypatch.setattr(optimade_cache, "folder", lambda: tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    carbides = optimade.query_structures(["C", "Si"], provider=database)
    assert (carbides.left_out, carbides.available) == ((), 2)
    assert {crystal.name for crystal in carbides.crystals} == {"SiC (SiC-3C)", "SiC (SiC-4H)"}
    (titanate,) = optimade.query_structures("SrTiO3", provider=database).crystals
    known = catalogue.get("SrTiO3")
    assert titanate.lattice == pytest.approx(known.lattice)
    assert sorted(titanate.symbols) == sorted(known.symbols)
    assert optimade.query_structures(["Fe"], provider=database).crystals == ()
    entries, available = optimade._ask(database, "nelements>0", 50, 10.0)
    assert len(entries) == available == 5
    with pytest.raises(ValueError, match="answers 400"):
        optimade._ask(database, "nelements>>0", 50, 10.0)
