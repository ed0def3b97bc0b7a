"""The state of a signal: declared once, stored as text, read back the same, and rescaled."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals.structures import catalogue
from hyperspy_twin.signals import _twin
from hyperspy_twin.signals._codec import from_plain, to_plain


@dataclass(frozen=True, eq=False)
class Inner:
    crystal: Crystal
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Outer:
    name: str | None
    pair: tuple[int, float]
    inner: tuple[Inner, ...]
    by_region: dict[int, np.ndarray]
    self_like: Inner | None = None


@pytest.mark.parametrize("shape", [(0, 3), (2, 3), (), (4,)])
@pytest.mark.parametrize("kind", [np.int64, np.float32, float, bool])
def test_dataclasses_survive_as_plain_values(shape, kind):
    values = np.full(shape, 1 / 3).astype(kind)
    one = Inner(catalogue.get("Si"), values)
    value = Outer(None, (np.int64(3), 0.1 + 0.2), (one, one), {7: values, 8: np.array([np.nan])})
    crystals: list[str] = []
    plain = to_plain(value, crystals)
    assert len(crystals) == 1
    back = from_plain(Outer, plain, tuple(map(Crystal.from_json, crystals)))
    assert back.name is None and back.self_like is None and back.pair == (3, 0.1 + 0.2)
    assert [inner.crystal for inner in back.inner] == [one.crystal] * 2
    for array in (back.inner[1].values, back.by_region[7]):
        assert array.dtype == values.dtype and array.shape == values.shape
        np.testing.assert_array_equal(array, values)
        assert not array.flags.writeable
    assert np.isnan(back.by_region[8]).all()


@pytest.mark.parametrize("step", ["segmented", "found", "indexed", "strain", "model"])
def test_every_key_is_declared(chain, step):
    node = getattr(chain, step).metadata.Twin.as_dictionary()
    assert node.pop("schema") == _twin.SCHEMA
    node.pop("crystals")
    assert set(node) <= set(_twin.rows())


def test_each_crystal_is_stored_once(chain):
    texts = chain.strain.metadata.Twin.crystals
    assert sorted(Crystal.from_json(text).name for text in texts) == ["Ge", "Si"]
    assert all("fractional" not in text for text in chain.strain.metadata.Twin.phases)
    assert {one.crystal.name for one in chain.strain._state("lattices")} == {"Ge"}


def test_decoding_is_remembered(chain):
    assert chain.indexed.phases[1] is chain.indexed.deepcopy().phases[1]


def test_a_state_of_a_newer_version_is_refused(chain):
    newer = chain.indexed.deepcopy()
    newer.metadata.Twin.schema = _twin.SCHEMA + 1
    with pytest.raises(ValueError, match="newer hyperspy_twin.*upgrade"):
        _ = newer.phases


def test_rescaled_numbers_follow_their_dimension(chain):
    """Whatever the state holds as a length grows with the pixel size, along x and y apart."""
    strain = chain.strain
    changed = _twin.rescale(strain, (2.0, 8.0))
    before = {key: strain._state(key) for key in changed}
    expected = {"outlines", "image_grid", "spectra", "phases", "strain", "choices", "lattices"}
    assert set(changed) == {*expected, "scan"}
    np.testing.assert_allclose(
        changed["outlines"].vertices, before["outlines"].vertices * [2.0, 8.0]
    )
    np.testing.assert_allclose(changed["image_grid"].scale, np.multiply(strain._grid.scale, [2, 8]))
    for new, old in zip(changed["spectra"], before["spectra"], strict=True):
        np.testing.assert_allclose(new.peaks.position, old.peaks.position / [2.0, 8.0])
        np.testing.assert_allclose(new.peaks.error, old.peaks.error / [2.0, 8.0])
        np.testing.assert_allclose(new.peaks.width, old.peaks.width / 4.0)
        np.testing.assert_allclose(new.rings.radius, old.rings.radius / 4.0)
        np.testing.assert_array_equal(new.rings.height, old.rings.height)
        np.testing.assert_array_equal(new.peaks.snr, old.peaks.snr)
    np.testing.assert_allclose(changed["strain"].g, strain.g / [2.0, 8.0])
    assert changed["strain"].resolution == pytest.approx(4 * strain.resolution)
    old, new = before["choices"], changed["choices"]
    assert new.resolution * new.neighbour == pytest.approx(old.resolution * old.neighbour)
    np.testing.assert_allclose(new.reflections.position, old.reflections.position / [2.0, 8.0])
    assert changed["scan"].fly_back == pytest.approx(4 * before["scan"].fly_back)
    x, y = before["lattices"][0].origin
    np.testing.assert_allclose(changed["lattices"][0].origin, (2 * x, 8 * y))


def test_rescaled_there_and_back_is_the_same(chain):
    once = chain.indexed._derive(
        ht.IndexedFFT, "there", {}, **_twin.rescale(chain.indexed, (1.1, 0.9))
    )
    back = _twin.rescale(once, (1 / 1.1, 1 / 0.9))
    for record, old in zip(back["phases"], chain.indexed.phases, strict=True):
        assert record.scale == pytest.approx(old.scale, rel=1e-9)
        np.testing.assert_allclose(record.distortion, old.distortion, atol=1e-9)
        np.testing.assert_allclose(record.orientation, old.orientation, atol=1e-9)
    for new, old in zip(back["spectra"], chain.indexed._state("spectra"), strict=True):
        np.testing.assert_allclose(new.peaks.position, old.peaks.position)


@pytest.fixture(scope="module")
def many_regions(chain):
    """An indexed spectrum of 14 x 16 regions, each with the peaks and phase of one of the chain."""
    rows, columns = chain.micrograph.data.shape
    y, x = np.mgrid[:rows, :columns]
    labels = 1 + 16 * (14 * y // rows) + 16 * x // columns
    segmented = ht.SegmentedImage.from_labels(chain.micrograph, labels)
    spectra, records = chain.indexed._state("spectra"), list(chain.indexed.phases)
    numbers = range(1, 225)
    return chain.indexed._derive(
        ht.IndexedFFT,
        "many",
        {},
        outlines=segmented._outlines,
        spectra=tuple(
            replace(spectra[n % 3], peaks=replace(spectra[n % 3].peaks, region=n)) for n in numbers
        ),
        phases=tuple(replace(records[n % 3], region=n) for n in numbers),
    )


def test_work_grows_with_the_number_of_regions_and_not_with_its_square(many_regions, tmp_path):
    """Relations of 224 regions took 23 s when each look at a region decoded all of them."""
    many_regions.save(tmp_path / "many.hspy")
    loaded = hs.load(tmp_path / "many.hspy")
    start = time.process_time()
    relations = loaded.epitaxy()
    seconds = time.process_time() - start
    assert len(relations) > 400
    assert seconds < 3  # half a second on an idle machine
    start = time.process_time()
    count = sum(len(loaded.peaks(region)) for region in loaded.crystallinity)
    assert time.process_time() - start < 3
    assert count == len(loaded.peaks())
