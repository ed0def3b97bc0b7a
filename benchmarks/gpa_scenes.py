"""What GPA decides by itself: ``python benchmarks/gpa_scenes.py [scenes] [first seed]``.

Scenes of silicon [110] columns, seen at any angle: layers on a substrate whose strain decays into
it, thin wells, a crystal standing on a substrate in vacuum, borders of noise, and two grains. The
whole chain runs without an argument. A scene counts as right where the reference is an unstrained
region, its reflections belong to its lattice, the regions that share them are mapped, and strain
where none is lies within 2e-4.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import hyperspy.api as hs
import numpy as np

from hyperspy_twin.simulation.imaging import add_gaussians

SHAPE, PIXEL = (512, 512), 0.025  # nm
SPACINGS = np.array([0.5431 / np.sqrt(2), 0.5431])  # nm, along [1-10] and [001]
# Columns of one cell in units of its edges: two dumbbells.
COLUMNS = np.array([[0, 0], [0, 0.25], [0.5, 0.5], [0.5, 0.75]])
WIDTH = 0.055  # nm, of the image of a column
LARGEST_OFFSET = 2e-4
KINDS = ("substrate", "well", "standing", "border", "grains")


@dataclass
class Scene:
    """Image with its truth: regions, strain (xx, yy) in the frame of the image, and references."""

    image: np.ndarray
    labels: np.ndarray
    strain: np.ndarray
    references: tuple[int, ...]
    turns: dict[int, float]


def make(kind: str, seed: int) -> Scene:
    """Make one scene."""
    rng = np.random.default_rng(seed)
    angle = np.radians(rng.uniform(-90, 90))
    misfit = rng.choice([-1, 1]) * rng.uniform(0.01, 0.04)
    decay, near = rng.uniform(0.6, 1.5), rng.uniform(0.0, 0.004)
    edge, well = rng.uniform(-2.0, 2.5), rng.uniform(2.5, 4.5)

    def region(along, up):
        """Label at coordinates in the crystal, ``up`` being the growth direction."""
        above = up > edge
        if kind == "well":
            return np.where(above & (up < edge + well), 2, np.where(above, 3, 1))
        if kind == "standing":
            return np.where(above, np.where(np.hypot(along, up - edge) < well + 0.5, 2, 0), 1)
        return np.where(above, 2, 1)

    def strain(along, up):
        label = region(along, up)
        if kind == "grains":
            return np.zeros_like(up)
        below = near * np.exp(-np.abs(up - edge) / decay) if kind == "substrate" else 0.0
        return np.where(label == 2, misfit, np.where(label == 1, below, 0.0))

    # Growth coordinate of the strained crystal as a function of that of the perfect one.
    fine = np.arange(-14.0, 14.0, 0.002)
    stretched = np.concatenate([[0.0], np.cumsum(1.0 + strain(0.0 * fine, fine))[:-1] * 0.002])
    stretched += edge - np.interp(edge, fine, stretched)
    if kind == "grains":
        stretched = fine

    y, x = (np.mgrid[: SHAPE[0], : SHAPE[1]] - np.array(SHAPE)[:, None, None] / 2) * PIXEL
    seen_along, seen_up = (
        np.cos(angle) * x + np.sin(angle) * y,
        np.sin(angle) * x - np.cos(angle) * y,
    )
    up = np.interp(seen_up, stretched, fine)
    labels, normal = region(seen_along, up), strain(seen_along, up)
    truth = np.array([normal * np.sin(angle) ** 2, normal * np.cos(angle) ** 2])

    turns = {1: 0.0, 2: 0.0, 3: 0.0}
    image = np.zeros(SHAPE)
    if kind == "grains":
        turns[2] = np.radians(rng.uniform(15.0, 45.0))
    brightness = {1: 1.0, 2: rng.uniform(1.5, 2.2), 3: 1.0}
    if kind == "grains":
        brightness[2] = rng.uniform(0.9, 1.6)
    cells = np.mgrid[-40:41, -30:31].reshape(2, -1).T
    sites = ((cells[:, None] + COLUMNS[None]) * SPACINGS).reshape(-1, 2)
    for label in np.unique(labels[labels > 0]):
        turned = sites
        if turns[label]:
            c, s = np.cos(turns[label]), np.sin(turns[label])
            turned = sites @ np.array([[c, s], [-s, c]])
        inside = region(turned[:, 0], turned[:, 1]) == label
        along, height = turned[inside].T
        height = np.interp(height, fine, stretched)
        px = (np.cos(angle) * along + np.sin(angle) * height) / PIXEL + SHAPE[1] / 2
        py = (np.sin(angle) * along - np.cos(angle) * height) / PIXEL + SHAPE[0] / 2
        count = len(px)
        weights = np.full(count, brightness[label] * (SPACINGS.prod() / 4) / PIXEL**2)
        add_gaussians(image, np.stack([px, py], 1), weights, np.full(count, WIDTH / PIXEL))
    image += 0.1
    if kind == "border":
        for side in rng.choice(4, rng.integers(1, 3), replace=False):
            view = np.rot90(image, side)
            width = rng.integers(24, 60)
            view[:width] = rng.uniform(0.2, 1.0)
            np.rot90(labels, side)[:width] = 0
    image = rng.poisson(image * 10 ** rng.uniform(1.5, 2.5)).astype(np.float32)
    references = {"well": (1, 3), "grains": (1, 2)}.get(kind, (1,))
    return Scene(image, labels, truth, references, {n: angle - turns[n] for n in turns})


def judge(scene: Scene) -> tuple[str, float]:
    """Say what is wrong with the strain of a scene, and its offset where there should be none."""
    signal = hs.signals.Signal2D(scene.image)
    signal.set_signal_type("Micrograph")
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.scale, axis.units, axis.name = PIXEL, "nm", name
    found = signal.segment().find_peaks().index_phases(["Si"])
    strain = found.gpa()
    own = scene.labels[found._labels == strain.reference]
    label = int(np.bincount(own).argmax())
    if label not in scene.references:
        return f"reference {label}", np.nan
    angle = scene.turns[label]
    axes = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    hkl = (strain.g @ axes.T) * SPACINGS
    if np.abs(hkl - np.round(hkl)).max() > 0.03 * np.abs(hkl).max():
        return f"reflections {hkl.round(2).tolist()}", np.nan
    if abs(np.linalg.det(strain.g[:2])) < 0.2 * np.prod(np.linalg.norm(strain.g[:2], axis=1)):
        return "collinear", np.nan
    maps = np.array([strain.e_xx.data, strain.e_yy.data])
    flat = (scene.labels == label) & (np.abs(scene.strain).max(axis=0) < LARGEST_OFFSET)
    flat &= np.isfinite(maps).all(axis=0)
    offset = float(np.abs(np.median((maps - scene.strain)[:, flat], axis=1)).max())
    same = np.isin(scene.labels, [n for n in (1, 2, 3) if scene.turns[n] == angle])
    covered = np.isfinite(maps[0][same]).mean()
    if offset > LARGEST_OFFSET:
        return "offset", offset
    return ("" if covered > 0.8 else f"covered {covered:.2f}"), offset


def main(count: int, first: int) -> None:
    """Print what is wrong in each scene, and how many are right."""
    right, offsets = Counter(), []
    for number in range(first, first + count):
        kind = KINDS[number % len(KINDS)]
        try:
            wrong, offset = judge(make(kind, number))
        except ValueError as error:
            wrong, offset = f"error: {error}", np.nan
        right[kind] += not wrong
        offsets.append(offset)
        if wrong:
            print(f"{number:4} {kind:10} {wrong} {offset:.2e}", flush=True)
    for kind in KINDS:
        print(f"{kind:10} {right[kind]} right")
    print(f"{sum(right.values())} of {count} right; median offset {np.nanmedian(offsets):.1e}")


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*(given + [100, 0][len(given) :]))
