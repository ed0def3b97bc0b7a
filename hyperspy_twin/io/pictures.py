"""Reader of pictures (PNG, JPEG, GIF, BMP...): all channels and frames, as intensities."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageSequence
from rsciio import image as rsciio_image

from hyperspy_twin.io.pixel_values import (
    UnreadColoursError,
    grey_of_colours,
    transparency_note,
)

# Modes of Pillow whose pixels are one number each; those with 16 bits begin with I;16.
_GREY = ("1", "L", "I", "F")
_EXIF_ORIENTATION = 0x0112


def file_reader(filename: str, lazy: bool = False, **options: Any) -> list[dict[str, Any]]:
    """Read a picture, as a reader that :func:`hyperspy.api.load` takes as ``file_format``.

    Scale and tags are those that rosettasciio finds. The pixels are read here, because its reader
    takes the red channel of pictures whose green and blue are equal for the whole, and stops at
    grey with transparency and at several frames.

    Parameters
    ----------
    filename
        Path.
    lazy
        Whether data are wanted lazily, which pictures do not do.
    **options
        Passed to rosettasciio.

    Raises
    ------
    UnreadColoursError
        If the colours cannot be turned into red, green and blue.
    ValueError
        If the frames differ in size.
    """
    with Image.open(filename) as picture:
        deep = _is_cut_to_eight_bits(picture)
        orientation = picture.getexif().get(_EXIF_ORIENTATION, 1)
        frames = [_channels(frame) for frame in ImageSequence.Iterator(picture)]
    if len({frame.shape[:2] for frame in frames}) > 1:
        raise ValueError("the frames of the picture differ in size")
    data, notes = _intensities(frames)
    if deep:
        notes.append("colours of 16 bits read with 8")
    if orientation not in (0, 1):
        notes.append(f"read as stored, not turned as its orientation tag ({orientation}) asks")
    try:
        (found,) = rsciio_image.file_reader(filename, **options)
    except (IndexError, ValueError):  # the channels or frames that it does not take
        found = {"axes": [{"name": name, "scale": 1, "offset": 0, "units": None} for name in "yx"]}
    axes = [
        {**axis, "size": size, "navigate": False, "index_in_array": data.ndim - 2 + index}
        for index, (axis, size) in enumerate(zip(found["axes"], frames[0].shape, strict=False))
    ]
    if data.ndim == 3:
        axes.insert(0, {"name": "frame", "size": len(data), "navigate": True, "index_in_array": 0})
    metadata = {"General": {}, "Signal": {"signal_type": ""}, **found.get("metadata", {})}
    original = {**found.get("original_metadata", {}), "pixel_values": "; ".join(notes)}
    return [{"data": data, "axes": axes, "metadata": metadata, "original_metadata": original}]


def _is_cut_to_eight_bits(picture: Image.Image) -> bool:
    """Whether Pillow reads the 16 bits of each channel of a picture as 8."""
    tiles: Any = getattr(picture, "tile", None)
    raw = str(tiles[0][3]) if tiles else ""
    return picture.mode in ("RGB", "RGBA", "LA") and ";16" in raw


def _channels(frame: Image.Image) -> np.ndarray:
    """Pixels of one frame, shape (rows, columns) or with one, two, three or four channels."""
    mode = frame.mode
    if mode in ("P", "PA"):
        frame = frame.convert("RGBA" if mode == "PA" or "transparency" in frame.info else "RGB")
    elif mode not in (*_GREY, "LA", "RGB", "RGBA") and not mode.startswith("I;16"):
        try:
            frame = frame.convert({"La": "LA", "RGBa": "RGBA"}.get(mode, "RGB"))
        except ValueError as error:
            raise UnreadColoursError(
                f"its colours ({mode}) are not read: save it as a grey or RGB picture"
            ) from error
    pixels = np.asarray(frame)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=True)


def _intensities(frames: list[np.ndarray]) -> tuple[np.ndarray, list[str]]:
    """Grey values of the frames, stacked where there are several, and what to say of them."""
    pixels = [frame if frame.ndim == 3 else frame[..., None] for frame in frames]
    notes = []
    alpha = [frame[..., -1] for frame in pixels if frame.shape[-1] in (2, 4)]
    if alpha:
        notes.append(transparency_note(np.stack(alpha), 255))
    # A frame of one grey channel beside frames of three counts as three equal ones.
    coloured = any(frame.shape[-1] > 2 for frame in pixels)
    if coloured:
        channels = [
            np.stack([frame[..., k if frame.shape[-1] > 2 else 0] for frame in pixels])
            for k in range(3)
        ]
        grey, note = grey_of_colours(channels)
        notes.append(note)
    else:
        grey = np.stack([frame[..., 0] for frame in pixels])
    return grey[0] if len(grey) == 1 else grey, [note for note in notes if note]
