"""Files of microscopes in, micrographs calibrated in nm out."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hyperspy.api as hs
from hyperspy.signals import BaseSignal
from natsort import natsorted
from rsciio import IO_PLUGINS

from hyperspy_twin.io import pictures, tiff
from hyperspy_twin.io.axes import file_name, to_nanometres
from hyperspy_twin.io.calibration import is_missing
from hyperspy_twin.io.pixel_values import UnreadColoursError, grey_of_colours
from hyperspy_twin.io.recognition import SIGNAL_TYPE, why_no_micrograph

_logger = logging.getLogger(__name__)

IF_AN_IMAGE = (
    "if it is an image, call s.set_signal_type('Micrograph') and s.calibrate(pixel size in nm)"
)


def load(
    path: str | os.PathLike | Iterable[str | os.PathLike], **kwargs: Any
) -> BaseSignal | list[Any]:
    """Load the images of a file as calibrated micrographs, and all else as it is.

    Real two-dimensional images, and series of them along one axis, become
    :class:`~hyperspy_twin.Micrograph`. Spectra, 4D scans, complex images, holograms,
    diffraction patterns and images whose axes are not lengths keep their type, axes and units.

    The signal axes of a micrograph are named x and y, x to the right and y down. Their scale is
    brought to nm where the file tells the unit, and is one pixel (unit ``px``) where it does not;
    ``s.calibration`` says which and why. A scale without any unit in a file that HyperSpy wrote is
    taken as nm, with a warning; in other formats it is not used, since their readers drop units.
    An axis that runs backwards becomes one with a positive scale; the pixels stay where they are.

    Colour images become grey: one channel, with the data type of the file, where the channels
    are equal, else their luminance (Rec. 709) as float32, because the colours of a colour map are
    no intensities. Palettes are applied; values of TIFF files in which 0 means white are inverted.
    Whatever was changed, dropped or assumed is in the report and, once, a warning of the log.

    A signal whose file holds no title has the name of the file as its title.

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
    if not (kwargs.get("file_format") or kwargs.get("reader")):
        kwargs = {**kwargs, "file_format": _reader_of(paths[0])}
    try:
        with _held_log("hyperspy.io"):
            loaded = hs.load(paths, **kwargs)
    except UnreadColoursError as error:
        raise ValueError(f"{shown}: {error}") from error
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
    if isinstance(loaded, list) and len(paths) == 1:
        for signal in loaded:  # HyperSpy gives only the first the suffix of the file.
            signal.tmp_parameters.original_extension = Path(paths[0]).suffix
    return loaded


def _check_readable(path: str) -> None:
    if os.path.isdir(path):
        if not path.rstrip("/\\").lower().endswith(".zspy"):
            raise ValueError(f"{path}: is a folder, not a file")
    elif os.path.getsize(path) == 0:
        raise ValueError(f"{path}: the file is empty")


def _reader_of(path: str) -> Any:
    """Reader of a file where HyperSpy's own choice, which is None, is not the right one."""
    if _is_picture(path):
        return pictures
    if _has_suffix_of(path, "TIFF"):
        return tiff
    if Path(path).suffix.lower() in (".hdf5", ".h5") and h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            written_by = file.attrs.get("file_format", "")
        if "hyperspy" in str(written_by).lower():
            return "HSPY"
    return None


def _is_picture(path: str) -> bool:
    return _has_suffix_of(path, "Image")


def _has_suffix_of(path: str, name: str) -> bool:
    (found,) = (plugin for plugin in IO_PLUGINS if plugin["name"] == name)
    return Path(path).suffix.lower().lstrip(".") in found["file_extensions"]


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
    if not str(loaded.metadata.get_item("General.title", "") or "").strip():
        loaded.metadata.set_item("General.title", file_name(loaded))
    changes = str(loaded.original_metadata.get_item("pixel_values", ""))
    if loaded.data.dtype.names is not None and set("RGB") <= set(loaded.data.dtype.names):
        loaded.data, changes = grey_of_colours([loaded.data[name].copy() for name in "RGB"])
        loaded.events.data_changed.trigger(obj=loaded)
    _restore_imagej_unit(loaded)
    refusal = why_no_micrograph(loaded)
    if refusal is None:
        to_nanometres(loaded, changes)
        loaded.set_signal_type(SIGNAL_TYPE)
        return loaded
    name = file_name(loaded)
    if changes:
        _logger.warning("%s: %s", name, changes)
    level = logging.WARNING if refusal.surprising else logging.INFO
    advice = f"; {IF_AN_IMAGE}" if refusal.surprising else ""
    _logger.log(level, "%s: not taken as a micrograph: %s%s", name, refusal.reason, advice)
    return loaded


def _restore_imagej_unit(signal: BaseSignal) -> None:
    """Set the unit that ImageJ wrote in the description of a TIFF, and its reader drops."""
    description = str(signal.original_metadata.get_item("ImageDescription", ""))
    if not description.startswith("ImageJ="):
        return
    lines = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=False):
        if is_missing(str(axis.units)):
            # Only y has a unit of its own, where it differs.
            unit = lines.get("unit", "")
            axis.units = lines.get("yunit", unit) if name == "y" else unit
