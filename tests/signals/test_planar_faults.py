from __future__ import annotations

import logging

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht

COLUMNS = (
    "start_x", "start_y", "end_x", "end_y", "length", "plane", "R", "R_x", "R_y", "R_error",
    "jump_error", "dip", "lattice",
)  # fmt: skip


def test_coherent_quantum_well_has_none(chain):
    found = chain.strain.planar_faults(show_progressbar=False)
    assert found.columns == COLUMNS and len(found) == 0
    assert found.units["R_x"] == "nm" and found.units["jump_error"] == "turns"


def test_layers_of_one_crystal_are_no_grains(chain):
    boundaries = chain.strain.grain_boundaries
    assert (boundaries["angle"] < 0.5).all() and (boundaries["kind"] == "low").all()


def test_grains_of_graphene(shared_file, tmp_path, caplog):
    image = ht.load(shared_file("data/graphene_defect_raw.dm3"))
    found = image.segment(show_progressbar=False).find_peaks(show_progressbar=False)
    strain = found.gpa(show_progressbar=False)
    (row,) = strain.grain_boundaries
    # 29.3 +- 0.2 over the two grains, in a scan that is stretched by 2 %.
    assert row["angle"] == pytest.approx(30.0, abs=1.0) and row["error"] < 0.3
    assert row["kind"] == "high" and np.isnan(row["plane"]).all()
    strain.save(tmp_path / "strain.hspy")
    loaded = hs.load(tmp_path / "strain.hspy")
    with caplog.at_level(logging.WARNING):
        assert len(loaded.dislocations(show_progressbar=False)) == 0
    assert "a high-angle boundary" in caplog.text
    assert len(loaded.planar_faults(show_progressbar=False)) == 0
