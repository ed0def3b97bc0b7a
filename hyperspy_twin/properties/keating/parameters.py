"""Force constants of valence force fields, with their sources."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import constants

# Å per side of the cube over the length of the bond in diamond and zincblende.
EDGE_PER_BOND = 4 / np.sqrt(3)
# eV/Å² in one N/m.
PER_NEWTON_PER_METRE = 1e-20 / constants.elementary_charge
# GPa times Å in one N/m.
GIGAPASCAL_ANGSTROM = 0.1


class ForceConstants(NamedTuple):
    """Of one kind of bond, in N/m, and its length without strain in Å.

    ``stretch``, ``bend``, ``cross_stretch`` and ``coplanar`` are alpha, beta, delta and nu of the
    sources.
    """

    length: float
    stretch: float
    bend: float
    cross_stretch: float = 0.0
    coplanar: float = 0.0


def from_elastic_constants(edge: float, c11: float, c12: float) -> ForceConstants:
    """Keating constants that have the elastic constants C11 and C12 in GPa.

    Those of P. N. Keating, Phys. Rev. 145 (1966) 637, without the Coulomb term:
    C11 + 2 C12 = sqrt(3) (3 alpha + beta) / (4 d) and C11 - C12 = sqrt(3) beta / d.
    """
    length = edge / EDGE_PER_BOND
    bend = GIGAPASCAL_ANGSTROM * length * (c11 - c12) / np.sqrt(3)
    total = GIGAPASCAL_ANGSTROM * 4 * length * (c11 + 2 * c12) / np.sqrt(3)
    return ForceConstants(length, (total - bend) / 3, bend)


def from_hydride(length: float, symmetric: float, bending: float) -> ForceConstants:
    """Constants of the bond to hydrogen that have two vibrations of a hydride XH4 in 1/cm.

    In both of them X is at rest: all bonds are stretched, 6 alpha + beta = 2 m omega²; or angles
    change at constant lengths (species e), 2 beta = m omega²; m is the mass of hydrogen.
    """
    mass = 1.00794 * constants.atomic_mass
    stretched, bent = (
        mass * (2 * np.pi * constants.c * 100 * one) ** 2 for one in (symmetric, bending)
    )
    bend = bent / 2
    return ForceConstants(length, (2 * stretched - bend) / 6, bend)


# Keating constants of R. M. Martin, Phys. Rev. B 1 (1970) 4005, in the normalisation of C. Pryor,
# J. Kim, L. W. Wang, A. J. Williamson, A. Zunger, J. Appl. Phys. 83 (1998) 2548. Martin's table is
# for an added Coulomb term: without it C44 of the compounds is 10 to 21 % low. Edges at 300 K: I.
# Vurgaftman, J. R. Meyer, L. R. Ram-Mohan, J. Appl. Phys. 89 (2001) 5815; Si and Ge: J. P.
# Dismukes, L. Ekstrom, R. J. Paff, J. Phys. Chem. 68 (1964) 3021.
KEATING = {
    ("Si", "Si"): ForceConstants(5.431 / EDGE_PER_BOND, 48.50, 13.81),
    ("Ge", "Ge"): ForceConstants(5.658 / EDGE_PER_BOND, 38.67, 11.35),
    ("Ga", "As"): ForceConstants(5.65325 / EDGE_PER_BOND, 41.19, 8.95),
    ("Ga", "Sb"): ForceConstants(6.0959 / EDGE_PER_BOND, 33.16, 7.22),
    ("In", "P"): ForceConstants(5.8697 / EDGE_PER_BOND, 43.04, 6.24),
    ("In", "As"): ForceConstants(6.0583 / EDGE_PER_BOND, 35.18, 5.50),
    ("In", "Sb"): ForceConstants(6.4794 / EDGE_PER_BOND, 29.61, 4.77),
    # From elastic constants at 300 K. Diamond: H. J. McSkimin, P. Andreatch, J. Appl. Phys. 43
    # (1972) 2944. Grey tin, of its acoustic vibrations at 90 K: D. L. Price, J. M. Rowe, R. M.
    # Nicklow, Phys. Rev. B 3 (1971) 1268, as in H. Tran et al., J. Appl. Phys. 119 (2016) 103106.
    ("C", "C"): from_elastic_constants(3.567, 1079.0, 124.0),
    ("Sn", "Sn"): from_elastic_constants(6.489, 69.0, 29.3),
    # Vurgaftman et al. (2001), as above.
    ("Al", "P"): from_elastic_constants(5.4672, 133.0, 63.0),
    ("Al", "As"): from_elastic_constants(5.6611, 125.0, 53.4),
    ("Al", "Sb"): from_elastic_constants(6.1355, 87.69, 43.41),
    ("Ga", "P"): from_elastic_constants(5.4505, 140.5, 62.03),
    # R. D. Greenough, S. B. Palmer, J. Phys. D 6 (1973) 587, at 298 K.
    ("Cd", "Te"): from_elastic_constants(6.482, 53.8, 37.4),
}
# Modified valence force field for spectra: Z. Sui, I. P. Herman, Phys. Rev. B 48 (1993) 17938; A.
# Paul, M. Luisier, G. Klimeck, J. Comput. Electron. 9 (2010) 160. C12 is 50 % high: not for strain.
MODIFIED = {
    ("Si", "Si"): ForceConstants(5.431 / EDGE_PER_BOND, 49.4, 4.79, 5.2, 6.99),
    ("Ge", "Ge"): ForceConstants(5.658 / EDGE_PER_BOND, 44.32, 3.68, 4.95, 6.13),
}
# Bonds to hydrogen, from the lengths and the vibrations nu1 and nu2 of silane and germane: D. R. J.
# Boyd, J. Chem. Phys. 23 (1955) 922; L. P. Lindeman, M. K. Wilson, J. Chem. Phys. 22 (1954) 1723;
# T. Shimanouchi, Tables of Molecular Vibrational Frequencies, NSRDS-NBS 39 (1972).
HYDROGEN = {
    ("Si", "H"): from_hydride(1.480, 2187.0, 975.0),
    ("Ge", "H"): from_hydride(1.525, 2106.0, 931.0),
}
# Å; of the hydrogen molecule (K. P. Huber, G. Herzberg, Constants of Diatomic Molecules, 1979).
# Atoms of hydrogen that are nearer than 1.2 times that have no other bonds, and no constants here.
HYDROGEN_MOLECULE = 0.7414
# Elements that share a lattice in any proportion: a bond of two of them has the means of the length
# and the constants of both, as Y. M. Niquet et al., Phys. Rev. B 79 (2009) 245201, take for SiGe.
MIXED = ("Si", "Ge", "Sn")
