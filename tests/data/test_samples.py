from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

from hyperspy_twin import data
from hyperspy_twin.data.samples import split_arguments
from hyperspy_twin.simulation import record_image

SCAN = {
    "shape": (256, 320),
    "pixel_size": 0.036,
    "dose": 3e4,
    "scan_jitter": 0.0,
    "jump": (0.0, 0.0),
    "jump_line": 0,
    "drift": (0.0, 0.0),
    "tilt": (0.0, 0.0),
    "seed": 0,
}
SAMPLES = {
    "sige_quantum_well": {"germanium_fraction": 0.7, "well_thickness": 4.0, "thickness": 2.0},
    "nanoparticles": {
        "number": 3,
        "diameter": 3.0,
        "metals": ("Au", "Pd"),
        "film_thickness": 1.0,
    },
    "amorphous_on_crystal": {"layer": "SiO2", "layer_thickness": 3.0, "thickness": 2.0},
    "mismatched_nanowire": {"wire_width": 8.0, "thickness": 2.0},
}


def known(name, **changes):
    return data.truth(name, SCAN | SAMPLES[name] | changes)


def image(name, **changes):
    sample = known(name, **changes)
    scan, _ = split_arguments(SCAN | changes)
    return record_image(sample.positions, sample.numbers, scan=scan)


def power(picture, x, y, pixel_size=0.036):
    """Power of the windowed picture at one spatial frequency in 1/nm."""
    rows, columns = picture.shape
    window = np.hanning(rows)[:, None] * np.hanning(columns)
    wave_y = np.exp(-2j * np.pi * y * pixel_size * np.arange(rows))
    wave_x = np.exp(-2j * np.pi * x * pixel_size * np.arange(columns))
    return abs(wave_y @ ((picture - picture.mean()) * window) @ wave_x)


def look_up(values, points, pixel_size=0.036):
    columns, rows = np.round(points.T / 10 / pixel_size).astype(int)
    return values[rows, columns]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_truth_describes_every_pixel_and_is_repeatable(name):
    first = known(name)
    assert known(name) is first
    assert first.labels.shape == (256, 320)
    assert set(np.unique(first.labels)) - {0} == set(first.phases)
    assert set(first.zone_axes) <= set(first.orientations) <= set(first.phases)
    assert first.reference in first.orientations
    assert first.positions.shape == (len(first.numbers), 3)
    crystal = np.isin(first.labels, list(first.orientations))
    for component in ("e_xx", "e_yy", "e_xy", "rotation"):
        assert np.all(np.isnan(first.strain[component][~crystal]))
        assert np.isfinite(first.strain[component][crystal]).mean() > 0.95
        with pytest.raises(ValueError, match="read-only"):
            first.strain[component][0, 0] = 1
    for matrix in first.orientations.values():
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(matrix) == pytest.approx(1)
    for label, zone in first.zone_axes.items():
        beam = first.orientations[label] @ zone / np.linalg.norm(zone)
        assert beam[2] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_signal_carries_axes_metadata_and_its_own_truth(name):
    signal = getattr(data, name)(**SCAN | SAMPLES[name])
    assert signal.data.shape == (256, 320)
    assert signal.data.dtype == np.float32
    axes = signal.axes_manager.signal_axes
    assert [(a.name, a.units, a.scale, a.offset) for a in axes] == [
        ("x", "nm", 0.036, 0.0),
        ("y", "nm", 0.036, 0.0),
    ]
    assert signal.metadata.Acquisition_instrument.TEM.beam_energy == 200
    assert signal.metadata.General.title
    kept = json.loads(signal.metadata.Twin.sample)
    assert kept["name"] == name
    sample = data.truth(kept["name"], kept["arguments"])
    assert sample is known(name)
    np.testing.assert_array_equal(signal.data, image(name))


def test_seed_decides():
    first, again = image("sige_quantum_well"), image("sige_quantum_well")
    assert np.array_equal(first, again)
    assert not np.array_equal(first, image("sige_quantum_well", seed=1))
    mine, other = known("sige_quantum_well"), known("sige_quantum_well", seed=1)
    assert np.array_equal(mine.positions, other.positions)
    assert not np.array_equal(mine.numbers, other.numbers)


def test_numpy_arguments_are_kept_plain():
    signal = data.amorphous_on_crystal(
        **SCAN | SAMPLES["amorphous_on_crystal"] | {"seed": np.int64(2), "dose": np.float32(1e3)}
    )
    assert json.loads(signal.metadata.Twin.sample)["arguments"]["seed"] == 2


