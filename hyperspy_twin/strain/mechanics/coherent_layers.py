"""Composition of a layer from its strain, if it is coherent with the substrate.

A cubic layer of lattice constant a(x) on a substrate of a_s takes its spacing in the plane, which
strains it by e_par = a_s / a(x) - 1, and answers with e_perp = k e_par along the growth direction.
The spacing along the growth direction is a(x) (1 + k e_par), so that the strain against the
substrate is (1 - k) a(x) / a_s + k - 1. On (001), k = -2 C12 / C11 in a crystal that is thick along
the beam. In a thin lamella the surfaces relax: there is no stress along the beam, and k is minus
the Poisson ratio of a stress in the plane of the layer across the beam.

References
----------
J. M. Gibson, M. M. J. Treacy, Ultramicroscopy 14 (1984) 345; M. M. J. Treacy, J. M. Gibson, J. Vac.
Sci. Technol. B 4 (1986) 1458.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

import numpy as np

from hyperspy_twin.core import OrientedCrystal
from hyperspy_twin.strain.mechanics.measured_strain import MeasuredStrain

Limit = Literal["bulk", "lamella"]
LIMITS = ("bulk", "lamella")
# Voigt's pairs of axes.
PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
# Standard errors by which a composition may lie outside of 0 to 1, and by how much it always may.
OUTSIDE = 3.0
SYSTEMATIC = 0.05
# A layer is coherent if its strain in the plane is below this fraction of the misfit, or below
# what outlines and the relaxation of a foil make.
COHERENT_FRACTION = 0.2
COHERENT_STRAIN = 1e-3
# Degrees between an outline as it was found and a plane of low indices, and the largest of these.
NEAR_INTERFACE = 6.0
LARGEST_INDEX = 3


@dataclass(frozen=True, eq=False)
class CubicAlloy:
    """A cubic alloy at compositions x.

    Attributes
    ----------
    name
        Its name.
    x
        Compositions, rising, shape (n,).
    lattice_constant
        In Å, shape (n,).
    stiffness
        C11, C12, C44 in GPa, shape (n, 3).
    """

    name: str
    x: np.ndarray
    lattice_constant: np.ndarray
    stiffness: np.ndarray


@dataclass(frozen=True, eq=False)
class Layers:
    """How layers stand on their substrate.

    Attributes
    ----------
    substrate
        Lattice constant of the substrate in Å.
    growth, beam
        Directions of the crystal (Cartesian) along the growth and along the beam, shape (3,).
    limit
        ``"bulk"`` for a crystal that is thick along the beam, ``"lamella"`` for a thin one.
    """

    substrate: float
    growth: np.ndarray
    beam: np.ndarray
    limit: Limit


def perpendicular_response(
    stiffness: np.ndarray, growth: np.ndarray, beam: np.ndarray, limit: Limit
) -> float:
    """Strain k along the growth direction for unit strain in the plane of a layer.

    Parameters
    ----------
    stiffness
        C11, C12, C44 of the cubic crystal, shape (3,).
    growth, beam
        Directions in the crystal, at right angles, shape (3,).
    limit
        As of :class:`Layers`.
    """
    normal, along = (np.asarray(one, float) / np.linalg.norm(one) for one in (growth, beam))
    along = along - (along @ normal) * normal
    along /= np.linalg.norm(along)
    frame = np.array([np.cross(normal, along), normal, along])
    c = _turned_stiffness(np.asarray(stiffness, float), frame)
    if limit == "lamella":
        compliance = np.linalg.inv(c)
        return float(compliance[1, 0] / compliance[0, 0])
    # Without stress on planes across the growth direction: nn, nz, xn are free.
    free, held = [1, 3, 5], np.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    return float(np.linalg.solve(c[np.ix_(free, free)], -(c @ held)[free])[0])


def strain_of_layers(alloy: CubicAlloy, layers: Layers) -> np.ndarray:
    """Strain along the growth direction against the substrate at each composition, shape (n,)."""
    response = np.array(
        [
            perpendicular_response(c, layers.growth, layers.beam, layers.limit)
            for c in alloy.stiffness
        ]
    )
    return (1.0 - response) * alloy.lattice_constant / layers.substrate + response - 1.0


def composition_of_strain(
    strain: np.ndarray, sigma: np.ndarray, alloy: CubicAlloy, layers: Layers
) -> tuple[np.ndarray, np.ndarray]:
    """Composition and its standard error from the strain along the growth direction.

    Parameters
    ----------
    strain
        Lagrangian, against the substrate, any shape.
    sigma
        Standard errors, same shape.
    alloy
        The alloy.
    layers
        How the layers stand on their substrate.

    Returns
    -------
    x, error
        NaN where x lies outside of 0 to 1 by more than errors explain.

    Raises
    ------
    ValueError
        If the strain does not tell the composition of this alloy.
    """
    table = strain_of_layers(alloy, layers)
    slope = np.gradient(table, alloy.x)
    if not ((slope > 0).all() or (slope < 0).all()):
        raise ValueError(
            f"the strain of {alloy.name} does not grow steadily with x: it tells no composition"
        )
    order = np.argsort(table)
    x = np.interp(strain, table[order], alloy.x[order], left=np.nan, right=np.nan)
    error = np.asarray(sigma, float) / np.abs(np.interp(x, alloy.x, slope))
    margin = np.maximum(OUTSIDE * np.nan_to_num(error), SYSTEMATIC)
    known = (x >= -margin) & (x <= 1.0 + margin) & (margin < 1.0)
    return np.where(known, x, np.nan), np.where(known, error, np.nan)


def why_not_coherent(
    in_plane: float, error: float, x: float, alloy: CubicAlloy, layers: Layers
) -> str:
    """Why a layer is not coherent with the substrate; empty where it is.

    Parameters
    ----------
    in_plane, error
        Mean strain of the layer along the interface against the substrate, and its standard error.
    x
        Its mean composition.
    alloy, layers
        As for ``composition_of_strain``.
    """
    misfit = float(np.interp(x, alloy.x, alloy.lattice_constant)) / layers.substrate - 1.0
    limit = max(COHERENT_FRACTION * abs(misfit), COHERENT_STRAIN)
    if abs(in_plane) <= limit + OUTSIDE * np.nan_to_num(error):
        return ""
    return (
        f"it is not coherent with the substrate: strained by {in_plane:.2%} along the interface, "
        f"where its misfit is {misfit:.2%}"
    )


def find_growth_direction(
    oriented: OrientedCrystal, normal: tuple[float, float]
) -> tuple[np.ndarray, float]:
    """Direction of the substrate along which layers grow, from the normal (x, y) of an interface.

    An outline runs along a plane of low indices: the simplest direction of the crystal in the plane
    of the image within a few degrees is taken, else the normal itself.

    Returns
    -------
    direction
        In the Cartesian frame of the crystal, unit vector, shape (3,).
    angle
        In the image, in degrees above x, counter-clockwise.
    """
    across = np.array([*normal, 0.0])
    steps = range(-LARGEST_INDEX, LARGEST_INDEX + 1)
    indices = np.array([one for one in product(steps, repeat=3) if any(one)])
    directions = indices @ oriented.crystal.base
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cosine = directions @ oriented.orientation.T @ across
    near = np.flatnonzero(cosine > np.cos(np.radians(NEAR_INTERFACE)))
    chosen = oriented.orientation.T @ across
    if len(near):
        size = np.abs(indices[near]).sum(axis=1)
        chosen = directions[near[np.lexsort((-cosine[near], size))[0]]]
    x, y, _ = oriented.orientation @ chosen
    return chosen, float(np.degrees(np.arctan2(-y, x)))


def _turned_stiffness(constants: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Stiffness (6, 6) of a cubic crystal in axes that are rows of ``frame``."""
    return np.tensordot(constants, _unit_stiffness(tuple(map(tuple, frame.tolist()))), 1)


