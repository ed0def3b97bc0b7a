"""The whole chain as one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hyperspy_twin.crystals import as_candidates

if TYPE_CHECKING:
    from hyperspy_twin import IndexedFFT, Micrograph, SegmentedImage

STEPS = ("segmented", "indexed", "strain", "model")
Scale = Literal["file", "crystals"]


def run(
    micrograph: Micrograph,
    phases: Sequence[Any] | None = None,
    *,
    thickness: float = 5.0,
    method: str = "auto",
    reference: int | None = None,
    calibrate: Scale = "file",
    regions_only: bool = False,
    show_progressbar: bool | None = None,
) -> Iterator[tuple[str, Any]]:
    """Take a micrograph to an atomic model, one step at a time.

    Parameters
    ----------
    micrograph
        The image.
    phases
        Candidates for :meth:`hyperspy_twin.IndexedFFT.index_phases`.
    thickness
        Thickness of the foil in nm.
    method
        Of :meth:`hyperspy_twin.Micrograph.segment`.
    reference
        Region for :meth:`hyperspy_twin.IndexedFFT.gpa`; by default the largest well-indexed one.
    calibrate
        Pixel size that strain and model have: that of the ``"file"``, or that of the
        ``"crystals"``, see :meth:`hyperspy_twin.IndexedFFT.apply_calibration`.
    regions_only
        Whether to stop after the regions.
    show_progressbar
        Whether to show progress; by default as in HyperSpy's preferences.

    Yields
    ------
    name : str
        ``"segmented"``, ``"indexed"``, ``"strain"``, ``"model"``.
    signal
        The result of that step.

    Raises
    ------
    ValueError
        If an argument does not fit, before the first step is yielded; or if a step is not
        possible, after the steps before it were. A series of images is refused.
    """
    if micrograph.axes_manager.navigation_dimension:
        raise ValueError(
            f"this signal holds a stack of {micrograph.axes_manager.navigation_size} images: "
            "choose one with s.inav[...]"
        )
    if not 0 < thickness < np.inf:
        raise ValueError(f"the thickness must be a positive number of nm, not {thickness}")
    if calibrate not in ("file", "crystals"):
        raise ValueError(f"calibrate is 'file' or 'crystals', not '{calibrate}'")
    elements = micrograph.metadata.get_item("Sample.elements", [])
    crystals = [] if regions_only else as_candidates(phases, elements)
    segmented = micrograph.segment(method, show_progressbar=show_progressbar)
    _check_reference(segmented, reference)
    yield "segmented", segmented
    if regions_only:
        return
    found = segmented.find_peaks(show_progressbar=show_progressbar)
    indexed = found.index_phases(crystals, show_progressbar=show_progressbar)
    if calibrate == "crystals":
        try:
            indexed = indexed.apply_calibration()
        except ValueError:
            yield "indexed", indexed
            raise
    yield "indexed", indexed
    strain = indexed.gpa(reference=reference, show_progressbar=show_progressbar)
    yield "strain", strain
    yield "model", strain.to_atoms(thickness)


def _check_reference(segmented: SegmentedImage, reference: int | None) -> None:
    regions = np.unique(segmented.labels.data)
    regions = regions[regions > 0]
    if reference is not None and reference not in regions:
        known = ", ".join(map(str, regions.tolist()))
        raise ValueError(f"there is no region {reference} for the reference: there are {known}")


def as_calibrated(indexed: IndexedFFT) -> bool:
    """Whether the pixel size of a spectrum was set by its crystals."""
    return any(step["step"] == "apply_calibration" for step in indexed.history)
