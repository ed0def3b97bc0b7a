"""What the numbers of a picture mean: colours, palettes, and which end is white."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyperspy_twin.core import counted

# Rec. 709 weights of red, green and blue in the luminance.
LUMINANCE = (0.2126, 0.7152, 0.0722)


class UnreadColoursError(ValueError):
    """A kind of colours that cannot be turned into intensities."""


def grey_of_colours(channels: Sequence[Any]) -> tuple[Any, str]:
    """Intensity of red, green and blue, and what to say of it.

    Parameters
    ----------
    channels
        Red, green and blue: three arrays of NumPy or dask of one shape.

    Returns
    -------
    grey
        The one channel, with its data type, where the three are equal; else the luminance
        (Rec. 709) as float32.
    note : str
        What was done; empty where nothing was lost.
    """
    red, green, blue = channels
    if bool((red == green).all()) and bool((red == blue).all()):
        return red, ""
    weighted = (
        channel * np.float32(weight) for channel, weight in zip(channels, LUMINANCE, strict=True)
    )
    return sum(weighted).astype(np.float32), "colours turned into luminance"


def transparency_note(alpha: Any, opaque: float) -> str:
    """Say how much a channel of transparency hides that is dropped; empty where all is opaque."""
    hidden = int((alpha < opaque).sum())
    return f"transparency of {counted(hidden, 'pixel')} ignored" if hidden else ""


def invert_white_is_zero(values: Any, bits: int) -> Any:
    """Values of which the larger is the brighter, of those where 0 means white.

    Parameters
    ----------
    values
        Array of NumPy or dask.
    bits
        Number of bits that unsigned values use.
    """
    kind = values.dtype.kind
    if kind == "b":
        return ~values
    if kind == "u":
        return values.dtype.type(2**bits - 1) - values
    return ~values if kind == "i" else -values


def apply_palette(indices: Any, palette: np.ndarray) -> tuple[Any, str]:
    """Intensity that a palette gives to each index, and what to say of it.

    Parameters
    ----------
    indices
        Array of NumPy or dask.
    palette
        Red, green and blue of each index, uint16 as in TIFF, shape (3, n).
    """
    if (palette % 257 == 0).all():
        palette = (palette // 257).astype(np.uint8)
    elif (palette % 256 == 0).all():
        palette = (palette // 256).astype(np.uint8)
    grey, note = grey_of_colours(list(palette))
    if hasattr(indices, "map_blocks"):
        return indices.map_blocks(grey.__getitem__, dtype=grey.dtype), note
    return grey[indices], note
