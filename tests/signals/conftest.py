from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

import hyperspy_twin as ht


@pytest.fixture(scope="session")
def tied(chain):
    """The same image without a pixel size, silicon and germanium tied in all regions."""
    image = ht.Micrograph(chain.micrograph.data)
    segmented = ht.SegmentedImage.from_labels(image, chain.segmented.labels)
    indexed = segmented.find_peaks(show_progressbar=False).index_phases(["Si", "Ge"])
    records = [replace(one, ties=(one.ranking[1].phase,)) for one in indexed.phases]
    return indexed._with_phases(records, "ties", {})


@pytest.fixture(scope="session")
def chain():
    """Every step of the chain on a small quantum well."""
    micrograph = ht.data.sige_quantum_well(shape=(420, 448), well_thickness=6.0)
    segmented = micrograph.segment()
    found = segmented.find_peaks(show_progressbar=False)
    indexed = found.index_phases(["Si", "Ge"])
    strain = indexed.gpa()
    model = strain.to_atoms(thickness=2.0)
    return SimpleNamespace(
        micrograph=micrograph,
        segmented=segmented,
        found=found,
        indexed=indexed,
        strain=strain,
        model=model,
    )
