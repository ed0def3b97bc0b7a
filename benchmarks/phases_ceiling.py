"""The Bayes ceiling of phase identification: the posterior of who knows how the patterns are drawn.

The posterior over phase and zone is a sum over a grid of in-plane rotations, scales, distortions,
tilts, thicknesses, gains of the intensities and strongest intensities, as fine as the spots can
tell them apart. Nothing is searched and so nothing missed; what is left out weighs less than
exp(-12) of the rest. The sum over which three spots are false is exact.

The unit of the intensities, which no image gives, is not used: with it the ceiling would be higher.
Approximate are the density of the intensity of a false spot (about the weakest of the others), the
places of the spots of a tilted crystal (those of the zone axis, off by 0.02 1/nm in the mean) and,
where there is an anisotropy, the radius within which spots are seen. All this can only lower the
ceiling, by less than 0.01 as far as the mean of the largest posterior tells.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import phases_patterns as patterns
from numba import njit
from scipy.spatial import cKDTree
from scipy.stats import norm, qmc

from hyperspy_twin.crystals import catalogue, zone_frame

JITTER, G_MAX, SCATTER = patterns.JITTER, patterns.G_MAX, patterns.SCATTER
MISSING, LOG_WEAKEST = patterns.MISSING, float(np.log(patterns.WEAKEST))
REACH = 5.5 * JITTER  # a true spot is not further from its place
CELL, SIDE = 0.15, 164  # of the raster that holds the nearest reflection, 1/nm and cells
STEP = 2.0  # standard errors between nodes; Gaussians summed so are right to 1.5 %
THICKNESS, TILTED = 6, 512  # nodes over thickness, and over tilt and thickness together
GAINS = np.arange(-4, 5) * 0.3
ABOVE = np.array([0.0, 0.25, 0.75, 1.25, 1.75, 2.25])  # ln(strongest over strongest seen)
REDRAWN, SCALES = 500, 400  # drawn to estimate how often too few spots are seen; steps of scale
FAINT, NEGLIGIBLE = 1e-4, 12.0  # of the strongest: never seen; ln of what may be left out
PEAK = (1 - MISSING) / (SCATTER * np.sqrt(2 * np.pi))
FALSE_DENSITY = 2 / (np.pi * G_MAX**2)


@dataclass(frozen=True, eq=False)
class Zone:
    """Projected reflections of a zone, one of each Friedel pair and by length, and their law.

    `vector` (m, 2) in 1/nm, `near` the raster of the nearest of `vector` and then `-vector`,
    `log_mean` (nodes, m) logarithm of the mean intensity at each tilt and thickness.
    """

    phase: str
    axis: tuple[int, int, int]
    vector: np.ndarray
    near: np.ndarray
    log_mean: np.ndarray


@cache
def conditions(tilt: float) -> np.ndarray:
    """Tilt, its direction and thickness, (nodes, 3), in radians and nm, equally likely."""
    if tilt == 0:
        thick = 3 + 5 * (np.arange(THICKNESS) + 0.5) / THICKNESS
        return np.stack([0 * thick, 0 * thick, thick], axis=1)
    unit = qmc.Sobol(3, seed=1).random(TILTED)
    return unit * [np.deg2rad(tilt), 2 * np.pi, 5] + [0, 0, 3]


@cache
def zones(phases: tuple[str, ...], tilt: float, dark_field: bool) -> tuple[Zone, ...]:
    """All zones that the generator draws from."""
    pairs = [(phase, axis) for phase in phases for axis in patterns._zones(phase)]
    return tuple(_zone(phase, axis, tilt, dark_field) for phase, axis in pairs)


def log_prior(candidates: tuple[Zone, ...], scales: np.ndarray) -> np.ndarray:
    """Logarithm (zones, scales) of the prior; a pattern of too few spots is drawn again."""
    phases, owner = np.unique([zone.phase for zone in candidates], return_inverse=True)
    kept = [[_kept(zone, round(SCALES * scale)) for scale in scales] for zone in candidates]
    total = np.zeros((len(phases), len(scales)))
    np.add.at(total, owner, np.array(kept))
    return -np.log(len(phases) * np.maximum(total, 1 / REDRAWN))[owner]


@cache
def _kept(zone: Zone, scale: int) -> float:
    """Estimate the chance that a pattern of the zone has spots enough."""
    rng, inside = np.random.default_rng(0), np.hypot(*zone.vector.T) * scale / SCALES < G_MAX
    mean = zone.log_mean[rng.integers(len(zone.log_mean), size=REDRAWN)][:, inside]
    drawn = mean + rng.normal(0, SCATTER, mean.shape)
    shown = drawn > drawn.max(axis=1, keepdims=True, initial=-np.inf) + LOG_WEAKEST
    shown &= rng.random(shown.shape) > MISSING
    return float((shown.sum(axis=1) >= patterns.LEAST_SEEN).mean())


def _zone(phase: str, axis: tuple[int, int, int], tilt: float, dark_field: bool) -> Zone:
    crystal = catalogue.get(phase)
    allowed, factor = patterns._reflections(phase, dark_field)
    half = np.array([tuple(row) > (0, 0, 0) for row in allowed.hkl.tolist()])
    frame = zone_frame(crystal, axis, allowed.vector[allowed.hkl @ axis == 0][0])
    g = allowed.vector[half] @ frame.T
    nodes = conditions(tilt)
    by, about, _ = nodes.T
    along = np.array([np.sin(by) * np.cos(about), np.sin(by) * np.sin(about), np.cos(by)])
    height, flat = (g @ along).T, np.sum(g**2, axis=1) * patterns.WAVELENGTH / 2
    excitation = np.stack([height - flat, -height - flat]) * nodes[:, 2, None]
    shape = np.where(np.abs(excitation) < 1, np.sinc(excitation) ** 2, 0).mean(axis=0)
    mean = factor[half] ** 2 * shape
    kept = np.flatnonzero((mean > FAINT * mean.max(axis=1, keepdims=True)).any(axis=0))
    kept = kept[np.argsort(np.hypot(*g[kept, :2].T))]
    vector = g[kept, :2]
    centre = (np.arange(SIDE) - SIDE / 2 + 0.5) * CELL
    cells = np.stack(np.meshgrid(centre, centre), axis=-1)
    near = cKDTree(np.concatenate([vector, -vector])).query(cells)[1].astype(np.int16)
    return Zone(phase, axis, vector, near, np.log(np.maximum(mean[:, kept], 1e-30)))


def false_density(intensity: np.ndarray) -> np.ndarray:
    """Density of false spots over place and ln(intensity): anywhere, and as bright as weak ones."""
    value, weak = np.log(intensity), 1 + (len(intensity) - patterns.FALSE) // 2
    others = np.argsort(value)
    near = np.array([value[others[others != j][:weak]] for j in range(len(value))])
    return FALSE_DENSITY * norm.pdf(value[:, None] - near, 0, SCATTER).mean(axis=1)


def miscalibrations(drawn: patterns.Set, error: float) -> np.ndarray:
    """List maps (k, 2, 2) of scale and distortion, equally likely, as fine as the error asks."""
    count = 1 + int(2 * drawn.calibration / (STEP * error))
    scale = 1 + drawn.calibration * ((2 * np.arange(count) + 1) / count - 1)
    rings = 1 + int(0.5 * drawn.anisotropy / (STEP * error))
    around = 1 if drawn.anisotropy == 0 else 4 + int(np.pi * drawn.anisotropy / (STEP * error))
    size = 0.5 * drawn.anisotropy * (np.arange(rings) + 0.5) / rings
    turned = np.exp(2j * np.pi * (np.arange(around) + 0.5) / around)
    c, s = (part(size[:, None] * turned).ravel() for part in (np.real, np.imag))
    shape = np.eye(2) + np.array([[c, s], [s, -c]]).transpose(2, 0, 1)
    return (scale[:, None, None, None] * shape).reshape(-1, 2, 2)


@njit(cache=True, nogil=True)
def nearby(straight, turn, near, both):
    """List (map, angle) at which at most three spots are beyond the reach of a reflection."""
    found = [(0, 0) for _ in range(0)]
    for k in range(len(straight)):
        for a in range(len(turn)):
            missed = 0
            for spot in straight[k]:
                local = spot * turn[a].conjugate()
                row, column = int(local.imag / CELL + SIDE / 2), int(local.real / CELL + SIDE / 2)
                row, column = min(max(row, 0), SIDE - 1), min(max(column, 0), SIDE - 1)
                missed += abs(local - both[near[row, column]]) > 1.1 * REACH
                if missed > 3:
                    break
            if missed <= 3:
                found.append((k, a))
    return found


def poses(
    position: np.ndarray, zone: Zone, maps: np.ndarray, angles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all poses at which at most three spots have no reflection.

    Returns the number of the map (p,), the reflection of each spot (p, n), -1 for none, and the
    density of its place (p, n).
    """
    both = np.concatenate([zone.vector, -zone.vector]) @ [1, 1j]
    straight, turn = position @ np.linalg.inv(maps).mT @ [1, 1j], np.exp(1j * angles)
    which, angle = np.array(nearby(straight, turn, zone.near, both), int).reshape(-1, 2).T
    local = straight[which] / (turn := turn[angle, None])
    cell = np.clip(np.array([local.imag, local.real]) / CELL + SIDE / 2, 0, SIDE - 1)
    index = zone.near[tuple(cell.astype(int))]
    away = (local - both[index]) * turn
    off = np.stack([away.real, away.imag], axis=-1) @ maps[which].mT
    square = (off**2).sum(axis=-1)
    good = (square < REACH**2) & (((position - off) ** 2).sum(axis=-1) < G_MAX**2)
    density = np.where(good, np.exp(-square / (2 * JITTER**2)) / (2 * np.pi * JITTER**2), 0)
    claim = np.where(good, index % len(zone.vector), -1)
    for i, j in itertools.combinations(range(len(position)), 2):
        shared = np.flatnonzero((claim[:, i] == claim[:, j]) & (claim[:, i] >= 0))
        loser = np.where(density[shared, i] < density[shared, j], i, j)
        claim[shared, loser], density[shared, loser] = -1, 0
    kept = (claim < 0).sum(axis=1) <= patterns.FALSE
    return which[kept], claim[kept], density[kept]