class TestQuantumWell:
    def test_strain_is_the_elasticity_of_a_pseudomorphic_layer(self):
        sample = known("sige_quantum_well")
        barrier, germanium = 5.431 + 0.14 + 0.01323, 5.431 + 0.2 + 0.027
        parallel = barrier / germanium - 1
        stretched = germanium * (1 - 2 * 48.3 / 128.5 * parallel) / barrier - 1
        assert stretched == pytest.approx(0.0231, abs=1e-4)
        for label, expected in ((1, 0), (2, stretched), (3, 0)):
            region = sample.strain["e_yy"][sample.labels == label]
            assert region == pytest.approx(np.full(region.shape, expected), abs=1e-12)

    def test_planes_have_the_spacing_that_the_strain_says(self):
        sample = known("sige_quantum_well")
        planes = np.unique(sample.positions[:, 1].round(6))
        inside = (planes > 10) & (planes < 80)
        spacing = np.diff(planes[inside]) / (5.58423 / 4) - 1
        middle = planes[inside][:-1] + np.diff(planes[inside]) / 2
        points = np.column_stack([np.full(len(middle), 50.0), middle])
        truth = look_up(sample.strain["e_yy"], points)
        interface = np.flatnonzero(np.diff(look_up(sample.labels, points)))
        far = np.ones(len(spacing), bool)
        far[np.concatenate([interface, interface + 1])] = False
        np.testing.assert_allclose(spacing[far], truth[far], atol=1e-6)

    def test_columns_run_straight_through_the_interfaces(self):
        sample = known("sige_quantum_well")
        x = sample.positions[:, 0] / (5.58423 / np.sqrt(8))
        np.testing.assert_allclose(x, np.round(x), atol=1e-9)

    def test_bonds_are_tetrahedral(self):
        from scipy.spatial import cKDTree

        positions = known("sige_quantum_well").positions
        middle = np.all((positions > [20, 20, 6]) & (positions < [90, 70, 14]), axis=1)
        distances = cKDTree(positions).query(positions[middle], k=6)[0]
        np.testing.assert_allclose(distances[:, 1:5], 5.62 * np.sqrt(3) / 4, rtol=0.01)
        assert distances[:, 5].min() > 3.8

    def test_barrier_has_its_composition_and_the_well_is_pure(self):
        sample = known("sige_quantum_well")
        inside = np.all((sample.positions[:, :2] > 0) & (sample.positions[:, :2] < 90), axis=1)
        labels = look_up(sample.labels, sample.positions[inside, :2])
        germanium = sample.numbers[inside] == 32
        assert germanium[labels == 2].all()
        assert germanium[labels == 3].mean() == pytest.approx(0.7, abs=0.02)

    def test_image_has_the_lattice_of_the_atoms(self):
        picture = image("sige_quantum_well")[190:]
        assert np.all(known("sige_quantum_well").labels[190:] == 3)
        expected = 2 / (0.558423 / np.sqrt(2))
        frequencies = np.linspace(expected - 0.1, expected + 0.1, 401)
        measured = frequencies[np.argmax([power(picture, f, 0) for f in frequencies])]
        assert measured == pytest.approx(expected, abs=2e-3)

    def test_well_is_brighter(self):
        picture, labels = image("sige_quantum_well"), known("sige_quantum_well").labels
        assert picture[labels == 2].mean() > 1.15 * picture[labels == 3].mean()

    def test_crystal_fills_the_image_to_its_borders_even_under_drift_and_tilt(self):
        changes = {"drift": (0.8, -0.6), "tilt": (20.0, 20.0), "germanium_fraction": 1.0}
        picture = image("sige_quantum_well", **changes)
        lower = picture[known("sige_quantum_well", **changes).labels[:, 0] == 3]
        # Eleven pixels are two columns of atoms across; sixteen nearly a cell down.
        across = np.convolve(lower.mean(axis=0), np.ones(11) / 11, "valid")
        assert across[[0, -1]] == pytest.approx(np.full(2, np.median(across)), rel=0.02)
        down = np.convolve(lower.mean(axis=1), np.ones(16) / 16, "valid")
        assert down[-1] == pytest.approx(np.median(down), rel=0.08)

    def test_drift_shears_the_labels_with_the_image(self):
        still, moved = known("sige_quantum_well"), known("sige_quantum_well", drift=(0.0, 0.5))
        edges = [np.flatnonzero(np.diff(sample.labels[:, 0])) for sample in (still, moved)]
        np.testing.assert_allclose(edges[1], edges[0] / (1 - 0.5 / (256 * 0.036)), atol=1.1)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"germanium_fraction": 1.2}, "germanium_fraction"),
            ({"well_thickness": 0.0}, "well_thickness"),
            ({"thickness": -5.0}, "thickness"),
        ],
    )
    def test_impossible_wells_are_refused(self, change, message):
        with pytest.raises(ValueError, match=message):
            known("sige_quantum_well", **change)


