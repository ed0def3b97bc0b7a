"""State that the five signal types share: one metadata node, its history and its checks."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.core.grid import Grid

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

    from hyperspy_twin.core.outlines import Outlines

_logger = logging.getLogger(__name__)

MADE_BY = {
    "segment": "Micrograph",
    "labels": "SegmentedImage",
    "regions": "SegmentedImage",
    "peaks": "IndexedFFT",
    "index_phases": "IndexedFFT",
    "phases": "IndexedFFT",
    "accept": "IndexedFFT",
    "constrain": "IndexedFFT",
    "crystal_map": "IndexedFFT",
    "orientation_map": "IndexedFFT",
    "epitaxy": "IndexedFFT",
    "apply_calibration": "IndexedFFT",
    "gpa": "IndexedFFT",
    "to_atoms": "StrainMap",
    "to_ase": "AtomicModel",
    "write": "AtomicModel",
}
CHAIN = {
    "Micrograph": "ht.load(...) or s.set_signal_type('Micrograph')",
    "SegmentedImage": "Micrograph.segment()",
    "IndexedFFT": "SegmentedImage.find_peaks()",
    "StrainMap": "IndexedFFT.gpa()",
    "AtomicModel": "StrainMap.to_atoms()",
}
RECORDED_PACKAGES = ("hyperspy_twin", "hyperspy", "numpy", "scipy", "scikit-image", "diffsims")


class TwinState:
    """Mixin of the five signal types: reads and derives state, holds none of its own."""

    def __getattr__(self, name: str) -> Any:
        """Say which signal type offers a step that this one does not."""
        if name in MADE_BY:
            owner = MADE_BY[name]
            raise AttributeError(
                f"{type(self).__name__} has no '{name}': it belongs to {owner}, "
                f"which comes from {CHAIN[owner]}"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def history(self) -> tuple[dict[str, Any], ...]:
        """Steps that led to this signal: name, parameters, versions and hash of the input."""
        return tuple(json.loads(text) for text in self._twin("history", []))

    def _twin(self, key: str, default: Any = None) -> Any:
        """Item of the metadata node that holds all state."""
        item = self.metadata.get_item(f"Twin.{key}", default)
        return item.as_dictionary() if hasattr(item, "as_dictionary") else item

    def _derive(
        self,
        kind: type,
        data: np.ndarray,
        axes: list[dict[str, Any]],
        step: str,
        parameters: dict[str, Any],
        outcome: dict[str, Any] | None = None,
        **state: Any,
    ) -> Any:
        """Signal of another type with this one's metadata, new state and a longer history.

        ``outcome`` is what the step decided by itself, and why.
        """
        metadata = self.metadata.deepcopy().as_dictionary()
        metadata.pop("Markers", None)
        metadata["Signal"] = {"signal_type": kind._signal_type}  # type: ignore[attr-defined]
        twin = metadata.setdefault("Twin", {})
        twin.update(state)
        record = {
            "step": step,
            "parameters": parameters,
            **({"outcome": outcome} if outcome else {}),
            "versions": _versions(),
            "input": content_hash(self.data),
        }
        twin["history"] = [*twin.get("history", []), json.dumps(record)]
        original = self.original_metadata.as_dictionary()
        return kind(data, axes=axes, metadata=metadata, original_metadata=original)

    def _axes(self) -> list[dict[str, Any]]:
        """Descriptions of the axes in the order of the array."""
        manager = self.axes_manager
        return [axis.get_axis_dictionary() for axis in manager._axes]

    def _image_axes(self) -> list[dict[str, Any]]:
        """Descriptions (y, x) of the two image axes."""
        return self._axes()[-2:]

    def _outlines(self) -> Outlines:
        from hyperspy_twin.core.outlines import Outlines

        state = self._twin("outlines")
        if "ring_image" in state:
            raise ValueError("this signal holds a stack of images: choose one with s.inav[...]")
        return Outlines(**state)

    @property
    def _unit(self) -> str:
        """Unit of the image axes: nm, or px without a calibration."""
        return self._twin("unit")

    @property
    def _calibrated(self) -> bool:
        return self._unit == "nm"


def grid_of(axes: list[dict[str, Any]]) -> Grid:
    """Pixel grid of two axis descriptions (y, x)."""
    y, x = axes
    return Grid((y["size"], x["size"]), (x["scale"], y["scale"]), (x["offset"], y["offset"]))


def axes_of(grid: Grid, unit: str) -> list[dict[str, Any]]:
    """Axis descriptions (y, x) of a pixel grid."""
    return [
        {
            "name": name,
            "size": grid.shape[index],
            "scale": grid.scale[1 - index],
            "offset": grid.offset[1 - index],
            "units": unit,
            "navigate": False,
        }
        for index, name in enumerate("yx")
    ]


def outlines_state(outlines: Outlines) -> dict[str, np.ndarray]:
    """Outlines as metadata holds them."""
    return {
        "vertices": outlines.vertices,
        "ring_start": outlines.ring_start,
        "ring_region": outlines.ring_region,
    }


def check_images(signal: BaseSignal) -> None:
    """Check that a signal holds real images with pixels.

    Raises
    ------
    ValueError
        If it does not.
    """
    if signal.data.dtype.kind not in "buif":
        raise ValueError(
            f"an image of real numbers is needed, not {signal.data.dtype}: "
            "convert it first, for example s.change_dtype('float32') of one colour channel"
        )
    if signal.data.size == 0:
        raise ValueError("the image is empty")


def finite_image(signal: BaseSignal) -> np.ndarray:
    """Pixels of a single real image as floating-point numbers, computed if lazy.

    Raises
    ------
    ValueError
        If the signal holds several images, is not real, or holds values that are not finite.
    """
    if signal.axes_manager.navigation_dimension:
        raise ValueError(
            f"this signal holds a stack of {signal.axes_manager.navigation_size} images: "
            "choose one with s.inav[...], or loop over the stack"
        )
    check_images(signal)
    return as_finite(np.asarray(signal.data))


def as_finite(image: np.ndarray) -> np.ndarray:
    """Image as floating-point numbers.

    Raises
    ------
    ValueError
        If it holds values that are not finite.
    """
    image = image if image.dtype == np.float64 else image.astype(np.float32)
    bad = image.size - int(np.count_nonzero(np.isfinite(image)))
    if bad:
        raise ValueError(
            f"{bad} of {image.size} pixels are not finite (NaN or infinite): "
            "crop them away with s.isig[...] or fill them, for example with their neighbours"
        )
    return image


def content_hash(data: Any) -> str:
    """Hash of the values of an array, the same on every machine."""
    array = np.ascontiguousarray(np.asarray(data))
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    digest.update(array.view(np.uint8).data)
    return digest.hexdigest()


def progress(items: Iterable[Any], show: bool | None, title: str) -> Iterator[Any]:
    """Iterate with a progress bar, shown as HyperSpy's preferences say unless told."""
    from hyperspy.api import preferences
    from tqdm.auto import tqdm

    if show is None:
        show = preferences.General.show_progressbar
    yield from tqdm(items, desc=title, disable=not show, leave=False)


def table(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Structured array, shape (n,), of equally long columns, each of shape (n, ...)."""
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    kinds = [(name, values.dtype, values.shape[1:]) for name, values in arrays.items()]
    result = np.zeros(len(next(iter(arrays.values()))), dtype=kinds)
    for name, values in columns.items():
        result[name] = values
    return result


@lru_cache
def _versions() -> dict[str, str]:
    found = {}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            _logger.debug("no version known of %s", package)
    return found