@njit(cache=True, nogil=True)
def three_false(weight, false):
    """Sum over all choices of three false spots."""
    total = np.zeros(4)
    total[0] = 1.0
    for j in range(len(weight)):
        for power in range(3, 0, -1):
            total[power] = total[power] * weight[j] + total[power - 1] * false[j]
        total[0] *= weight[j]
    return total[3]


@njit(cache=True, nogil=True)
def likelihood(claim, density, inside, value, false, log_mean, gain, above):
    """Likelihood (p,) of the spots at poses with the same claims, at one tilt and thickness.

    `above` is the ln of the strongest intensity over that of the strongest spot of a reflection:
    0 if it is seen, else the middle of a step of 0.5.
    """
    level = value[claim >= 0].max() + above
    z = (level - gain - log_mean) / SCATTER
    chance, unseen, extra = np.empty(len(z)), np.zeros(len(z) + 1), 0.0
    for i in range(len(z)):
        faint = 0.5 * math.erfc(-(z[i] + LOG_WEAKEST / SCATTER) / math.sqrt(2.0))
        below = 0.5 * math.erfc(-z[i] / math.sqrt(2.0))
        chance[i] = max(faint + MISSING * (below - faint), 1e-9)
        unseen[i + 1] = unseen[i] + math.log(chance[i])
        if i < inside[0] and not (claim == i).any():
            extra += 0.5 * PEAK * MISSING / (1 - MISSING) * math.exp(-0.5 * z[i] ** 2) / chance[i]
    result, weight = np.empty(len(density)), np.empty(len(value))
    for p in range(len(density)):
        for j in range(len(value)):
            weight[j] = 0.0
            if claim[j] >= 0 and value[j] > level + LOG_WEAKEST:
                off = (value[j] - gain - log_mean[claim[j]]) / SCATTER
                weight[j] = density[p, j] * PEAK * math.exp(-0.5 * off**2)
                weight[j] /= chance[claim[j]] if claim[j] < inside[p] else 1.0
        result[p] = math.exp(unseen[inside[p]]) * three_false(weight, false)
    return result * (extra if above > 0 else 1.0)


