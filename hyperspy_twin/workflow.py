"""The whole chain as one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspy_twin import Micrograph

STEPS = ("segmented", "indexed", "strain", "model")


def run(
    micrograph: Micrograph,
    phases: Sequence[Any] | None = None,
    *,
    thickness: float = 5.0,
    show_progressbar: bool | None = None,
) -> Iterator[tuple[str, Any]]:
    """Take a micrograph to an atomic model, one step at a time.

    Parameters
    ----------
    micrograph
        The image.
    phases
        Candidates for :meth:`IndexedFFT.index_phases`.
    thickness
        Thickness of the foil in nm.
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
        If a step is not possible; the steps before it have been yielded. A series of images is
        refused before the first.
    """
    if micrograph.axes_manager.navigation_dimension:
        raise ValueError(
            f"this signal holds a stack of {micrograph.axes_manager.navigation_size} images: "
            "choose one with s.inav[...]"
        )
    segmented = micrograph.segment(show_progressbar=show_progressbar)
    yield "segmented", segmented
    found = segmented.find_peaks(show_progressbar=show_progressbar)
    indexed = found.index_phases(phases, show_progressbar=show_progressbar)
    yield "indexed", indexed
    strain = indexed.gpa(show_progressbar=show_progressbar)
    yield "strain", strain
    yield "model", strain.to_atoms(thickness)
