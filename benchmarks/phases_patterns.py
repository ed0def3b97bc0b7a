"""Spot patterns of known crystals for the benchmark of phase identification, from frozen seeds.

A pattern holds one of each Friedel pair of what an image or a diffraction pattern of a thin
crystal shows: kinematical intensities that scatter about their value, excitation errors of a tilted
crystal, 20 % of the spots missing and 3 false ones, all lengths wrong by the calibration and the
anisotropy of the scan. Errors of position are those of a diffraction pattern, 0.008 1/Å.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from hyperspy_twin.core import Crystal, Peaks
from hyperspy_twin.crystals import (
    Reflections,
    atomic_number_factors,
    catalogue,
    distinct_zone_axes,
    find_reflections,
    laue_rotations,
    zone_frame,
)

SEEDS = {"tuning": 20261120, "test": 518203}
PATTERNS = {"tuning": 120, "test": 300}
G_MAX, JITTER = 10.0, 0.08  # 1/nm
MISSING, FALSE = 0.2, 3
SCATTER = 0.7  # standard deviation of ln(intensity)
WEAKEST = 3e-3  # of the strongest intensity
WAVELENGTH = 0.00251  # nm, 200 kV
# Zones of a crystal; pairs that a zone has to show at least, and that are left of them.
ZONES, LEAST_SPOTS, LEAST_SEEN = 6, 6, 5
CANDIDATES_12 = ("Si", "Ge", "InP", "InSb", "Au", "Cu", "Fe", "TiO2", "SrTiO3", "GaN")
CANDIDATES_12 += ("InAs-wurtzite", "MgO")
CANDIDATES_40 = (*CANDIDATES_12, "GaAs", "GaP", "InAs", "AlN", "ZnO", "CdTe", "SiC-4H", "Al", "Ag")
CANDIDATES_40 += ("Pt", "Ni", "W", "Ti", "NiO", "TiN", "Fe3O4", "BaTiO3", "PbTiO3", "CaF2", "NaCl")
CANDIDATES_40 += ("Al2O3", "SiO2", "HfO2", "MoS2", "Bi2Te3", "TiO2-anatase", "CuTe", "Ga2O3")
# A crystal that is not in the list has to differ from all in it by more than this in its lattice.
ALIKE = 0.03


@dataclass(frozen=True)
class Set:
    """How the patterns of a set are drawn.

    Calibration and anisotropy are relative and uniform between 0 and these, either sign; tilts
    uniform from 0 degrees. Patterns of several `regions` share one image. Crystals that are
    `unlisted` are not among the candidates.
    """

    candidates: tuple[str, ...] = CANDIDATES_12
    calibration: float = 0.005
    anisotropy: float = 0.0
    tilt: float = 0.0
    regions: int = 1
    unlisted: bool = False
    dark_field: bool = False


SETS = {
    "exact": Set(calibration=0.0),
    "0.5 %": Set(calibration=0.005),
    "2 %": Set(calibration=0.02),
    "5 %": Set(calibration=0.05),
    "2 %, anisotropy 5 %": Set(calibration=0.02, anisotropy=0.05),
    "0.5 %, tilt 3°": Set(calibration=0.005, tilt=3.0),
    "2 %, tilt 3°": Set(calibration=0.02, tilt=3.0),
    "5 %, 3 regions": Set(calibration=0.05, anisotropy=0.02, regions=3),
    "0.5 %, dark field": Set(calibration=0.005, dark_field=True),
    "0.5 %, 40 candidates": Set(CANDIDATES_40, calibration=0.005),
    "2 %, 40 candidates": Set(CANDIDATES_40, calibration=0.02),
    "0.5 %, not in the list": Set(calibration=0.005, unlisted=True),
    "2 %, not in the list": Set(calibration=0.02, unlisted=True),
}


@dataclass(frozen=True)
class Pattern:
    """Spots and the truth behind them.

    `position` (n, 2) in 1/nm of one of each Friedel pair, x right and y down, with standard error
    `error`; `intensity` (n,). `orientation` (3, 3) carries crystal to image: x right, y down, z
    into the screen. `scale` is true over nominal length, `distortion` (2, 2) has the trace 2;
    patterns of one `image` share both.
    """

    phase: str
    zone_axis: tuple[int, int, int]
    orientation: np.ndarray
    scale: float
    distortion: np.ndarray
    position: np.ndarray
    error: float
    intensity: np.ndarray
    image: int
    listed: bool

    @property
    def peaks(self) -> Peaks:
        """The spots as the package takes them."""
        error = np.full(self.position.shape, self.error)
        return Peaks(position=self.position, error=error, intensity=self.intensity)


@cache
def frozen(name: str, half: str) -> tuple[Pattern, ...]:
    """Draw the patterns of one of the :data:`SETS`, of the "tuning" or the "test" half."""
    drawn = SETS[name]
    rng = np.random.default_rng([SEEDS[half], list(SETS).index(name)])
    phases = outsiders() if drawn.unlisted else drawn.candidates
    found: list[Pattern] = []
    while len(found) < PATTERNS[half]:
        scale, distortion = _miscalibration(rng, drawn)
        image = len(found)
        for _ in range(drawn.regions):
            phase = phases[len(found) % len(phases)]
            found.append(_pattern(rng, phase, drawn, scale, distortion, image))
    return tuple(found)


@cache
def outsiders() -> tuple[str, ...]:
    """Bundled crystals whose lattice is like none of the twelve."""
    twelve = [catalogue.get(name) for name in CANDIDATES_12]
    return tuple(
        name
        for name in catalogue.names()
        if not any(_alike(catalogue.get(name), other) for other in twelve)
    )


def same_zone(crystal: Crystal, first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Tell whether a rotation of the Laue group or an inversion carries one axis to the other."""
    images = laue_rotations(crystal) @ np.array(first)
    return any((sign * images == np.array(second)).all(axis=1).any() for sign in (1, -1))


