"""Maps at the pixels from the strain at the nodes of all pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from hyperspy_twin.core import Grid, begin_step, kernel
from hyperspy_twin.strain.displacement import measure_displacement
from hyperspy_twin.strain.strain_tensor import AnalysedPiece

if TYPE_CHECKING:
    import dask.array

# Order of the components in the array that holds them all.
COMPONENTS = (
    "e_xx", "e_yy", "e_xy", "rotation", "u_x", "u_y",
    "sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation",
)  # fmt: skip
# Pixels of a part of a field that is computed at once when it is read: 64 MB.
CHUNK = 1 << 24


def assemble_maps(
    grid: Grid,
    analysed: list[AnalysedPiece],
    vectors: np.ndarray,
    reference: np.ndarray,
    weights: list[np.ndarray] | None,
    *,
    lazy: bool,
) -> tuple[dict[str, Any], tuple[np.ndarray, ...]]:
    """All components at the pixels, from all pieces, and the cuts of the displacement.

    ``weights`` are those of the reference at the nodes of each piece; None without displacement.
    """
    names = [name for name in COMPONENTS if weights is not None or name not in ("u_x", "u_y")]
    split = len(names) - 4
    # Lazily there is the displacement only, which is followed through the whole image.
    result = np.empty((split - 4 if lazy else len(names), *grid.shape), np.float32)
    displacement = result if lazy else result[4:split]
    if len(analysed) == 1 and analysed[0].pixels.shape == grid.shape:
        covered = analysed[0].pixels
    else:
        covered = np.zeros(grid.shape, bool)
        for one in analysed:
            covered[one.box] |= one.pixels
    blank_outside(covered, result)
    del covered
    if not lazy:
        for one in analysed:
            corner = one.box[0].start, one.box[1].start
            filled = one.filled(one.strain.components)
            for part, target in ((filled[:4], result[:4]), (filled[4:], result[split:])):
                one.region.coarse.interpolate(part, one.pixels, target, corner=corner)
    cuts: tuple[np.ndarray, ...] = ()
    if weights is not None:
        begin_step("displacement")
        cuts = measure_displacement(analysed, grid, vectors, reference, weights, displacement)
    fields = lazy_fields(grid, analysed, displacement) if lazy else result
    maps: dict[str, Any] = dict.fromkeys(COMPONENTS)
    return maps | dict(zip(names, fields, strict=True)), cuts


def lazy_fields(
    grid: Grid, analysed: list[AnalysedPiece], displacement: np.ndarray
) -> dask.array.Array:
    """Fields that go from the nodes to the pixels when they are read, around the displacement."""
    import dask.array

    pieces = [
        (one.box, one.pixels, one.region.coarse.splines(one.filled(one.strain.components)))
        for one in analysed
    ]
    rows, columns = grid.shape
    count = len(displacement)

    def evaluate(block_info: dict) -> np.ndarray:
        (field, _), (start, stop), _ = block_info[None]["array-location"]
        if 4 <= field < 4 + count:
            return displacement[field - 4 : field - 3, start:stop]
        number = field if field < 4 else field - count
        result = np.full((1, stop - start, columns), np.nan, np.float32)
        for (box, left), pixels, splines in pieces:
            first, last = max(start, box.start), min(stop, box.stop)
            if first < last:
                part = slice(first - box.start, last - box.start)
                corner = first - start, left.start
                splines.write(
                    part.start, part.stop, pixels[part], result, corner, slice(number, number + 1)
                )
        return result

    chunks = dask.array.core.normalize_chunks(
        (1, max(CHUNK // columns, 1), columns), (8 + count, rows, columns)
    )
    # With a name of its own, so that dask does not read what is behind the function.
    return dask.array.map_blocks(
        evaluate,
        chunks=chunks,
        token=uuid4().hex,
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )


@kernel
def blank_outside(mask: np.ndarray, result: np.ndarray) -> None:
    """Write NaN outside a mask, shape (rows, columns), in arrays of shape (n, rows, columns)."""
    rows, columns = mask.shape
    for row in range(rows):
        stop = 0
        while stop < columns:
            start = stop
            while start < columns and mask[row, start]:
                start += 1
            stop = start
            while stop < columns and not mask[row, stop]:
                stop += 1
            if stop > start:
                for field in range(len(result)):
                    result[field, row, start:stop] = np.nan
