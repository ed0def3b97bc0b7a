"""Files of microscopes in, micrographs calibrated in nm out."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
from hyperspy.signals import BaseSignal, LazySignal2D, Signal2D
from natsort import natsorted
from rsciio import IO_PLUGINS

from hyperspy_twin.io.axes import file_name, to_nanometres
from hyperspy_twin.io.calibration import is_length, is_missing

_logger = logging.getLogger(__name__)

SIGNAL_TYPE = "twin_micrograph"
# Rec. 709 weights of red, green and blue in the luminance.
LUMINANCE = {"R": 0.2126, "G": 0.7152, "B": 0.0722}
_OTHER_TYPES = ("diffraction", "hologram")


def load(
    path: str | os.PathLike | Iterable[str | os.PathLike], **kwargs: Any
) -> BaseSignal | list[Any]:
    """Load the images of a file as calibrated micrographs, and all else as it is.

    Real two-dimensional images, and series of them along one axis, become
    :class:`~hyperspy_twin.Micrograph`. Spectra, 4D scans, complex images, holograms,
    diffraction patterns and images whose axes are not lengths keep their type, axes and units.

    The signal axes of a micrograph are named x and y. Their scale is brought to nm where the
    file tells the unit, and is one pixel (unit ``px``) where it does not; ``s.calibration``
    says which and why. A scale without any unit in a file that HyperSpy wrote is taken as nm,
    with a warning; in other formats it is not used, since their readers drop units.

    Colour images become grey: one channel, with the data type of the file, where the channels
    are equal, else their luminance (Rec. 709) as float32, with a warning, because the colours
    of a colour map are no intensities.

    Parameters
    ----------
    path
        Path, shell-style pattern, or several paths.
    **kwargs
        Passed to :func:`hyperspy.api.load`, such as ``lazy``, ``stack`` or ``file_format``.

    Returns
    -------
    signal or list of signals
        A list where a file holds several data sets or several files are given.

    Raises
    ------
    FileNotFoundError
        If no file is at ``path``.
    ImportError
        If reading the format needs a package that is not installed.
    ValueError
        If the file is empty, damaged or of an unknown format.

    Examples
    --------
    >>> import hyperspy_twin as ht
    >>> s = ht.load("device.dm4")  # doctest: +SKIP
    """
    paths = _paths(path)
    if kwargs.get("stack"):
        return _prepared(_read(paths, **kwargs))
    loaded = [_prepared(_read([name], **kwargs)) for name in paths]
    return loaded[0] if len(loaded) == 1 else loaded


def _paths(path: str | os.PathLike | Iterable[str | os.PathLike]) -> list[str]:
    if not isinstance(path, (str, os.PathLike)):
        paths = [name for item in path for name in _paths(item)]
        if not paths:
            raise ValueError("no file given: the list of paths is empty")
        return paths
    name = os.fspath(path)
    if os.path.exists(name):
        return [name]
    matches = natsorted(glob.glob(name))
    if not matches:
        raise FileNotFoundError(f"{name}: no such file")
    return matches


def _read(paths: list[str], **kwargs: Any) -> BaseSignal | list[BaseSignal]:
    shown = ", ".join(paths)
    for path in paths:
        _check_readable(path)
    if kwargs.get("lazy") and not kwargs.get("file_format") and _is_picture(paths[0]):
        # The reader of pictures cannot defer: see rosettasciio's image plugin.
        eager = _read(paths, **{**kwargs, "lazy": False})
        return [s.as_lazy() for s in eager] if isinstance(eager, list) else eager.as_lazy()
    try:
        with _held_log("hyperspy.io"):
            loaded = hs.load(paths, **kwargs)
    except ImportError as error:
        raise ImportError(f"{shown}: reading it needs another package ({error})") from error
    except MemoryError as error:
        raise ValueError(f"{shown}: larger than the memory or damaged; try lazy=True") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise ValueError(
            f"{shown}: cannot be read, the file is damaged or of an unknown format "
            f"({type(error).__name__}: {reason[:200]})"
        ) from error
    if isinstance(loaded, list) and not loaded:
        emi = shown.lower().endswith(".emi")
        hint = "; the .ser file that belongs to an .emi must lie beside it" if emi else ""
        raise ValueError(f"{shown}: holds no data{hint}")
    return loaded


def _check_readable(path: str) -> None:
    if os.path.isdir(path):
        if not path.rstrip("/\\").lower().endswith(".zspy"):
            raise ValueError(f"{path}: is a folder, not a file")
    elif os.path.getsize(path) == 0:
        raise ValueError(f"{path}: the file is empty")


def _is_picture(path: str) -> bool:
    (picture,) = (plugin for plugin in IO_PLUGINS if plugin["name"] == "Image")
    return Path(path).suffix.lower().lstrip(".") in picture["file_extensions"]


@contextmanager
def _held_log(name: str) -> Iterator[None]:
    """Hold a log back, so that a failure is told once, by the error."""
    held: list[logging.LogRecord] = []

    def hold(record: logging.LogRecord) -> bool:
        held.append(record)
        return False

    logger = logging.getLogger(name)
    logger.addFilter(hold)
    try:
        yield
    finally:
        logger.removeFilter(hold)
    for record in held:
        logger.handle(record)


def _prepared(loaded: Any) -> Any:
    if isinstance(loaded, list):
        return [_prepared(item) for item in loaded]
    if loaded.data.dtype.names is not None:
        _make_grey(loaded)
    _restore_imagej_unit(loaded)
    if _is_micrograph(loaded):
        to_nanometres(loaded)
        loaded.set_signal_type(SIGNAL_TYPE)
    return loaded


def _make_grey(signal: BaseSignal) -> None:
    """Replace the colours of an image by its intensity, in place."""
    channels = [signal.data[name] for name in LUMINANCE]
    if bool((channels[0] == channels[1]).all()) and bool((channels[0] == channels[2]).all()):
        signal.data = channels[0].copy()
    else:
        _logger.warning("%s: colours turned into luminance", file_name(signal))
        weighted = zip(channels, LUMINANCE.values(), strict=True)
        signal.data = sum(channel * np.float32(weight) for channel, weight in weighted)
    signal.events.data_changed.trigger(obj=signal)


def _is_micrograph(signal: BaseSignal) -> bool:
    axes = signal.axes_manager.signal_axes
    declared = str(signal.metadata.get_item("Signal.signal_type", "")).lower()
    if type(signal) not in (Signal2D, LazySignal2D) and declared != SIGNAL_TYPE:
        return False
    if signal.axes_manager.navigation_dimension > 1 or signal.data.dtype.kind not in "buif":
        return False
    if any(name in declared for name in _OTHER_TYPES) or not all(axis.is_uniform for axis in axes):
        return False
    foreign = [str(axis.units) for axis in axes if not is_length(str(axis.units))]
    if foreign:
        _logger.info("%s: unit %s is no length, not a micrograph", file_name(signal), foreign[0])
    return not foreign


def _restore_imagej_unit(signal: BaseSignal) -> None:
    """Set the unit that ImageJ wrote in the description of a TIFF, and its reader drops."""
    description = str(signal.original_metadata.get_item("ImageDescription", ""))
    if not description.startswith("ImageJ="):
        return
    lines = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
    for axis in signal.axes_manager.signal_axes:
        if is_missing(str(axis.units)) and axis.scale != 1:
            axis.units = lines.get("unit", "")
