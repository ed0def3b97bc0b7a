"""Pixel size and distortion of an image, measured by the crystals in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Calibration, OrientedCrystal, Peaks
from hyperspy_twin.crystals.indexing import REGION_SPREAD, RegionPhase
from hyperspy_twin.crystals.relations.lattice_fit import explained_peaks, fit_lattice, square_root

Pair = tuple[float, float]
SAME_SCALE = 0.005  # relative; ties that differ by less give the same pixel size


@dataclass(frozen=True, eq=False)
class Stretch:
    """How the lattice of a region appears in the spectrum.

    Attributes
    ----------
    matrix
        Symmetric matrix S, shape (2, 2): nominal peak = S @ (R @ g)[:2] with a rotation R.
    variance
        Variances of S_xx, S_yy and S_xy, shape (3,).
    """

    matrix: np.ndarray
    variance: np.ndarray


def calibrate(
    records: Iterable[RegionPhase],
    peaks: Sequence[Peaks],
    pixel_size: Pair,
    *,
    known_error: float | None = None,
) -> Calibration:
    """Pixel size of an image on which its indexed regions agree.

    Parameters
    ----------
    records
        Records of the regions. Those with ties that ask for another scale are left out.
    peaks
        Peaks of each region.
    pixel_size
        Nominal pixel size (x, y) in nm.
    known_error
        Its relative standard error, where it is known. The composition of an alloy was then read
        from a spacing at this pixel size, which the same spacing cannot correct: it stays.

    Returns
    -------
    Calibration
        As of ``combine_stretches``.

    Raises
    ------
    ValueError
        If no region is indexed, or all of them are tied with phases of another scale.
    """
    indexed = [record for record in records if record.match is not None]
    if not indexed:
        raise ValueError(
            "no region is indexed: call index_phases(...) with a phase that is in the image"
        )
    clear = [record for record in indexed if not _leaves_scale_open(record)]
    if not clear:
        if all(_has_open_composition(record) for record in indexed):
            raise ValueError(
                "the composition of every alloy is open, which leaves the pixel size open: "
                "index_phases(...) with an alloy of known x, such as 'Si0.3Ge0.7'"
            )
        ties = "; ".join(
            f"region {record.region}: {' = '.join((str(record.phase), *record.ties))}"
            for record in indexed
        )
        raise ValueError(
            f"phases are tied, which leaves the pixel size open ({ties}): choose one with "
            "accept(region, phase), or index_phases(...) with fewer candidates"
        )
    alloys = [record.region for record in clear if record.composition is not None]
    if alloys and known_error is not None:
        return _keep_pixel_size(pixel_size, known_error, alloys)
    stretches = [measure_stretch(*crystal) for crystal in explained_peaks(clear, peaks).values()]
    return combine_stretches(stretches, [record.region for record in clear], pixel_size)


def _keep_pixel_size(pixel_size: Pair, error: float, alloys: Sequence[int]) -> Calibration:
    """Report on the pixel size by which the compositions of alloys were read."""
    x, y = pixel_size
    return Calibration.known(
        (float(x), float(y)),
        "the image, whose pixel size is known",
        note=f"the composition of {_listed(alloys)} follows from it",
        pixel_size_error=(float(error * x), float(error * y)),
        scale=1.0,
        scale_error=float(error),
        anisotropy=0.0,
        anisotropy_error=float(100 * np.sqrt(2) * error),
        shear=0.0,
        shear_error=float(np.degrees(error)),
        distortion=np.eye(2),
    )


def _listed(regions: Sequence[int]) -> str:
    return f"region{'s'[: len(regions) > 1]} {', '.join(map(str, regions))}"


def _has_open_composition(record: RegionPhase) -> bool:
    return record.composition is not None and not record.composition.known


def measure_stretch(oriented: OrientedCrystal, hkl: np.ndarray, peaks: Peaks) -> Stretch:
    """Fit the lattice of one region by :func:`fit_lattice`, and part stretch and rotation."""
    affine, covariance = fit_lattice(oriented, hkl, peaks)
    matrix = square_root(affine @ affine.T)
    rotation = np.linalg.solve(matrix, affine)
    # Small changes dA of the fit change S by the symmetric part of dA @ R^T.
    xx, yy = np.diag(rotation @ covariance @ rotation.T)
    return Stretch(matrix, np.array([xx, yy, (xx + yy) / 4]))


def combine_stretches(
    stretches: Sequence[Stretch], regions: Sequence[int], pixel_size: Pair
) -> Calibration:
    """Pixel size by the mean stretch of some crystals of these regions; the nominal one is in nm.

    Mean weighted by the inverse of variance from the peaks plus variance between regions. The
    latter is estimated from the regions and the 0.8 % that strain usually leaves between them,
    which counts as one region more: a single region cannot tell strain from a wrong pixel size.

    References
    ----------
    DerSimonian & Laird, Control. Clin. Trials 7 (1986) 177 (mean of unequal variances).
    """
    values = np.array([stretch.matrix[(0, 1, 0), (0, 1, 1)] for stretch in stretches])
    variance = np.array([stretch.variance for stretch in stretches])
    size = values[:, :2].mean()
    mean, total = np.zeros(3), np.zeros(3)
    for part in range(3):
        mean[part], total[part] = _mean(values[:, part], variance[:, part], REGION_SPREAD * size)
    xx, yy, xy = mean
    scale = (xx + yy) / 2
    error = np.sqrt(total)
    anisotropy = (xx - yy) / scale
    return Calibration.known(
        (float(pixel_size[0] * xx), float(pixel_size[1] * yy)),
        f"the crystals of {_listed(regions)}",
        pixel_size_error=(float(pixel_size[0] * error[0]), float(pixel_size[1] * error[1])),
        scale=float(scale),
        scale_error=float(np.hypot(error[0], error[1]) / 2),
        anisotropy=float(100 * anisotropy),
        anisotropy_error=float(100 * np.hypot(error[0], error[1]) / scale),
        shear=float(np.degrees(np.arctan2(xy, xx) + np.arctan2(xy, yy))),
        shear_error=float(np.degrees(2 * error[2] / scale)),
        regions=tuple(map(int, regions)),
        distortion=np.array([[xx, xy], [xy, yy]]) / scale,
    )


def _leaves_scale_open(record: RegionPhase) -> bool:
    """Whether a tie of a record asks for another scale; one by another zone axis may."""
    if _has_open_composition(record):
        return True
    best = record.ranking[0]
    scales = {match.phase: match.scale for match in record.ranking}
    return any(
        tie not in scales or abs(np.log(scales[tie] / best.scale)) > SAME_SCALE
        for tie in record.ties
    )


def _mean(values: np.ndarray, variance: np.ndarray, spread: float) -> tuple[float, float]:
    """Mean of unequal variances and its variance; ``spread`` counts as one value more."""
    weight = 1 / (variance + spread**2)
    centre = np.average(values, weights=weight)
    excess = np.maximum((values - centre) ** 2 - variance, 0.0).sum()
    between = (spread**2 + excess) / len(values)
    weight = 1 / (variance + between)
    return float(np.average(values, weights=weight)), float(1 / weight.sum())
