"""Work on parts of a range, in as many threads as kernels may use."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

# Parts of the work for each thread: parts take unequal times.
PARTS = 4


def run_in_parts(work: Callable[[int, int], object], count: int) -> None:
    """Call a function for consecutive parts of a range, in threads.

    The number of parts depends on that of the threads: the function writes results that do not
    depend on where a part begins.

    Parameters
    ----------
    work
        Called with the first number of a part and the one behind its last; should release the
        interpreter's lock, as kernels do.
    count
        Length of the range.
    """
    threads = numba.get_num_threads()
    pieces = 1 if threads == 1 else PARTS * threads
    edges = np.unique(np.linspace(0, count, 1 + pieces).astype(int)).tolist()
    parts = list(zip(edges[:-1], edges[1:], strict=True))
    if threads == 1:
        for first, last in parts:
            work(first, last)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: work(*part), parts))
