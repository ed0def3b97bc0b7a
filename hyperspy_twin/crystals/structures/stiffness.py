"""Elastic constants of cubic crystals, which tell how a layer answers to its substrate."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.crystals.structures.alloys import AlloyFamily

# C11, C12, C44 in GPa at 300 K, by the names of the bundled crystals. Si: H. J. McSkimin, J. Appl.
# Phys. 24 (1953) 988; Ge: H. J. McSkimin, P. Andreatch, J. Appl. Phys. 35 (1964) 3312; the others:
# I. Vurgaftman, J. R. Meyer, L. R. Ram-Mohan, J. Appl. Phys. 89 (2001) 5815.
CUBIC_STIFFNESS = {
    "Si": (165.8, 63.9, 79.6),
    "Ge": (128.5, 48.3, 66.8),
    "GaAs": (122.1, 56.6, 60.0),
    "InAs": (83.29, 45.26, 39.59),
    "AlAs": (125.0, 53.4, 54.2),
    "GaP": (140.5, 62.03, 70.33),
    "InP": (101.1, 56.1, 45.6),
    "InSb": (68.47, 37.35, 31.11),
    "GaSb": (88.42, 40.26, 43.22),
}


def alloy_stiffness(family: AlloyFamily, x: np.ndarray) -> np.ndarray:
    """C11, C12 and C44 of alloys in GPa, linear in x, shape (n, 3).

    Deviations from the line are below the errors of the constants: Y. M. Niquet et al., Phys. Rev.
    B 79 (2009) 245201, take the same for Si(1-x)Ge(x).
    """
    first, last = (np.array(CUBIC_STIFFNESS[end]) for end in family.ends)
    part = np.asarray(x, float)[:, None]
    return (1.0 - part) * first + part * last
