"""Strain whose fields go to the pixels when they are read: that of the whole image at once."""

from __future__ import annotations

import tracemalloc

import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis, maps, pieces
from hyperspy_twin.strain.coarse_grid import STRIP, Splines, make_coarse_grid
from hyperspy_twin.strain.maps import COMPONENTS

SPACING, RESOLUTION = 0.4, 0.6
SIX = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]]) / SPACING
GRID = Grid((230, 305), (0.04, 0.05), (3.0, -2.0))


def strained(grid, strain=0.015, noise=0.0):
    """Image of a lattice that is stretched by a strain right of the middle."""
    x, y = np.meshgrid(grid.x, grid.y)
    middle = 0.5 * (grid.x[0] + grid.x[-1])
    u = np.maximum(x - middle, 0.0) * strain / (1.0 + strain)
    image = sum(np.cos(2 * np.pi * (g[0] * (x - u) + g[1] * y)) for g in SIX)
    return image + np.random.default_rng(0).normal(0, noise, grid.shape)


def around(grid):
    """Three regions: a disc, what is around it, and a stripe across; a corner has none."""
    row, column = np.mgrid[: grid.shape[0], : grid.shape[1]]
    labels = np.where(np.hypot(row - 110, column - 90) < 70, 2, 1)
    labels[:, 230:] = 3
    labels[-60:, -50:] = 0
    return labels


def both(image, grid, count, **options):
    """Fields of the analysis at once, and of the lazy one."""
    reference = np.zeros(grid.shape, bool)
    reference[40:150, 50:130] = True
    return [
        geometric_phase_analysis(
            image, grid, SIX[:count], resolution=RESOLUTION, reference=reference, **options, lazy=on
        )
        for on in (False, True)
    ]


@pytest.mark.parametrize("noise", [0.0, 0.4])
@pytest.mark.parametrize("regions", [False, True])
@pytest.mark.parametrize("count", [2, 6])
def test_lazy_fields_are_those_of_the_whole_image(monkeypatch, count, regions, noise):
    monkeypatch.setattr(maps, "CHUNK", 37 * GRID.shape[1])
    labels = around(GRID) if regions else None
    whole, lazy = both(strained(GRID, noise=noise), GRID, count, labels=labels)
    for name in COMPONENTS:
        field = getattr(lazy, name)
        assert isinstance(field, dask.array.Array)
        assert field.numblocks == (7, 1)
        np.testing.assert_array_equal(field.compute(), getattr(whole, name), err_msg=name)
    np.testing.assert_array_equal(lazy.vectors, whole.vectors)
    np.testing.assert_array_equal(lazy.noise.white, whole.noise.white)
    if not regions:
        plateau = lazy.e_xx[60:170, -100:-50].compute()
        sigma = lazy.sigma_xx[60:170, -100:-50].compute()
        assert (np.abs(plateau - 0.015) < 2e-4 + 5 * sigma).all()


def test_weights_are_the_same_whether_they_are_kept_or_not(monkeypatch):
    image, labels = strained(GRID, noise=0.2), around(GRID)
    kept, _ = both(image, GRID, 3, labels=labels)
    monkeypatch.setattr(pieces, "MOST_KEPT", 0)
    again, _ = both(image, GRID, 3, labels=labels)
    np.testing.assert_array_equal(again.stack(COMPONENTS), kept.stack(COMPONENTS))


@settings(max_examples=6, deadline=None, derandomize=True, database=None)
@given(
    rows=st.integers(170, 260),
    columns=st.integers(170, 260),
    chunk=st.integers(1, 300),
    strain=st.floats(-0.02, 0.02),
)
def test_any_chunks_of_any_image_give_the_same(rows, columns, chunk, strain):
    grid = Grid((rows, columns), (0.05, 0.045))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "CHUNK", chunk * columns)
        labels = around(grid)
        whole, lazy = both(strained(grid, strain, 0.1), grid, 3, labels=labels)
    start, stop = sorted((rows // 3, (7 * chunk) % rows))
    for name in ("e_xy", "u_x", "sigma_rotation"):
        found = getattr(lazy, name)[start:stop, 20:].compute()
        np.testing.assert_array_equal(found, getattr(whole, name)[start:stop, 20:])


def test_only_what_is_read_is_computed(monkeypatch):
    monkeypatch.setattr(maps, "CHUNK", 50 * GRID.shape[1])
    _, lazy = both(strained(GRID), GRID, 2, displacement=False)
    assert lazy.u_x is None
    written = []
    write = Splines.write
    monkeypatch.setattr(
        Splines, "write", lambda self, *args: written.append(args[:2]) or write(self, *args)
    )
    lazy.rotation[60:80].compute()
    assert written == [(50, 100)]


@pytest.mark.parametrize("names", [COMPONENTS, ("e_yy", "sigma_yy")])
def test_lazy_fields_are_written_to_an_array_in_a_file(tmp_path, monkeypatch, names):
    zarr = pytest.importorskip("zarr")
    monkeypatch.setattr(maps, "CHUNK", 64 * GRID.shape[1])
    whole, lazy = both(strained(GRID, noise=0.2), GRID, 2)
    shape, expected = (len(names), *GRID.shape), whole.stack(names)
    in_memory = np.memmap(tmp_path / "map", np.float32, "w+", shape=shape)
    chunked = zarr.open(
        str(tmp_path / "map.zarr"), mode="w", shape=shape, dtype="f4", chunks=(1, 100, 100)
    )
    for target in (in_memory, chunked):
        dask.array.store(lazy.stack(names), target)
        np.testing.assert_array_equal(target[:], expected)


def test_an_image_is_transformed_without_being_copied_whole():
    coarse = make_coarse_grid((150, 130), (1.0, 1.0), 8.0)
    image = np.random.default_rng(0).normal(size=coarse.shape).astype(np.float32)
    asked = []

    def rows(start, stop):
        asked.append(stop - start)
        return image[start:stop]

    np.testing.assert_array_equal(coarse.spectrum_of_rows(rows, 40), coarse.spectrum(image)[:, :40])
    assert max(asked) <= STRIP
    assert sum(asked) == 150


@pytest.mark.parametrize("displacement", [False, True])
def test_memory_of_a_lazy_analysis(displacement, monkeypatch):
    """Bytes of each pixel: distance to the outline, masks, part of a spectrum, displacement."""
    monkeypatch.setattr(pieces, "MOST_KEPT", 0)
    options = {"resolution": 2.0, "displacement": displacement, "lazy": True}
    for size in (512, 1280):  # the first compiles kernels
        grid = Grid((size, 1024), (0.04, 0.04))
        image = strained(grid, noise=0.3).astype(np.float32)
        reference = np.zeros(grid.shape, bool)
        reference[100:400, 100:400] = True
        tracemalloc.start()
        try:
            field = geometric_phase_analysis(image, grid, SIX[:2], reference=reference, **options)
            field.e_xx[:100].compute()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak / image.size < (14 if displacement else 12.5)
