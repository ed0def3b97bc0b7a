"""Blocks of regions that share no lattice, each with a reference of its own."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht

SIZE, PIXEL = 220, 0.05
VECTORS = np.array([[2.5, 0.0], [0.0, 2.5], [2.5, 2.5], [2.5, -2.5]])


def turned(degrees):
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, sine], [-sine, cosine]])


@pytest.fixture(scope="module")
def grains():
    """Substrate (1), and a grain turned by 30 degrees whose right part (3) is 2 % larger."""
    y, x = np.mgrid[:SIZE, :SIZE]
    labels = np.where(y < 110, 1, np.where(x < 110, 2, 3))
    image = np.zeros((SIZE, SIZE))
    for region, angle, size in ((1, 0.0, 1.0), (2, 30.0, 1.0), (3, 30.0, 1.02)):
        for g in VECTORS @ turned(angle).T / size:
            phase = 2 * np.pi * PIXEL * (g[0] * x + g[1] * y)
            image += (labels == region) * np.cos(phase)
    image += np.random.default_rng(0).normal(scale=0.2, size=image.shape)
    micrograph = ht.Micrograph(image.astype(np.float32))
    micrograph.calibrate(PIXEL)
    return ht.SegmentedImage.from_labels(micrograph, labels).find_peaks(show_progressbar=False)


@pytest.fixture(scope="module")
def each(grains):
    return grains.gpa(reference="each")


def test_turned_grains_are_compared_among_themselves(grains, each):
    one = grains.gpa(reference=1)
    labels = one._labels
    assert np.isnan(one.e_xx.data[labels > 1]).all()
    assert one.references["region"].tolist() == [1]
    found = dict(zip(each.references["region"], each.references["reference"], strict=True))
    assert found[1] == 1 and found[2] == found[3] and found[2] in (2, 3)
    np.testing.assert_array_equal(each.e_xx.data[labels == 1], one.e_xx.data[labels == 1])
    table = each.regions
    misfit = 0.02 if found[2] == 2 else 1 / 1.02 - 1
    other = 1 if found[2] == 3 else 2
    for name in ("xx", "yy"):
        assert table[f"e_{name}"][other] == pytest.approx(misfit, abs=5e-4)
        assert table[f"e_{name}"][3 - other] == pytest.approx(0, abs=3e-4)
        assert (table[f"sem_{name}"] > 0).all() and (table[f"sem_{name}"] < 1e-3).all()
    assert abs(table["rotation"]).max() < 0.05
    assert each.reference == 1 and "references: regions 1, " in repr(each)


def test_interfaces_within_a_block_only(each):
    """Two grains have no misfit of the same planes; their epitaxy is another table."""
    found = each.interfaces
    assert list(zip(found["first"], found["second"], strict=True)) == [(2, 3)]
    for name in ("misfit_along", "misfit_across"):
        assert found[name][0] == pytest.approx(0.02, abs=4e-4)


def test_what_follows_works_block_by_block(each, tmp_path):
    each.save(tmp_path / "each.hspy")
    loaded = hs.load(tmp_path / "each.hspy")
    assert loaded.references["reference"].tolist() == each.references["reference"].tolist()
    there = loaded.rotate_to(30.0)
    back = there.rotate_to(0.0)
    known = np.isfinite(each.e_xx.data)
    assert known[each._labels == 3].mean() > 0.9
    np.testing.assert_allclose(back.e_xx.data[known], each.e_xx.data[known], atol=1e-6)
    np.testing.assert_allclose(back.sigma_xy.data[known], each.sigma_xy.data[known], rtol=0.05)
    assert (np.isfinite(each.dilatation.data) == known).all()


def test_all_references_are_green(each):
    from matplotlib.colors import same_color

    from hyperspy_twin.signals._figures.strain import REFERENCE

    axis = each.plot().axes[0]
    assert sum(same_color(line.get_color(), REFERENCE) for line in axis.lines) == 2


def test_a_series_has_one_reference(grains):
    stack = hs.signals.Signal2D(np.zeros((2, SIZE, SIZE)))
    with pytest.raises(ValueError, match="a series has one reference"):
        grains.gpa(reference="each", series=stack)


@pytest.mark.slow
def test_atoms_of_each_block_follow_its_displacement():
    """Atoms of the main block stay, those of a block of its own go to where its lattice is seen."""
    image = ht.data.nanoparticles()
    found = image.segment().find_peaks(show_progressbar=False).index_phases(["Au", "Pd"])
    one, each = found.gpa(), found.gpa(reference="each")
    assert len(each.references) > len(one.references)
    before, after = (strain.to_atoms(thickness=5.0) for strain in (one, each))
    main = before.region == one.reference
    # The period along the beam is that of the first region, whose lattice is another one now.
    np.testing.assert_array_equal(
        before.positions[main, :2], after.positions[after.region == one.reference, :2]
    )
    values = image.data.astype(float)
    scale = 10 * image.axes_manager.signal_axes[0].scale
    shared = set(np.unique(before.region)) & set(np.unique(after.region)) - {one.reference}
    followed = {n.region for n in each._state("lattices") if n.displaced} & shared
    assert followed
    for number in followed:
        bright = []
        for model in (before, after):
            x, y = np.rint(model.positions[model.region == number][:, :2] / scale).astype(int).T
            bright.append(values[y, x].mean())
        assert bright[1] > 0.99 * bright[0]
