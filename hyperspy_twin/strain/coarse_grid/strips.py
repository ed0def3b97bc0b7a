"""Rows of an image in strips, each thread with its share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

# Rows that are transformed at once: they stay in the cache.
STRIP = 32
# Gives the rows of an image from a first one to before a last one, shape (rows, columns).
Rows = Callable[[int, int], np.ndarray]


def count_threads() -> int:
    """Threads that may be used: as many as kernels have (``NUMBA_NUM_THREADS``)."""
    return numba.get_num_threads()


def run_on_strips(work: Callable[[int, int], None], rows: int, strip: int | None = None) -> None:
    """Call ``work(start, stop)`` for strips of rows, which it does without the others.

    Strips have at most ``strip`` rows, and each thread has its share of rows.
    """
    threads = min(count_threads(), rows)
    band = -(-rows // threads)
    strip = band if strip is None else strip

    def work_on_band(first: int) -> None:
        last = min(first + band, rows)
        for start in range(first, last, strip):
            work(start, min(start + strip, last))

    if threads == 1:
        work_on_band(0)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work_on_band, range(0, rows, band)))
