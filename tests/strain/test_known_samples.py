"""Strain of simulated and of real crystals whose answer is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.reference import reference_mask, score_references


@pytest.fixture(scope="module")
def well():
    from hyperspy_twin import data

    signal = data.sige_quantum_well(shape=(512, 512), well_thickness=8.0)
    sample = json.loads(signal.metadata.Twin.sample)
    pixel = signal.axes_manager[0].scale
    truth = data.truth(sample["name"], sample["arguments"])
    return signal.data, Grid(signal.data.shape, (pixel, pixel)), truth


def test_germanium_well(well):
    image, grid, truth = well
    barrier = 0.5584
    vectors = np.array([[2 * np.sqrt(2) / barrier, 0.0], [0.0, 4 / barrier]])
    resolution = 0.5
    margin = 2.5 * resolution / grid.scale[0]
    label = score_references(truth.labels, {1: 1.0, 3: 1.0}, margin).best((1, 3))
    reference = reference_mask(truth.labels, label, margin)
    true = truth.strain["e_yy"]
    inside = truth.labels == 2
    interior = distance_transform_edt(inside) * grid.scale[0] > 1.0
    whole = {}
    for labels in (None, truth.labels):
        result = geometric_phase_analysis(
            image, grid, vectors, resolution=resolution, reference=reference, labels=labels
        )
        error = result.e_yy - true
        assert abs(error[interior].mean()) < 5e-4
        assert np.sqrt((error[interior] ** 2).mean()) < 1.5e-3
        whole[labels is None] = np.sqrt((error[inside] ** 2).mean())
    assert whole[False] < 1.5e-3
    assert whole[False] < 0.5 * whole[True]


def test_tetragonality_of_lead_titanate(shared_file):
    import hyperspy.api as hs

    signal = hs.load(shared_file("data/PTO_junction_filtered_HAADF.hspy"))
    scale = signal.axes_manager[0].scale
    grid = Grid(signal.data.shape, (scale, scale))
    # Domains left and right of the junction have the long axis along y and along x.
    left, right = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    left[500:900, 50:400], right[300:700, 1400:1900] = True, True
    vectors = np.array([[2.39, -0.12], [0.12, 2.54]])
    result = geometric_phase_analysis(signal.data, grid, vectors, resolution=0.6, reference=left)
    spacings = 1 / np.linalg.norm(result.vectors, axis=1)
    long = spacings[0] * (1 + result.e_xx[right].mean())
    short = spacings[1] * (1 + result.e_yy[right].mean())
    assert long / short == pytest.approx(1.064, abs=0.01)
    assert result.e_xx[right].mean() == pytest.approx(0.07, abs=0.012)
    assert result.e_yy[right].mean() == pytest.approx(-0.064, abs=0.012)
