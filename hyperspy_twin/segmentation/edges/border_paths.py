"""Smooth paths along borders and the brightness across them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import kernel


def path_length(path: np.ndarray, closed: bool) -> float:
    """Length of a path of shape (n, 2)."""
    return float(np.hypot(*np.diff(_with_return(path, closed), axis=0).T).sum())


def resample_path(path: np.ndarray, spacing: float, closed: bool) -> np.ndarray:
    """Equidistant points on a path, about as far apart as asked, both ends included."""
    path = _with_return(path, closed)
    walked = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    count = max(int(round(walked[-1] / spacing)), 2)
    at = np.linspace(0, walked[-1], count + 1)[: count if closed else None]
    return np.stack([np.interp(at, walked, component) for component in path.T], axis=1)


def smooth_path(path: np.ndarray, sigma: float, closed: bool) -> np.ndarray:
    """Path after a Gaussian of ``sigma`` points along it; open ends stay where they are."""
    if closed:
        return ndimage.gaussian_filter1d(path, sigma, axis=0, mode="wrap")
    margin = min(int(4 * sigma) + 1, len(path) - 1)
    padded = np.pad(path, ((margin, margin), (0, 0)), mode="reflect", reflect_type="odd")
    return ndimage.gaussian_filter1d(padded, sigma, axis=0)[margin : margin + len(path)]


def path_normals(path: np.ndarray, closed: bool) -> np.ndarray:
    """Directions across a path of rows and columns, to the right of its sense on the screen."""
    if closed:
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        along = np.gradient(path, axis=0)
    along /= np.maximum(np.hypot(*along.T), np.finfo(float).tiny)[:, None]
    return np.stack([along[:, 1], -along[:, 0]], axis=1)


def _with_return(path: np.ndarray, closed: bool) -> np.ndarray:
    return np.concatenate([path, path[:1]]) if closed else path


@kernel
def read_profiles(
    working: np.ndarray,
    labels: np.ndarray,
    path: np.ndarray,
    normals: np.ndarray,
    sides: tuple[int, int],
    position: np.ndarray,
    settled: float,
) -> np.ndarray:
    """Brightness along rays across the border of two regions, shape (n, m).

    A ray ends where the image ends, and half-way to where it leaves its region; NaN beyond.

    Parameters
    ----------
    working, labels : numpy.ndarray
        Image on a coarse grid over the same field, and regions, shape (rows, columns).
    path, normals : numpy.ndarray
        Points (row, column) on the border, counted in pixels from the corner of the image, and the
        direction of the ray from each, shape (n, 2).
    sides : tuple of int
        Labels against the normal and along it.
    position : numpy.ndarray
        Positions on a ray in steps of one size, zero in the middle, shape (m,), odd.
    settled : float
        Length in its own region from which on a ray counts the other one as left behind; before,
        the border may wind.
    """
    rows, columns = labels.shape
    last_row, last_column = working.shape[0] - 1, working.shape[1] - 1
    to_row, to_column = working.shape[0] / rows, working.shape[1] / columns
    found = np.full((len(path), position.size), np.nan, np.float32)
    middle, pitch = position.size // 2, position[1] - position[0]
    for k in range(len(path)):
        for side in range(2):
            step = 2 * side - 1
            index, inside, end = middle, 0.0, np.inf
            while 0 <= index < position.size:
                row = path[k, 0] + position[index] * normals[k, 0]
                column = path[k, 1] + position[index] * normals[k, 1]
                if not (0 <= row < rows and 0 <= column < columns):
                    break
                here = labels[int(row), int(column)]
                if here == sides[side]:
                    inside += pitch
                elif here != sides[1 - side] or inside > settled:
                    end = abs(position[index]) / 2
                    break
                y = min(max(row * to_row - 0.5, 0.0), last_row)
                x = min(max(column * to_column - 0.5, 0.0), last_column)
                i, j = min(int(y), last_row - 1), min(int(x), last_column - 1)
                y, x = y - i, x - j
                upper = (1 - x) * working[i, j] + x * working[i, j + 1]
                lower = (1 - x) * working[i + 1, j] + x * working[i + 1, j + 1]
                found[k, index] = (1 - y) * upper + y * lower
                index += step
            for index in range(position.size):
                if position[index] * step > end:
                    found[k, index] = np.nan
    return found
