"""Every signal type keeps its class, data and state through what HyperSpy does to signals."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht

STEPS = ("micrograph", "segmented", "found", "indexed", "strain", "model")
CLASSES = {
    "micrograph": "Micrograph",
    "segmented": "SegmentedImage",
    "found": "IndexedFFT",
    "indexed": "IndexedFFT",
    "strain": "StrainMap",
    "model": "AtomicModel",
}


def state(signal):
    """What a user can ask of a signal, as plain values."""
    kind = type(signal).__name__.removeprefix("Lazy")
    if kind == "SegmentedImage":
        return [signal.labels.data]
    if kind == "IndexedFFT":
        peaks = signal.peaks()
        return [peaks[name] for name in peaks.columns] + [
            str(signal.crystallinity),
            [(r.phase, r.zone_axis, r.score, r.reason) for r in signal.phases],
        ]
    if kind == "StrainMap":
        return [np.asarray(signal.e_yy.data), signal.g, signal.reference, signal.resolution]
    if kind == "AtomicModel":
        return [signal.positions, signal.numbers, signal.region, signal.cell]
    return [repr(signal.calibration)]


def assert_same(signal, other):
    assert type(signal) is type(other)
    np.testing.assert_array_equal(np.asarray(signal.data), np.asarray(other.data))
    for one, two in zip(state(signal), state(other), strict=True):
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, two)
        else:
            assert one == two
    assert signal.history == other.history


@pytest.mark.parametrize("step", STEPS)
def test_class_and_history(chain, step):
    signal = getattr(chain, step)
    assert type(signal).__name__ == CLASSES[step]
    expected = {"found": 2, "micrograph": 0}.get(step, STEPS.index(step))
    assert len(signal.history) == expected


@pytest.mark.parametrize("step", STEPS)
def test_deepcopy(chain, step):
    signal = getattr(chain, step)
    assert_same(signal, signal.deepcopy())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
@pytest.mark.parametrize("lazy", [False, True])
def test_saved_and_loaded(chain, step, suffix, lazy, tmp_path):
    signal = getattr(chain, step)
    path = tmp_path / f"signal.{suffix}"
    signal.save(path)
    loaded = hs.load(path, lazy=lazy)
    assert type(loaded).__name__ == ("Lazy" if lazy else "") + CLASSES[step]
    if lazy:
        loaded.compute(show_progressbar=False)
    assert_same(signal, loaded)


@pytest.mark.parametrize("step", STEPS)
def test_lazy_and_back(chain, step):
    signal = getattr(chain, step)
    lazy = signal.as_lazy()
    assert type(lazy).__name__ == "Lazy" + CLASSES[step]
    lazy.compute(show_progressbar=False)
    assert_same(signal, lazy)


@pytest.mark.parametrize("step", STEPS)
def test_arithmetic(chain, step):
    signal = getattr(chain, step)
    result = (signal * 2) / 2
    assert type(result) is type(signal)
    assert result.history == signal.history
    if step != "model":
        for one, two in zip(state(signal), state(result), strict=True):
            if isinstance(one, np.ndarray):
                np.testing.assert_allclose(one, two, rtol=1e-6)


def test_crop_keeps_regions_in_place(chain):
    segmented = chain.segmented
    crop = segmented.isig[40:-20, 60:-30]
    assert type(crop) is type(segmented)
    np.testing.assert_array_equal(crop.labels.data, segmented.labels.data[60:-30, 40:-20])
    assert (
        crop.find_peaks(show_progressbar=False).crystallinity.keys()
        == chain.found.crystallinity.keys()
    )


def test_crop_of_a_strain_map_fills_its_own_field(chain):
    crop = chain.strain.isig[100:300, 50:250]
    np.testing.assert_array_equal(crop.e_xx.data, chain.strain.e_xx.data[50:250, 100:300])
    part = crop.to_atoms(thickness=2.0)
    low, high = part.positions[:, :2].min(axis=0), part.positions[:, :2].max(axis=0)
    scale = 10 * crop.axes_manager.signal_axes[0].scale
    assert np.all(low >= np.array([99.5, 49.5]) * scale - 1e-6)
    assert np.all(high <= np.array([299.5, 249.5]) * scale + 1e-6)
    assert len(part.data) > 1000


def test_components_after_slicing(chain):
    part = chain.strain.inav[1:4]
    np.testing.assert_array_equal(part.e_yy.data, chain.strain.data[1])
    np.testing.assert_array_equal(part.rotation.data, chain.strain.data[3])
    with pytest.raises(ValueError, match="sliced away"):
        _ = part.e_xx


def test_atoms_are_sliced_like_any_navigation(chain):
    part = chain.model.inav[:10]
    assert type(part) is ht.AtomicModel
    np.testing.assert_array_equal(part.positions, chain.model.positions[:10])
    assert len(part.to_ase()) == 10


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_chain_continues_from_a_file_at_any_step(chain, suffix, tmp_path):
    def reload(signal):
        path = tmp_path / f"step.{suffix}"
        signal.save(path, overwrite=True)
        return hs.load(path)

    found = reload(reload(chain.micrograph).segment()).find_peaks(show_progressbar=False)
    strain = reload(reload(found).index_phases(["Si", "Ge"])).gpa()
    assert_same(chain.model, reload(strain).to_atoms(thickness=2.0))


def test_lazy_micrograph_goes_through_the_chain(chain):
    strain = (
        chain.micrograph.as_lazy()
        .segment()
        .find_peaks(show_progressbar=False)
        .index_phases(["Si", "Ge"])
        .gpa()
    )
    np.testing.assert_array_equal(strain.data, chain.strain.data)


def test_stacked_and_transposed_results_keep_their_class(chain):
    assert type(hs.stack([chain.micrograph] * 2, show_progressbar=False)) is ht.Micrograph
    assert type(chain.strain.inav[0]) is ht.StrainMap


def test_history_tells_parameters_versions_and_input(chain):
    steps = chain.model.history
    assert [step["step"] for step in steps] == [
        "segment",
        "find_peaks",
        "index_phases",
        "gpa",
        "to_atoms",
    ]
    assert steps[2]["parameters"]["candidates"] == ["Si", "Ge"]
    assert steps[4]["parameters"] == {"thickness": 2.0, "seed": 0}
    assert all(step["versions"]["numpy"] == np.__version__ for step in steps)
    assert steps[0]["input"] != steps[3]["input"]
    assert chain.micrograph.segment().history == chain.segmented.history


def test_representations_say_what_is_inside(chain):
    assert "reference: region" in repr(chain.strain)
    assert f"atoms: {len(chain.model.data)}" in repr(chain.model)
