"""What a strain map says of the scan, of the mask and of the image's borders."""

from __future__ import annotations

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht


@pytest.fixture(scope="module")
def flown():
    """A crystal whose first columns the fly-back stretched by up to 2 %."""
    y, x = np.mgrid[:300, :360].astype(float)
    x = x + 0.4 * np.exp(-x / 20)
    turns = [x / 9.7, y / 11.3, x / 9.7 + y / 11.3, x / 9.7 - y / 11.3]
    image = np.exp(sum(np.cos(2 * np.pi * turn) for turn in turns) / 2)
    image = ht.Micrograph(np.random.default_rng(0).poisson(60 * image).astype(float))
    image.calibrate(0.02)
    segmented = ht.SegmentedImage.from_labels(image, np.ones((300, 360), int))
    return segmented.find_peaks(show_progressbar=False)


def test_fly_back_is_told_kept_and_crossed(flown, caplog, tmp_path):
    strain = flown.gpa()
    width = strain.scan.fly_back
    assert 0.8 < width < 2.2
    assert strain.history[-1]["outcome"]["fly_back"] in caplog.text
    assert np.isfinite(strain.e_xx.data[:, :20]).all()
    assert "crossed: doubtful" in strain.plot().get_suptitle()
    right = strain.isig[200:, :]
    assert "crossed" not in right.plot().get_suptitle()
    plt.close("all")
    strain.save(tmp_path / "strain.hspy")
    assert hs.load(tmp_path / "strain.hspy").scan.fly_back == width


def test_the_well_has_no_traces_of_the_scan(chain):
    scan = chain.strain.scan
    assert scan.fly_back == 0
    assert scan.drift == (0, 0)
    assert not {"fly_back", "drift", "reflections"} & set(
        chain.strain.history[-1].get("outcome", {})
    )


def test_deconvolution_is_asked_for_and_costs_noise(chain):
    after = chain.indexed.gpa(deconvolve=True)
    known = np.isfinite(after.sigma_yy.data)
    np.testing.assert_allclose(
        after.sigma_yy.data[known], 1.572 * chain.strain.sigma_yy.data[known], rtol=1e-3
    )
    np.testing.assert_array_equal(after.u_y.data[known], chain.strain.u_y.data[known])
    assert after.history[-1]["parameters"]["deconvolve"] is True
    assert np.isnan(after.regions["sem_yy"]).all()
    lazy = chain.indexed.as_lazy().gpa(deconvolve=True)
    np.testing.assert_array_equal(lazy.e_yy.data.compute(), after.e_yy.data)


def test_deconvolution_is_for_one_image_and_one_reference(chain):
    with pytest.raises(ValueError, match="one image and one reference"):
        chain.indexed.gpa(deconvolve=True, reference="each")
    stack = hs.stack([chain.micrograph.as_signal2D((0, 1))] * 2)
    with pytest.raises(ValueError, match="one image and one reference"):
        chain.indexed.gpa(deconvolve=True, series=stack)
