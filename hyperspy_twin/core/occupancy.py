"""Mixed sites: which element sits on each atom of an alloy's lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

# Entries closer than this, in fractions of the cell, share a site: CIF files carry four or five
# digits.
SAME_SITE = 1e-3
# Occupancies of a site may exceed 1 by this much: refined ones have standard errors of a percent.
LARGEST_EXCESS = 0.02
# A site less likely to be occupied by its first element is mixed; nearer to 1 lies rounding.
FULL = 1 - 1e-6


@dataclass(frozen=True)
class Sites:
    """Crystallographic sites and the elements that share them.

    Attributes
    ----------
    fractional
        Fractional coordinates, shape (m, 3).
    numbers
        Atomic numbers of the elements of each site, 0 where a site has fewer, shape (m, e).
    probability
        Probabilities of these elements; what lacks to 1 is the chance of a vacancy, shape (m, e).
    """

    fractional: np.ndarray
    numbers: np.ndarray
    probability: np.ndarray


def merge_sites(numbers: np.ndarray, fractional: np.ndarray, occupancy: np.ndarray) -> Sites:
    """Gather the entries of a structure that share their coordinates into sites.

    Parameters
    ----------
    numbers
        Atomic numbers, shape (n,).
    fractional
        Fractional coordinates, shape (n, 3).
    occupancy
        Occupancies in (0, 1], shape (n,).

    Returns
    -------
    Sites
        One site for each distinct position, in order of first appearance.

    Raises
    ------
    ValueError
        If an atomic number or an occupancy is impossible, or a site holds more than one atom.
    """
    numbers = np.asarray(numbers)
    occupancy = np.asarray(occupancy, float)
    if not (np.all(numbers == np.rint(numbers)) and np.all((numbers >= 1) & (numbers <= 118))):
        raise ValueError("atomic numbers must be integers from 1 to 118")
    if not np.all((occupancy > 0) & (occupancy <= 1 + 1e-6)):
        raise ValueError("occupancies must be above 0 and at most 1")
    points = np.asarray(fractional, float)
    points = points - np.floor(points)
    points[points >= 1 - 1e-9] = 0.0
    pairs = cKDTree(points, boxsize=1.0).query_pairs(SAME_SITE, output_type="ndarray")
    leader = np.arange(len(points))
    np.minimum.at(leader, pairs.max(axis=1), pairs.min(axis=1))
    leaders, site = np.unique(leader, return_inverse=True)
    order = np.argsort(site, kind="stable")
    starts = np.searchsorted(site[order], np.arange(len(leaders)))
    rank = np.arange(len(points)) - starts[site[order]]
    merged_numbers = np.zeros((len(leaders), rank.max() + 1), np.int64)
    probability = np.zeros(merged_numbers.shape)
    merged_numbers[site[order], rank] = numbers[order]
    probability[site[order], rank] = occupancy[order]
    totals = probability.sum(axis=1)
    if np.any(totals > 1 + LARGEST_EXCESS):
        raise ValueError(
            f"a site is occupied {totals.max():.3f} times: occupancies of elements that share a "
            "position must add up to at most 1"
        )
    return Sites(points[leaders], merged_numbers, probability / np.maximum(totals, 1)[:, None])


def draw_elements(
    site: np.ndarray, sites: Sites, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the element of each atom.

    Parameters
    ----------
    site
        Site index of each atom, shape (n,).
    sites
        The sites.
    generator
        Source of random numbers; untouched by sites that are full and pure.

    Returns
    -------
    numbers : numpy.ndarray
        Atomic numbers, 0 for a vacancy, uint8, shape (n,).
    occupancy : numpy.ndarray
        Probability of the element drawn, float32, shape (n,).
    """
    numbers = sites.numbers[:, 0].astype(np.uint8)[site]
    occupancy = sites.probability[:, 0].astype(np.float32)[site]
    for mixed in np.flatnonzero(sites.probability[:, 0] < FULL):
        atoms = np.flatnonzero(site == mixed)
        edges = np.cumsum(sites.probability[mixed])
        if edges[-1] > FULL:
            edges[-1] = 1.0
        drawn = np.searchsorted(edges, generator.random(len(atoms)), side="right")
        vacancy = 1 - sites.probability[mixed].sum()
        numbers[atoms] = np.append(sites.numbers[mixed], 0)[drawn]
        occupancy[atoms] = np.append(sites.probability[mixed], vacancy)[drawn]
    return numbers, occupancy
