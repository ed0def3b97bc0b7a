from .grid import CoarseGrid, fill_nearest, make_coarse_grid, nearest_nodes
from .splines import EVERY, Splines
from .strips import STRIP, Rows, count_threads, run_on_strips

__all__ = [
    "EVERY",
    "STRIP",
    "CoarseGrid",
    "Rows",
    "Splines",
    "count_threads",
    "fill_nearest",
    "make_coarse_grid",
    "nearest_nodes",
    "run_on_strips",
]