@njit(cache=True, nogil=True)
def evidence(claim, density, inside, value, false, log_mean):
    """Likelihood (p,) of the spots at poses with the same claims, averaged over all else."""
    best = np.argmax(density.sum(axis=1))
    matched = np.flatnonzero(claim >= 0)
    gain, rough = np.empty(len(log_mean)), np.empty(len(log_mean))
    pose = density[best : best + 1], inside[best : best + 1]
    for v in range(len(log_mean)):
        gain[v] = np.median(value[matched] - log_mean[v][claim[matched]])
        rough[v] = likelihood(claim, *pose, value, false, log_mean[v], gain[v], 0.0)[0]
    result = np.zeros(len(density))
    for v in np.flatnonzero(rough > rough.max() * 1e-5):
        for g in gain[v] + GAINS:
            for above in ABOVE:
                result += likelihood(claim, density, inside, value, false, log_mean[v], g, above)
    return result / len(log_mean) * (GAINS[1] - GAINS[0])


def region_evidence(
    pattern: patterns.Pattern, candidates: tuple[Zone, ...], maps: np.ndarray
) -> np.ndarray:
    """Log-likelihood (zones, maps) of the spots of a region, the prior of the zones included."""
    count = 1 + int(np.pi / (STEP * standard_error(pattern)))
    angles = np.pi * np.arange(count) / count
    value, false = np.log(pattern.intensity), false_density(pattern.intensity)
    sizes = np.sqrt(np.linalg.det(maps))
    prior = log_prior(candidates, sizes)
    found, bounds = [], np.full(len(candidates), -np.inf)
    for number, zone in enumerate(candidates):
        at = poses(pattern.position, zone, maps, angles)
        # As if all intensities were as expected and no other reflection could be seen.
        limit = np.array([three_false(PEAK * one, false) for one in at[2]])
        found.append((*at, limit))
        if limit.sum() > 0:
            bounds[number] = np.log(limit.sum()) + prior[number].max()
    result, best = np.full((len(candidates), len(maps)), -np.inf), -np.inf
    for number in np.argsort(-bounds):
        if not bounds[number] > best - NEGLIGIBLE:
            break
        zone, (which, claim, density, limit) = candidates[number], found[number]
        inside = np.searchsorted(np.hypot(*zone.vector.T), G_MAX / sizes[which])
        rows, group = np.unique(claim, axis=0, return_inverse=True)
        total = np.zeros(len(maps))
        for row, one in enumerate(rows):
            own = np.flatnonzero(group.ravel() == row)
            if limit[own].sum() > np.exp(best - NEGLIGIBLE - prior[number].max()):
                spots = density[own], inside[own], value, false
                np.add.at(total, which[own], evidence(one, *spots, zone.log_mean))
        with np.errstate(divide="ignore"):
            result[number] = np.log(total) + prior[number]
        best = max(best, np.logaddexp.reduce(result[number]))
    return result - np.log(count)


def standard_error(pattern: patterns.Pattern) -> float:
    """Error in radians of the rotation, and of ln(scale), if all spots are true."""
    return JITTER / float(np.linalg.norm(pattern.position))


def posterior(
    group: list[patterns.Pattern], drawn: patterns.Set, phases: tuple[str, ...]
) -> list[np.ndarray]:
    """Log-evidence of the :func:`zones` of each pattern of an image, given the others."""
    candidates = zones(phases, drawn.tilt, drawn.dark_field)
    maps = miscalibrations(drawn, min(map(standard_error, group)))
    each = [region_evidence(pattern, candidates, maps) for pattern in group]
    whole = [np.logaddexp.reduce(one, axis=0) for one in each]
    others = [sum(whole[:n] + whole[n + 1 :], np.zeros(len(maps))) for n in range(len(each))]
    return [
        np.logaddexp.reduce(one + rest, axis=1) - np.log(len(maps))
        for one, rest in zip(each, others, strict=True)
    ]
