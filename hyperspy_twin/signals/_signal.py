"""What the signal types share: their state, its history, and help with the next step."""

from __future__ import annotations

import json
import logging
import re
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hyperspy_twin.core import Grid, content_hash
from hyperspy_twin.signals._images import grid_of
from hyperspy_twin.signals._twin import node_with, read

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Outlines

_logger = logging.getLogger(__name__)

TYPES = (
    "Micrograph",
    "SegmentedImage",
    "IndexedFFT",
    "StrainMap",
    "AtomicModel",
    "CompositionMap",
)
# Packages whose version can change a result; the history records them.
RECORDED_PACKAGES = "hyperspy_twin hyperspy numpy scipy scikit-image diffsims spglib exspy".split()


class TwinSignal:
    """Mixin of the signal types: reads and derives state, holds none of its own."""

    _made_by: ClassVar[str]

    def __getattr__(self, name: str) -> Any:
        """Say which signal type offers a step that this one does not."""
        owner = None if name.startswith("_") else _owner_of(name)
        if owner is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise AttributeError(
            f"{type(self).__name__} has no '{name}': it belongs to {owner.__name__}, "
            f"which comes from {owner._made_by}"
        )

    @property
    def history(self) -> tuple[dict[str, Any], ...]:
        """Steps that led to this signal: name, parameters, versions and hash of the input."""
        return tuple(json.loads(text) for text in self._state("history", []))

    def plot(self, *arguments: Any, **options: Any) -> Figure:
        """Plot as HyperSpy does.

        Parameters
        ----------
        *arguments, **options
            Passed to :meth:`hyperspy.api.signals.Signal2D.plot`.

        Returns
        -------
        matplotlib.figure.Figure
            The figure of the signal.
        """
        from hyperspy_twin.signals._figures import show_once

        super().plot(*arguments, **options)  # type: ignore[misc]
        return show_once(self._plot.signal_plot.figure)

    def _state(self, key: str, default: Any = None) -> Any:
        """Value of a key of the state, see :mod:`hyperspy_twin.signals._twin`."""
        return read(self, key, default)

    def _derive(
        self,
        kind: type,
        step: str,
        parameters: dict[str, Any],
        *,
        data: np.ndarray | None = None,
        axes: list[dict[str, Any]] | None = None,
        outcome: dict[str, Any] | None = None,
        **state: Any,
    ) -> Any:
        """Signal of a type with this one's metadata, new state and a longer history.

        Parameters
        ----------
        kind
            Class of the new signal.
        step, parameters
            What was done, for the history.
        data, axes
            Of the new signal; by default those of this one.
        outcome
            What the step decided by itself, and why.
        **state
            Values of the state that change.
        """
        record = record_step(step, parameters, outcome, content_hash(self.data))
        state["history"] = [*self._state("history", []), record]
        metadata = self.metadata.deepcopy().as_dictionary()
        metadata.pop("Markers", None)
        metadata["Signal"] = {"signal_type": kind._signal_type}  # type: ignore[attr-defined]
        metadata["Twin"] = node_with(self, state)
        return kind(
            self.data if data is None else data,
            axes=self._axes() if axes is None else axes,
            metadata=metadata,
            original_metadata=self.original_metadata.as_dictionary(),
        )

    def _axes(self) -> list[dict[str, Any]]:
        """Descriptions of the axes in the order of the array."""
        return [axis.get_axis_dictionary() for axis in self.axes_manager._axes]

    @property
    def _grid(self) -> Grid:
        """Grid of the two image axes."""
        return grid_of(self._axes()[-2:])

    @property
    def _outlines(self) -> Outlines:
        """Outlines of the regions of a single image."""
        outlines = self._state("outlines")
        if isinstance(outlines, tuple):
            raise ValueError("this signal holds a stack of images: choose one with s.inav[...]")
        return outlines

    @property
    def _labels(self) -> np.ndarray:
        """Label image of a single image."""
        from hyperspy_twin.core import rasterise

        return rasterise(self._outlines, self._grid)

    @property
    def _unit(self) -> str:
        """Unit of the image axes: nm, or px without a calibration."""
        return self._state("unit")

    @property
    def _calibrated(self) -> bool:
        return self._unit == "nm"

    @property
    def _dark_field(self) -> bool | None:
        """Whether the image is a dark-field one of a scan; None where the file does not say."""
        words = set(re.split("[^a-z]+", str(self.metadata.get_item("General.title", "")).lower()))
        mode = self.metadata.get_item("Acquisition_instrument.TEM.acquisition_mode")
        if mode == "TEM" or words & {"bf", "abf", "bright"}:
            return False
        return True if words & {"haadf", "adf", "maadf", "laadf", "dark"} else None


def _owner_of(name: str) -> type[TwinSignal] | None:
    """Signal type that defines a public name itself."""
    package = import_module(__name__.partition(".")[0])
    types = [getattr(package, one) for one in TYPES]
    return next((one for one in types if name in vars(one)), None)


def record_step(
    step: str, parameters: dict[str, Any], outcome: dict[str, Any] | None, source: str
) -> str:
    """Step of the history as text, with the hash of what it started from."""
    record = {
        "step": step,
        "parameters": parameters,
        **({"outcome": outcome} if outcome else {}),
        "versions": _versions(),
        "input": source,
    }
    return json.dumps(record)


@lru_cache
def _versions() -> dict[str, str]:
    found = {}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            _logger.debug("no version known of %s", package)
    return found