@lru_cache
def _unit_stiffness(frame: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """Stiffness for C11, C12 and C44 of 1, shape (3, 6, 6), which a layer of any x adds up."""
    one, axes = np.eye(3), np.array(frame)
    cube = np.einsum("ip,jp,kp,lp->ijkl", one, one, one, one)
    pair = np.einsum("ij,kl->ijkl", one, one)
    shear = np.einsum("ik,jl->ijkl", one, one) + np.einsum("il,jk->ijkl", one, one)
    found = []
    for tensor in (cube, pair - cube, shear - 2.0 * cube):
        turned = tensor
        for _ in range(4):
            turned = np.tensordot(turned, axes, (0, 1))
        found.append([[turned[(*p, *q)] for q in PAIRS] for p in PAIRS])
    return np.array(found)


def map_composition(
    measured: MeasuredStrain,
    alloy: CubicAlloy,
    layers: Layers,
    *,
    angle: float,
    refused: Mapping[int, str],
) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Composition of each pixel and its standard error.

    Parameters
    ----------
    measured
        The strain.
    alloy, layers
        As for ``composition_of_strain``.
    angle
        Of the growth direction above x, in degrees, counter-clockwise.
    refused
        Why some regions are no layers of this alloy.

    Returns
    -------
    x, error
        Shape (rows, columns), NaN where there is no composition.
    reasons
        Why each region without one has none.
    """
    strains, sigmas = measured.against_reference(angle)
    x, error = composition_of_strain(strains[0], sigmas[0], alloy, layers)
    reasons = dict(refused)
    means = measured.means()
    for number, label in enumerate(means.region.tolist()):
        inside = measured.labels == label
        present = inside & np.isfinite(strains[0])
        if label not in reasons:
            known = inside & np.isfinite(x)
            if not present.any():
                reasons[label] = "it shows no lattice at the vectors of the analysis"
            elif 2 * np.count_nonzero(known) < np.count_nonzero(present):
                reasons[label] = (
                    f"its strain of {float(np.nanmean(strains[0][present])):.2%} along the growth "
                    f"direction is that of no composition of {alloy.name}"
                )
            else:
                across = float(strains[1][present].mean())
                why = why_not_coherent(
                    across,
                    float(np.nanmax(means.error[:2, number], initial=0.0)),
                    float(x[known].mean()),
                    alloy,
                    layers,
                )
                if why:
                    reasons[label] = why
        if label in reasons:
            x[inside] = error[inside] = np.nan
    outside = measured.labels == 0
    x[outside] = error[outside] = np.nan
    if not np.isfinite(x).any():
        said = "; ".join(f"region {label}: {why}" for label, why in reasons.items())
        raise ValueError(f"no region is a coherent layer of {alloy.name}: {said}")
    return x, error, reasons