def misorientation(crystal: Crystal, first: np.ndarray, second: np.ndarray) -> float:
    """Angle in degrees between orientations, up to symmetry and half a turn about the beam."""
    base = crystal.base.T
    rotations = base @ laue_rotations(crystal) @ np.linalg.inv(base)
    turned = np.stack([second, np.diag([-1, -1, 1]) @ second])
    traces = np.einsum("ij,kil,nlj->kn", first, turned, rotations)
    return float(np.rad2deg(np.arccos(np.clip((traces.max() - 1) / 2, -1, 1))))


def _alike(crystal: Crystal, other: Crystal) -> bool:
    if (crystal.space_group or "?")[0] != (other.space_group or "?")[0]:
        return False
    ratio = np.log(np.array(crystal.lattice) / np.array(other.lattice))
    return bool(np.abs(ratio).max() < ALIKE)


def _miscalibration(rng: np.random.Generator, drawn: Set) -> tuple[float, np.ndarray]:
    scale = 1 + rng.uniform(-1, 1) * drawn.calibration
    size, angle = 0.5 * rng.uniform(0, 1) * drawn.anisotropy, rng.uniform(0, 2 * np.pi)
    c, s = size * np.cos(angle), size * np.sin(angle)
    return scale, np.eye(2) + np.array([[c, s], [s, -c]])


@cache
def _reflections(phase: str, dark_field: bool) -> tuple[Reflections, np.ndarray]:
    crystal = catalogue.get(phase)
    # Lengths may be distorted beyond the radius.
    allowed = find_reflections(crystal, 1.2 * G_MAX)
    factor = allowed.structure_factor
    if dark_field:
        factor = atomic_number_factors(crystal, allowed.hkl)
    return allowed, np.abs(factor)


@cache
def _zones(phase: str) -> tuple[tuple[int, int, int], ...]:
    """Simplest zone axes that show spots in two directions."""
    crystal = catalogue.get(phase)
    allowed, _ = _reflections(phase, False)
    rich = []
    for axis in distinct_zone_axes(crystal, 3):
        inside = allowed.hkl[(allowed.hkl @ axis == 0) & (allowed.length < G_MAX)]
        if len(inside) >= 2 * LEAST_SPOTS and np.linalg.matrix_rank(inside) == 2:
            rich.append(axis)
    return tuple(rich[:ZONES])


def _pattern(
    rng: np.random.Generator,
    phase: str,
    drawn: Set,
    scale: float,
    distortion: np.ndarray,
    image: int,
) -> Pattern:
    crystal = catalogue.get(phase)
    allowed, factor = _reflections(phase, drawn.dark_field)
    zones = _zones(phase)
    while True:
        zone = zones[int(rng.integers(len(zones)))]
        first = next(row for row in allowed.hkl if row @ zone == 0)
        frame = zone_frame(crystal, zone, first @ np.linalg.inv(crystal.base).T)
        orientation = _tilt(rng, drawn.tilt) @ _turn(rng.uniform(-np.pi, np.pi)) @ frame
        thickness = rng.uniform(3, 8)  # nm
        g = allowed.vector @ orientation.T
        flat = np.linalg.norm(g, axis=1) ** 2 * WAVELENGTH / 2
        excitation = np.stack([g[:, 2] - flat, -g[:, 2] - flat]) * thickness
        shape = np.where(np.abs(excitation) < 1, np.sinc(excitation) ** 2, 0).mean(axis=0)
        intensity = factor**2 * shape * np.exp(rng.normal(0, SCATTER, len(g)))
        position = scale * g[:, :2] @ distortion.T
        half = (position[:, 0] > 0) & (np.hypot(*position.T) < G_MAX)
        half &= intensity > WEAKEST * intensity[half].max(initial=0)
        seen = np.flatnonzero(half & (rng.random(len(g)) > MISSING))
        if len(seen) >= LEAST_SEEN and np.linalg.matrix_rank(position[seen], tol=1) == 2:
            break
    radius, angle = G_MAX * np.sqrt(rng.random(FALSE)), rng.uniform(-0.5, 0.5, FALSE) * np.pi
    radius = np.maximum(radius, 1.0)
    false = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weak = np.sort(intensity[seen])[: 1 + len(seen) // 2]
    weak = rng.choice(weak, FALSE) * np.exp(rng.normal(0, SCATTER, FALSE))
    spots = np.concatenate([position[seen] + rng.normal(0, JITTER, (len(seen), 2)), false])
    power = np.concatenate([intensity[seen], weak])
    order = rng.permutation(len(spots))
    listed = phase in drawn.candidates
    return Pattern(
        phase,
        zone,
        orientation,
        scale,
        distortion,
        spots[order],
        JITTER,
        power[order],
        image,
        listed,
    )


def _turn(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _tilt(rng: np.random.Generator, largest: float) -> np.ndarray:
    angle, about = np.deg2rad(rng.uniform(0, largest)), rng.uniform(0, 2 * np.pi)
    turn, c, s = _turn(about), np.cos(angle), np.sin(angle)
    return turn @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ turn.T
