"""The generated spectrum image: its counts, its truth, and how it is made anew."""

from __future__ import annotations

import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.simulation import Well, low_loss_distribution, scan_positions

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_same_seed_gives_the_same_counts():
    first, again, other = (
        ht.data.sige_spectrum_image(shape=(4, 5), texture=0.03, seed=seed) for seed in (2, 2, 3)
    )
    np.testing.assert_array_equal(first.data, again.data)
    assert (first.data != other.data).any()
    truth = ht.data.germanium_truth(first)
    assert truth.shape == (4, 5) and not truth.flags.writeable
    assert (truth != ht.data.germanium_truth(other)).any()


def test_counts_follow_dose_and_thickness():
    small = ht.data.sige_spectrum_image(shape=(6, 6), electrons=1e8)
    large = ht.data.sige_spectrum_image(shape=(6, 6), electrons=2e8, thickness=100.0)
    assert large.data.sum() / small.data.sum() == pytest.approx(4, rel=0.005)


def test_truth_of_the_well_by_hand():
    well = Well(barrier=0.1, well=0.9, thickness=20.0)
    np.testing.assert_allclose(
        well.germanium(np.zeros(4), np.array([0.0, -10.0, 10.0, 30.0])), [0.9, 0.5, 0.5, 0.1]
    )
    field = Well(texture=0.05).germanium(*scan_positions((200, 200), 3.0, subpixels=1)[..., 0])
    rows = field[:60]
    assert rows.std() == pytest.approx(0.05, rel=0.3)


def test_truth_is_the_mean_over_pixels():
    si = ht.data.sige_spectrum_image(shape=(31, 3), pixel_size=4.0, well_thickness=30.0)
    truth = ht.data.germanium_truth(si)[:, 1]
    assert truth.sum() * 4.0 == pytest.approx(31 * 4.0 * 0.2 + 30.0 * 0.6, rel=0.02)


def test_positions_turn_counter_clockwise_on_the_screen():
    x, y = scan_positions((3, 3), 2.0, 90.0, subpixels=1)[..., 0]
    # The pixel to the right lies above on the screen, where y is negative.
    assert (x[1, 2], y[1, 2]) == pytest.approx((0.0, -2.0), abs=1e-12)


@pytest.mark.parametrize("thickness", [0.0, 0.5, 1.0])
def test_low_loss_is_a_poisson_process(thickness):
    energies, distribution = low_loss_distribution(thickness, 1.0)
    assert distribution.sum() == pytest.approx(1, abs=1e-3)
    elastic = distribution[np.abs(energies) < 6].sum()
    assert elastic == pytest.approx(np.exp(-thickness), rel=0.02)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        ht.data.sige_spectrum_image(well=1.2)
    with pytest.raises(ValueError, match="positive"):
        ht.data.sige_spectrum_image(electrons=0.0)
    with pytest.raises(ValueError, match="no spectrum image"):
        ht.data.germanium_truth(ht.data.sige_quantum_well(shape=(64, 64), well_thickness=1.0))
