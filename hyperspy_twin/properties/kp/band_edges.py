"""Band edges of strained silicon-germanium, by deformation potentials: a fast estimate.

A hydrostatic strain moves each edge by its deformation potential times the trace of the strain. A
biaxial strain of a layer on (001) with s = e_perp - e_par splits the valence band into

    E_HH = E_v - b s,
    E_LH = E_v - D / 2 + b s / 2 + (1 / 2) sqrt(D^2 + 2 D b s + 9 b^2 s^2),

with the spin-orbit splitting D, and the six valleys along <100> into two of [001], which move by
(2 / 3) Xi s, and four in the plane, which move by half as much to the other side.

References
----------
F. H. Pollak, M. Cardona, Phys. Rev. 172, 816 (1968); C. Herring, E. Vogt, Phys. Rev. 101, 944
(1956).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Order of the edges that :func:`strained_edges` gives.
EDGES = ("heavy holes", "light holes", "Delta [001]", "Delta in plane", "L", "Gamma")


@dataclass(frozen=True)
class EdgeParameters:
    """Edges of a cubic crystal without strain, and how strain moves them, in eV.

    Attributes
    ----------
    valence, delta, l, gamma
        Top of the valence band, and minima of the conduction band along <100>, at L and at Gamma.
    split_off
        Spin-orbit splitting of the valence band.
    valence_shift, delta_shift, l_shift, gamma_shift
        Deformation potentials of a hydrostatic strain, each of the edge itself.
    b
        Deformation potential of tetragonal shear of the valence band.
    xi
        The same of the valleys along <100>.
    """

    valence: float
    delta: float
    l: float  # noqa: E741
    gamma: float
    split_off: float
    valence_shift: float
    delta_shift: float
    l_shift: float
    gamma_shift: float
    b: float
    xi: float


# Measured on bands() of this package, of two atoms with strains of 0.2 %: thus of the tight binding
# of Niquet et al., Phys. Rev. B 79, 245201 (2009), at 0 K, with silicon's valence band at 0.
SILICON = EdgeParameters(
    0.0, 1.1729, 2.1924, 3.2701, 0.0440, 2.380, 3.814, -0.822, 1.648, -2.09, 8.70
)
GERMANIUM = EdgeParameters(
    0.68, 1.6442, 1.4172, 1.5863, 0.2961, 2.230, 3.333, -0.960, -6.784, -2.73, 9.02
)
# eV, how far the valleys along <100> of the alloy lie below the straight line, over x (1 - x):
# 0.28, 0.25 and 0.25 by bands() of random cells of 64 atoms, relaxed by Keating's forces, of
# x = 0.25, 0.5 and 0.75 with three seeds each. The top of the valence band lay less than 8 meV
# below its line; the edges at L and Gamma, which fold onto one another, are taken as linear.
DELTA_BOWING = 0.26


def edge_parameters(x: float | np.ndarray) -> EdgeParameters:
    """Parameters of Si(1-x)Ge(x): linear but for the valleys along <100>."""
    x = np.asarray(x, float)
    found = {
        name: (1.0 - x) * getattr(SILICON, name) + x * getattr(GERMANIUM, name)
        for name in EdgeParameters.__dataclass_fields__
    }
    found["delta"] = found["delta"] - DELTA_BOWING * x * (1.0 - x)
    return EdgeParameters(**found)


def strained_edges(x: np.ndarray, parallel: np.ndarray, perpendicular: np.ndarray) -> np.ndarray:
    """Band edges of layers on (001) with biaxial strain.

    Parameters
    ----------
    x
        Fraction of germanium, shape (...).
    parallel, perpendicular
        Strain in the plane and along the growth direction against the relaxed alloy, (...).

    Returns
    -------
    numpy.ndarray
        In eV, in the order of ``EDGES``, shape (6, ...).
    """
    one = edge_parameters(x)
    parallel, perpendicular = np.asarray(parallel, float), np.asarray(perpendicular, float)
    trace, shear = 2.0 * parallel + perpendicular, perpendicular - parallel
    split, moved = one.split_off, one.b * shear
    top = one.valence + one.valence_shift * trace
    root = np.sqrt(split**2 + 2.0 * split * moved + 9.0 * moved**2)
    delta = one.delta + one.delta_shift * trace
    return np.array(
        [
            top - moved,
            top + 0.5 * (moved - split + root),
            delta + 2.0 / 3.0 * one.xi * shear,
            delta - 1.0 / 3.0 * one.xi * shear,
            one.l + one.l_shift * trace,
            one.gamma + one.gamma_shift * trace,
        ]
    )


@dataclass(frozen=True, eq=False)
class LayerProfile:
    """Composition and lattice along the growth direction, from a measurement.

    Attributes
    ----------
    x
        Fraction of germanium, shape (n,).
    x_error
        Its standard error of its own, shape (n,).
    x_slope
        How it follows the measured strain along the growth direction, dx/de, shape (n,): 0 where
        it was measured apart, by spectroscopy.
    parallel, perpendicular
        Lattice in the plane and along the growth direction over that of the reference, less one.
    parallel_error, perpendicular_error
        Standard errors.
    """

    x: np.ndarray
    x_error: np.ndarray
    x_slope: np.ndarray
    parallel: np.ndarray
    perpendicular: np.ndarray
    parallel_error: np.ndarray
    perpendicular_error: np.ndarray


def edges_of_layers(
    profile: LayerProfile, reference: float, relaxed: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Edges along a profile and their standard errors.

    Parameters
    ----------
    profile
        What is measured.
    reference
        Lattice constant of the cubic crystal that strain is relative to, in Å.
    relaxed
        Lattice constant in Å of the relaxed alloy of a composition.

    Returns
    -------
    edges, errors
        In eV, in the order of ``EDGES``, shape (6, n).
    """

    def edges(dx: float, parallel: float, perpendicular: float) -> np.ndarray:
        along = parallel * profile.parallel_error
        across = perpendicular * profile.perpendicular_error
        x = profile.x + dx * profile.x_error + profile.x_slope * across
        ratio = reference / relaxed(x)
        return strained_edges(
            x,
            ratio * (1.0 + profile.parallel + along) - 1.0,
            ratio * (1.0 + profile.perpendicular + across) - 1.0,
        )

    steps = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    changes = [0.5 * (edges(*step) - edges(*(-one for one in step))) for step in steps]
    return edges(0.0, 0.0, 0.0), np.sqrt(np.sum(np.square(changes), axis=0))
