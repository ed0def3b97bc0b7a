"""The check of a model by its forces, and maps of forces, by the methods of the signal."""

import numpy as np
import pytest

import hyperspy_twin as ht


@pytest.fixture(scope="module")
def alloyed(chain):
    """Model with the alloy that the sample has."""
    phases = ["Si0.3Ge0.7", "Ge"]
    strain = chain.found.index_phases(phases).gpa()
    return strain, strain.to_atoms(thickness=2.0)


def moved(model, jump, line):
    """The same model after the scan jumped along x, as a strain map shows it."""
    from scipy.special import ndtr

    found = model.deepcopy()
    resolution = 10.0 * model._state("strain").resolution
    y = found.data[:, 1]
    found.data[:, 0] += jump * ndtr((y - line) / resolution)
    return found


def test_a_clean_model_is_not_blamed_and_a_jump_is(alloyed):
    strain, model = alloyed
    assert len(model.check()) == 0
    table = moved(model, 0.12, 76.0).check(strain)
    assert list(table["kind"]) == ["scan line"]
    assert table["y"][0] == pytest.approx(7.6, abs=0.6)
    assert table["displacement_x"][0] == pytest.approx(12.0, rel=0.4)
    assert table["cause"][0].startswith("scan: jump of +1")
    assert table.units["displacement_x"] == "pm"


def test_check_needs_a_model_of_an_image_and_a_chance(alloyed):
    _, model = alloyed
    with pytest.raises(ValueError, match="errors of the positions"):
        ht.AtomicModel.from_ase(_silicon()).check()
    with pytest.raises(ValueError, match="chance"):
        model.check(chance=0.0)
    with pytest.raises(ValueError, match="StrainMap"):
        model.check(model)


def test_check_says_which_elements_it_does_not_know(alloyed):
    oxide = alloyed[1].deepcopy()
    oxide.data[:, 3] = np.where(oxide.numbers == 14, 22, oxide.numbers)
    assert 22 in oxide.numbers
    with pytest.raises(ValueError, match=r"no constants of Ti.*forces\(calculator"):
        oxide.check()


def _silicon():
    from ase.build import bulk

    return bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)


def test_forces_are_shown_by_columns_and_pixels(alloyed, chain):
    _, model = alloyed
    with pytest.raises(ValueError, match="call forces"):
        model.plot("force")
    computed = model.forces()
    figure = computed.plot("force", image=chain.micrograph)
    assert figure.axes[1].get_ylabel() == "force (eV/Å)"
    shown = figure.axes[0].collections[0].get_array()
    size = np.linalg.norm(computed.force, axis=1)
    assert shown.mean() == pytest.approx(size.mean(), rel=1e-6)
    assert np.unique(np.round(shown, 9)).size < size.size / 3
    found = computed.force_map(chain.micrograph)
    assert found.data.shape == chain.micrograph.data.shape
    inside = found.data[40:-40, 40:-40]
    assert np.isfinite(inside).all()
    assert inside.mean() == pytest.approx(size.mean(), rel=0.2)
    with pytest.raises(ValueError, match="width"):
        computed.force_map(chain.micrograph, width=0.0)
