"""Published parameters of the sp3d5s* model, as arrays by species."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from hyperspy_twin.properties.tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

# Two-centre integrals: the first letter is the orbital on the first atom, S the excited s orbital
# s*, the last letter the bond: sigma, pi or delta.
INTEGRALS = (
    *("sss", "sSs", "Sss", "SSs", "sps", "pss", "Sps", "pSs", "sds", "dss", "Sds", "dSs"),
    *("pps", "ppp", "pds", "dps", "pdp", "dpp", "dds", "ddp", "ddd"),
)
ORBITALS = ("s", "p", "d", "S")
# Changes of on-site energies and couplings with the neighbours' distances and directions.
STRAIN_TERMS = (
    *("alpha_s", "alpha_p", "alpha_d", "alpha_S", "beta_p0", "beta_p1", "beta_pd0", "beta_pd1"),
    *("beta_d", "beta_sp", "beta_Sp", "beta_sd", "beta_Sd"),
)
# Integrals of free electrons fall with the square of the distance: W. A. Harrison, Electronic
# Structure and the Properties of Solids (1980). Jancu's exponents for each integral, which were
# fitted to deformation potentials, are not in the tables.
HARRISON_EXPONENT = 2.0
NIQUET, JANCU, BOYKIN = "Niquet 2009", "Jancu 1998", "Boykin 2004"


@dataclass(frozen=True)
class TightBindingParameters:
    """Parameters of the sp3d5s* model with spin-orbit coupling on p, of k species.

    Hydrogen has its s orbital alone: its other energies and integrals are zero.

    Attributes
    ----------
    name, citation
        Of the set.
    numbers
        Atomic number of each species, shape (k,).
    onsite
        Energies of s, p, d and s* in eV, shape (k, 4).
    spin_orbit
        One third of the splitting of the atomic p level in eV, shape (k,).
    strain
        On-site terms in the order of ``STRAIN_TERMS`` in eV, shape (k, 13).
    lengths
        Unstrained bonds in Å, shape (k, k); NaN between species without parameters, and 0 between
        those that have no bonds.
    integrals, exponents
        Of bonds from the first species to the second, in the order of ``INTEGRALS``: integrals in
        eV at the unstrained length d0, which change as (d0/d) to the exponent; shape (k, k, 21).
    """

    name: str
    citation: str
    numbers: np.ndarray
    onsite: np.ndarray
    spin_orbit: np.ndarray
    strain: np.ndarray
    lengths: np.ndarray
    integrals: np.ndarray
    exponents: np.ndarray

    @property
    def symbols(self) -> list[str]:
        """Symbols of the species."""
        return [chemical_symbols[one] for one in self.numbers]

    def species(self, numbers: np.ndarray) -> np.ndarray:
        """Index of the species of each atom by atomic number, shape (n,) int8."""
        index = np.full(len(chemical_symbols), -1, np.int8)
        index[self.numbers] = np.arange(len(self.numbers))
        return index[np.asarray(numbers)]

    def bonds(
        self, positions: np.ndarray, numbers: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]
    ) -> TetrahedralBonds:
        """Find the bonds of atoms, see :func:`find_tetrahedral_bonds`."""
        return find_tetrahedral_bonds(
            positions,
            cell,
            pbc,
            species=self.species(numbers),
            lengths=self.lengths,
            names=self.symbols,
        )


def tight_binding_parameters(
    numbers: Iterable[int], name: str | None = None
) -> TightBindingParameters:
    """Parameters for all elements of a model.

    Silicon, germanium and their alloys use Niquet et al. 2009; III-V compounds and diamond Jancu
    et al. 1998 with integrals that fall with the square of the distance and no on-site strain
    terms. Boykin et al. 2004 have hydrogen on silicon, whose integrals do not change with the
    length of its bond, and no on-site strain terms either.

    Parameters
    ----------
    numbers
        Atomic numbers that occur.
    name
        ``"Niquet 2009"``, ``"Jancu 1998"`` or ``"Boykin 2004"``; default the first of these that
        has the elements, without hydrogen.

    Raises
    ------
    ValueError
        Elements that no set has together, or an unknown name.
    """
    elements = tuple(sorted({chemical_symbols[int(one)] for one in numbers}))
    if name not in (None, NIQUET, JANCU, BOYKIN):
        raise ValueError(
            f"parameters {name!r} are not known: use {NIQUET!r}, {JANCU!r} or {BOYKIN!r}"
        )
    if not elements:
        raise ValueError("the model has no atoms")
    if name == BOYKIN and set(elements) <= {"Si", "Ge", "H"}:
        return _of_alloys("boykin2004", elements)
    if "H" in elements:
        raise ValueError(
            f"hydrogen has no parameters in {name or 'the sets that are chosen from'}: take the "
            "hydrogen out, missing bonds are passivated by a shift of their hybrids; or, on "
            f"silicon, give parameters={BOYKIN!r}"
        )
    if name in (None, NIQUET) and set(elements) <= {"Si", "Ge"}:
        return _of_alloys("niquet2009", elements)
    material = _jancu_material(elements)
    if material is not None and name in (None, JANCU):
        return _jancu(material)
    offered = (
        f"{NIQUET} and {BOYKIN}: Si, Ge and their alloys; "
        f"{JANCU}: {', '.join(_table('jancu1998')['materials'])}"
    )
    wanted = f" of {name}" if name else ""
    raise ValueError(
        f"no tight-binding parameters{wanted} for {', '.join(elements)} in one model ({offered}); "
        "compute the crystals apart, or keep the regions of one of them"
    )


def _of_alloys(name: str, elements: tuple[str, ...]) -> TightBindingParameters:
    table = _table(name)
    pairs, strain = _pairs(elements, table["length"]), table.get("strain", {})
    none = {key: dict.fromkeys(INTEGRALS, 0.0) for key in ("hopping", "exponent")}
    bonds = [(table["bonds"].get(one, none), back) for one, back in pairs]
    onsite = np.array([[table["onsite"][one][key] for key in ORBITALS] for one in elements])
    return TightBindingParameters(
        name=table["name"],
        citation=table["citation"],
        numbers=np.array([atomic_numbers[one] for one in elements]),
        onsite=onsite + np.array([table["offset"][one] for one in elements])[:, None],
        spin_orbit=np.array([table["onsite"][one]["spin_orbit"] for one in elements]),
        strain=np.array(
            [[strain.get(one, {}).get(key, 0.0) for key in STRAIN_TERMS] for one in elements]
        ),
        lengths=_square([table["length"][bond] for bond, _ in pairs]).astype(float),
        integrals=_square([_ordered(one["hopping"], back) for one, back in bonds]),
        exponents=_square([_ordered(one["exponent"], back) for one, back in bonds]),
    )


def _jancu(material: str) -> TightBindingParameters:
    table = _table("jancu1998")
    entry = table["materials"][material]
    roles = _anion_and_cation(material)
    integrals = np.array([[_ordered(entry["hopping"], back) for back in (False, True)]])
    if len(roles) == 1:
        lengths, integrals = np.ones((1, 1)), integrals[:, :1]
    else:
        lengths = np.where(np.eye(2, dtype=bool), np.nan, 1.0)
        integrals = np.stack([np.zeros((2, len(INTEGRALS))), integrals[0]])
        integrals = np.array(
            [[integrals[0, 0], integrals[1, 0]], [integrals[1, 1], integrals[0, 0]]]
        )
    keys = list(roles.values())
    return TightBindingParameters(
        name=table["name"],
        citation=table["citation"],
        numbers=np.array([atomic_numbers[one] for one in roles]),
        onsite=np.array([[entry[role][key] for key in ORBITALS] for role in keys]),
        spin_orbit=np.array([entry[role]["spin_orbit"] for role in keys]),
        strain=np.zeros((len(roles), len(STRAIN_TERMS))),
        lengths=lengths * entry["edge"] * np.sqrt(3.0) / 4.0,
        integrals=integrals,
        exponents=np.full(integrals.shape, HARRISON_EXPONENT),
    )


def _jancu_material(elements: tuple[str, ...]) -> str | None:
    for material in _table("jancu1998")["materials"]:
        if set(_anion_and_cation(material)) == set(elements):
            return material
    return None


def _anion_and_cation(material: str) -> dict[str, str]:
    """Role of each element; elementary crystals have the same numbers in both."""
    from ase.formula import Formula

    cation, *anion = Formula(material).count()
    return {anion[0]: "anion", cation: "cation"} if anion else {cation: "anion"}


def _pairs(elements: tuple[str, ...], bonds: dict[str, Any]) -> list[tuple[str, bool]]:
    """Name of the bond of each ordered pair, and whether it is written the other way round."""
    ways = [(f"{one}-{other}", f"{other}-{one}") for one in elements for other in elements]
    return [(way, False) if way in bonds else (back, True) for way, back in ways]


def _ordered(table: dict[str, float], back: bool) -> list[float]:
    """Numbers of a bond in the order of the integrals; one that is given one way serves both."""
    swapped = [one[1] + one[0] + one[2] for one in INTEGRALS]
    first, second = (swapped, INTEGRALS) if back else (INTEGRALS, swapped)
    return [
        table[one] if one in table else table[other]
        for one, other in zip(first, second, strict=True)
    ]


def _square(values: list[Any]) -> np.ndarray:
    array = np.array(values)
    size = round(np.sqrt(len(array)))
    return array.reshape(size, size, *array.shape[1:])


@cache
def _table(name: str) -> dict[str, Any]:
    return json.loads(files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