class TestNanoparticles:
    def test_particles_show_the_reflections_of_their_orientation(self):
        sample, picture = known("nanoparticles"), image("nanoparticles")
        lattice = {"Au": 0.4078, "Pd": 0.3891}
        reflections = {1: (1, -1, 1), 2: (2, 0, 0), 3: (2, -2, 0)}
        for label, indices in reflections.items():
            g = sample.orientations[label] @ np.array(indices) / lattice[sample.phases[label]]
            alone = np.where(sample.labels == label, picture, 0)
            cosine, sine = np.cos(0.35), np.sin(0.35)
            turned = cosine * g[0] - sine * g[1], sine * g[0] + cosine * g[1]
            assert power(alone, *g[:2]) > 8 * power(alone, *turned)

    def test_particles_do_not_touch_and_lie_on_the_film(self):
        from scipy.ndimage import label

        sample = known("nanoparticles")
        assert label(sample.labels < 4)[1] == 3
        metal = sample.positions[sample.numbers != 6]
        assert metal[:, 2].max() < sample.positions[sample.numbers == 6][:, 2].min()
        assert np.all(look_up(sample.labels, metal[:, :2]) < 4)

    def test_sixth_particle_has_no_zone_axis(self):
        sample = known(
            "nanoparticles", shape=(512, 512), number=6, diameter=3.0, film_thickness=0.5
        )
        assert sorted(sample.zone_axes) == [1, 2, 3, 4, 5]
        assert sample.phases[7] == "amorphous"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"number": 40}, "do not fit"),
            ({"number": 2.5}, "whole"),
            ({"diameter": 0.0}, "diameter"),
            ({"diameter": 30.0}, "do not fit"),
            ({"metals": ("Au", "Xx")}, "metals"),
            ({"metals": ()}, "metals"),
        ],
    )
    def test_impossible_particles_are_refused(self, change, message):
        with pytest.raises(ValueError, match=message):
            known("nanoparticles", **change)


class TestAmorphousLayer:
    def test_vacuum_is_dark_and_only_the_crystal_has_a_lattice(self):
        sample, picture = known("amorphous_on_crystal"), image("amorphous_on_crystal")
        vacuum, layer, crystal = (np.flatnonzero(sample.labels[:, 0] == n) for n in (0, 1, 2))
        assert picture[vacuum].mean() < 0.05 * picture[layer].mean()
        g = 2 / (0.5431 / np.sqrt(2))
        strength = [power(picture[rows], g, 0) / len(rows) for rows in (layer, crystal)]
        assert strength[1] > 10 * strength[0]

    def test_no_atoms_overlap_at_the_interface(self):
        from scipy.spatial import cKDTree

        positions = known("amorphous_on_crystal").positions
        assert cKDTree(positions).query(positions, k=2)[0][:, 1].min() >= 1.6

    def test_unknown_layer_is_refused(self):
        with pytest.raises(ValueError, match="layer must be one of"):
            known("amorphous_on_crystal", layer="water")


