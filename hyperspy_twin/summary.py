"""What a reader of a report wants to know first: the image, the answers, and what is doubtful."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hyperspy_twin.core import counted, with_error
from hyperspy_twin.crystals import phase_label
from hyperspy_twin.io import file_name
from hyperspy_twin.workflow import as_calibrated

if TYPE_CHECKING:
    from hyperspy_twin import AtomicModel, IndexedFFT, Micrograph, SegmentedImage, StrainMap
    from hyperspy_twin.core import Calibration
    from hyperspy_twin.crystals import RegionPhase

# Relative distortion of the image that is worth a warning: spacings of crystals that differ by
# less are those of one crystal, see crystals.relations.pixel_size.SAME_SCALE.
SMALLEST_DISTORTION = 0.005
# Standard errors from which a difference is one, for a false alarm in 370.
SIGNIFICANT = 3.0
NOT_STATED = "not stated in the file"
MOST_REGIONS = 6  # whose strain the summary lists; the table of the page lists all
_NOT_NAMED = ("", "unknown", "none", "nan", "undefined", "<undefined>", "no name")


def title_of(micrograph: Micrograph) -> str:
    """Name of the file of an image; its title where it comes from no file."""
    title = str(micrograph.metadata.get_item("General.title", "") or "")
    name = file_name(micrograph) or str(
        micrograph.metadata.get_item("General.original_filename", "") or ""
    )
    return name or title or "Micrograph"


def facts(micrograph: Micrograph) -> list[tuple[str, str]]:
    """Tell what the file says of an image: title, date, instrument, sample, size, pixel size."""
    read = _Metadata(micrograph)
    energy = read.number("Acquisition_instrument.TEM.beam_energy")
    instrument = [
        read.text("Acquisition_instrument.TEM.microscope"),
        f"{energy:g} kV" if energy > 0 else "",
        read.text("Acquisition_instrument.TEM.acquisition_mode"),
    ]
    elements = micrograph.metadata.get_item("Sample.elements", None) or []
    sample = [read.text("Sample.name"), read.text("Sample.description"), " ".join(elements)]
    date = [read.text("General.date"), read.text("General.time")]
    title = read.text("General.title")
    width, height = micrograph.axes_manager.signal_shape
    calibration = micrograph.calibration
    size = f"{width} × {height} pixels"
    if calibration.pixel_size is not None:
        x, y = calibration.pixel_size
        size += f", {width * x:.4g} × {height * y:.4g} {calibration.unit}"
    found = {
        "title": "" if title == title_of(micrograph) else title,
        "date": " ".join(filter(None, date)) or NOT_STATED,
        "instrument": ", ".join(filter(None, instrument)) or NOT_STATED,
        "sample": ", ".join(filter(None, sample)) or NOT_STATED,
        "image": size,
        "pixel size": str(calibration),
    }
    return [(name, text) for name, text in found.items() if text]


class _Metadata:
    """Reads words and numbers that a file may hold, or something else in their place."""

    def __init__(self, signal: Any) -> None:
        self._get = signal.metadata.get_item

    def text(self, key: str) -> str:
        value = self._get(key, "")
        text = str(value).strip() if isinstance(value, (str, int, float)) else ""
        return "" if text.lower() in _NOT_NAMED else text

    def number(self, key: str) -> float:
        try:
            return float(self._get(key, math.nan))
        except (TypeError, ValueError):
            return math.nan


def summarise(name: str, signal: Any) -> str:
    """Give the result of a step of the chain in one line."""
    return _SUMMARIES[name](signal)


def _regions(signal: SegmentedImage) -> str:
    return counted(len(signal.regions), "region")


def _phases(signal: IndexedFFT) -> str:
    return "; ".join(
        f"region {one.region}: {name_phase(one)}"
        for record in signal.phases
        for one in record.crystals
    )


def name_phase(record: RegionPhase) -> str:
    """Phase and zone axis with all that is to be said of them, or why there is none."""
    if record.match is None:
        return f"no phase ({record.reason.partition(':')[0]})"
    return name_all(record, phase_label(record.match.crystal, record.match.zone_axis))


def name_all(record: RegionPhase, label: str) -> str:
    """Label of a phase with all that it is tied with, its twin law, and the composition."""
    names = " or ".join((label, *record.ties))
    if record.as_twin is not None:
        names += f", {record.as_twin.name}"
    return names if record.composition is None else f"{names}, {record.composition}"


def _strain(signal: StrainMap) -> str:
    text = f"reference region {signal.reference}, resolution {signal.resolution:.2g} {signal._unit}"
    means = [
        f"region {row['region']} "
        + ", ".join(f"{name} {signed(100 * row[name], 2)} %" for name in ("e_xx", "e_yy", "e_xy"))
        for row in signal.regions
        if row["pixels"] and row["region"] != signal.reference
    ]
    return f"{text}: {'; '.join(means)}" if 0 < len(means) <= MOST_REGIONS else text


def signed(value: float, decimals: int) -> str:
    """Give a number its sign, which zero has not."""
    text = f"{value:+.{decimals}f}"
    return text if float(text) else text[1:]


def _model(signal: AtomicModel) -> str:
    return f"{counted(len(signal.data), 'atom')} ({signal.formula})"


_SUMMARIES: dict[str, Callable[[Any], str]] = {
    "segmented": _regions,
    "indexed": _phases,
    "strain": _strain,
    "model": _model,
}


def doubts_of_answers(indexed: IndexedFFT | None, micrograph: Micrograph) -> list[str]:
    """Say what makes the answers of an indexed image doubtful, a sentence each."""
    if indexed is None:
        return []
    ties = [
        f"Region {one.region} may be {name_phase(one)}: the image does not tell"
        for record in indexed.phases
        for one in record.crystals
        if one.match is not None and one.ties
    ]
    try:
        measured = indexed.calibration
    except ValueError:  # the page says so beside the phases
        return ties
    applied = as_calibrated(indexed)
    return [*doubts_of_scale(measured, micrograph.calibration, applied=applied), *ties]


def notes_on_image(micrograph: Micrograph, segmented: SegmentedImage) -> list[str]:
    """Say what is missing in an image, or was changed, left out or assumed, a sentence each."""
    calibration, found = micrograph.calibration, []
    if calibration.pixel_size is None:
        why = f" ({calibration.note})" if calibration.note else ""
        found.append(
            f"The pixel size is not known{why}, so that lengths are in pixels: call "
            "s.calibrate(...)"
        )
    else:
        if "assumed" in calibration.source:
            found.append(f"The pixel size is that of {calibration.source}")
        found += [_sentence(calibration.note)] if calibration.note else []
    found += [_sentence(calibration.pixel_values)] if calibration.pixel_values else []
    left_out = segmented._bad_pixels_text
    return [*found, f"Left out: {left_out} (see bad_pixels)"] if left_out else found


def doubts_of_scale(
    measured: Calibration, stated: Calibration, *, applied: bool = False
) -> list[str]:
    """Say by how much the crystals find an image distorted, where it matters.

    Parameters
    ----------
    measured
        Pixel size by the crystals.
    stated
        That of the image.
    applied
        Whether the image was given the pixel size by the crystals.
    """
    if stated.pixel_size is None or measured.pixel_size is None:
        return []
    found = []
    if applied:
        pairs = zip(measured.pixel_size, stated.pixel_size, strict=True)
        change = 100 * (sum(new / old for new, old in pairs) / 2 - 1)
        found.append(
            f"The pixel size was set by the crystals, {abs(change):.2g} % "
            f"{'above' if change > 0 else 'below'} that of {stated.source}"
        )
    elif _is_distorted(measured.scale - 1, measured.scale_error):
        off = 100 * (measured.scale - 1)
        found.append(
            f"The crystals say that the pixel size is off by {abs(off):.2g} %: "
            f"{_sizes(measured)} {measured.unit}, "
            f"{'above' if off > 0 else 'below'} that of {stated.source}. Strain and model have the "
            "size of the file: call apply_calibration() for that of the crystals"
        )
    if _is_distorted(measured.anisotropy / 100, measured.anisotropy_error / 100):
        text = with_error(abs(measured.anisotropy), measured.anisotropy_error)
        along = "x than along y" if measured.anisotropy > 0 else "y than along x"
        found.append(
            f"The crystals say that the pixels are longer along {along}, by {text} % more "
            "than the file says"
        )
    shear, error = math.radians(measured.shear), math.radians(measured.shear_error)
    if _is_distorted(shear, error):
        text = with_error(measured.shear, measured.shear_error, sign=True)
        found.append(f"The crystals say that the scan is sheared by {text}°")
    return found


def _is_distorted(distortion: float, error: float) -> bool:
    return abs(distortion) > max(SMALLEST_DISTORTION, SIGNIFICANT * error)


def _sizes(measured: Calibration) -> str:
    pairs = zip("xy", measured.pixel_size or (), measured.pixel_size_error or (), strict=True)
    return ", ".join(f"{name} {with_error(*pair)}" for name, *pair in pairs)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