class TestNanowire:
    FREE = {"wire_width": 40.0}

    def test_both_lattices_are_relaxed_far_from_the_interface(self):
        sample = known("mismatched_nanowire", shape=(1600, 64), **self.FREE)
        for component, wire in (("e_xx", 0.1039), ("e_yy", 0.1039), ("e_xy", 0), ("rotation", 0)):
            strain = sample.strain[component]
            assert strain[:20] == pytest.approx(np.full((20, 64), wire), abs=5e-4)
            nothing = 0.03 if component == "rotation" else 5e-4
            assert strain[-20:] == pytest.approx(np.zeros((20, 64)), abs=nothing)

    def test_strain_is_the_finite_difference_of_the_atoms(self):
        from scipy.spatial import cKDTree

        sample = known("mismatched_nanowire", **self.FREE)
        layer = sample.positions[np.isclose(sample.positions[:, 2], 0)][:, :2]
        tree = cKDTree(layer)
        repeat = 5.8697 / np.sqrt(2)
        rotation = np.radians(sample.strain["rotation"])
        for label, stretch in ((1, 1.1039), (2, 1.0)):
            inside = np.all((layer > 10) & (layer < [105, 84]), axis=1)
            inside &= np.abs(layer[:, 1] - 46.08) > 16
            start = layer[inside]
            start = start[look_up(sample.labels, start) == label]
            _, other = tree.query(start + [repeat * stretch, 0])
            step = layer[other] - start
            middle = start + step / 2
            e_xx, e_xy, turn = (
                look_up(values, middle)
                for values in (sample.strain["e_xx"], sample.strain["e_xy"], rotation)
            )
            assert len(start) > 50
            np.testing.assert_allclose(step[:, 0] / repeat - 1, e_xx, atol=1e-3)
            np.testing.assert_allclose(step[:, 1] / repeat, e_xy - turn, atol=1e-3)

    def test_burgers_circuit_fails_to_close_by_one_lattice_vector(self):
        sample = known("mismatched_nanowire", **self.FREE)
        repeat = 5.8697 / np.sqrt(2)
        turn = np.radians(sample.strain["rotation"])
        distortion = np.stack(
            [
                np.stack([1 + sample.strain["e_xx"], sample.strain["e_xy"] + turn], -1),
                np.stack([sample.strain["e_xy"] - turn, 1 + sample.strain["e_yy"]], -1),
            ],
            -2,
        )
        core_columns = np.flatnonzero(np.isnan(sample.strain["e_xx"]).any(axis=0))
        groups = np.split(core_columns, np.flatnonzero(np.diff(core_columns) > 1) + 1)
        assert len(groups) >= 2
        centres = [int(group.mean()) for group in groups]
        left = centres[0] - 55
        distortion[np.isnan(distortion).any(axis=(-2, -1))] = np.eye(2)
        inverse = np.linalg.inv(distortion)
        closure = {}
        for name, right in (("one", centres[0] + 55), ("two", centres[1] + 55)):
            top, bottom = 70, 190
            path = (
                [(top, c, 1, 0) for c in range(left, right)]
                + [(r, right, 0, 1) for r in range(top, bottom)]
                + [(bottom, c, -1, 0) for c in range(right, left, -1)]
                + [(r, left, 0, -1) for r in range(bottom, top, -1)]
            )
            total = np.zeros(2)
            for row, column, dx, dy in path:
                ends = inverse[row, column] + inverse[row + dy, column + dx]
                total += ends @ [dx * 0.18, dy * 0.18]
            closure[name] = total
        np.testing.assert_allclose(closure["one"], [-repeat, 0], atol=0.1)
        np.testing.assert_allclose(closure["two"], [-2 * repeat, 0], atol=0.15)

    def test_a_column_ends_at_every_dislocation(self):
        from hyperspy_twin.data.nanowire import relax_misfit

        misfit = relax_misfit()
        assert misfit.array.burgers / misfit.substrate_period == pytest.approx(1.05, abs=0.01)
        columns = misfit.array.cores / misfit.substrate_period
        np.testing.assert_allclose(columns, np.round(columns), atol=1e-9)
        assert misfit.wire_period * np.sqrt(2) == pytest.approx(6.4794, rel=5e-5)

    def test_no_two_atoms_collide_and_vacuum_is_empty(self):
        from scipy.spatial import cKDTree

        sample = known("mismatched_nanowire")
        assert cKDTree(sample.positions).query(sample.positions, k=2)[0][:, 1].min() > 1.9
        picture = image("mismatched_nanowire")
        assert picture[:, :20].mean() < 0.03 * picture[sample.labels == 1].mean()

    def test_negative_width_is_refused(self):
        with pytest.raises(ValueError, match="wire_width"):
            known("mismatched_nanowire", wire_width=-1.0)


def test_signature_shows_the_arguments_of_the_scan():
    shown = inspect.signature(data.nanoparticles).parameters
    assert list(shown) == [*SCAN, *SAMPLES["nanoparticles"]]
    assert shown["pixel_size"].default == 0.036
    with pytest.raises(TypeError, match="colour"):
        data.nanoparticles(colour="red")


def test_unknown_samples_and_arguments_are_refused():
    with pytest.raises(ValueError, match="no sample 'graphene'"):
        data.truth("graphene", SCAN)
    with pytest.raises(TypeError):
        data.truth("sige_quantum_well", SCAN)
    with pytest.raises(TypeError):
        known("sige_quantum_well", colour="red")
