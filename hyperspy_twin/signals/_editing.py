"""Corrections that a person makes to a segmented image; each gives a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hyperspy_twin.signals._state import TwinState, finite_image, grid_of, outlines_state

if TYPE_CHECKING:
    from hyperspy_twin.core.outlines import Outlines


class RegionEditing(TwinState):
    """Mixin of :class:`SegmentedImage` with all that changes its regions."""

    def merge(self, regions: Sequence[int]) -> Any:
        """Make one region of several; it takes the lowest of their numbers.

        Parameters
        ----------
        regions
            Numbers of the regions.
        """
        from hyperspy_twin.segmentation.editing import merge

        return self._edited("merge", {"regions": regions}, merge(self._outlines(), regions))

    def remove(self, regions: Sequence[int]) -> Any:
        """Leave the area of regions unassigned.

        Parameters
        ----------
        regions
            Numbers of the regions.
        """
        from hyperspy_twin.segmentation.editing import remove

        return self._edited("remove", {"regions": regions}, remove(self._outlines(), regions))

    def relabel(self, numbers: Mapping[int, int] | None = None) -> Any:
        """Give regions other numbers.

        Parameters
        ----------
        numbers
            New number of each region to change; by default all are numbered 1, 2, ... in order.
        """
        from hyperspy_twin.segmentation.editing import relabel

        parameters = {"numbers": None if numbers is None else list(numbers.items())}
        return self._edited("relabel", parameters, relabel(self._outlines(), numbers))

    def split(self, line: Any, regions: Sequence[int] | None = None) -> Any:
        """Cut regions along a line; the largest part keeps its number.

        Parameters
        ----------
        line
            ``hs.roi.Line2DROI``, or points (x, y) in the unit of the axes.
        regions
            Regions to cut; by default all that the line crosses.
        """
        from hyperspy_twin.segmentation.editing import split
        from hyperspy_twin.signals._rois import line_of

        points = line_of(line)
        changed = split(self._outlines(), grid_of(self._image_axes()), points, regions)
        return self._edited("split", {"line": points.tolist(), "regions": regions}, changed)

    def add(self, outline: Any) -> Any:
        """Add a region; it takes its area from the regions below it.

        Parameters
        ----------
        outline
            ``hs.roi.RectangularROI``, ``CircleROI`` or ``PolygonROI``, or vertices (x, y) in the
            unit of the axes.
        """
        from hyperspy_twin.segmentation.editing import add
        from hyperspy_twin.signals._rois import polygon_of

        polygon = polygon_of(outline)
        changed = add(self._outlines(), grid_of(self._image_axes()), polygon)
        return self._edited("add", {"outline": polygon.tolist()}, changed)

    def simplify(self, tolerance: float) -> Any:
        """Straighten the outlines; neighbours still fit together without gap or overlap.

        Parameters
        ----------
        tolerance
            Largest distance that a vertex moves, in the unit of the axes.
        """
        from hyperspy_twin.segmentation.simplify import simplify

        changed = simplify(self._outlines(), tolerance)
        return self._edited("simplify", {"tolerance": tolerance}, changed)

    def separate_particles(
        self, *, background: int | None = None, min_diameter: float | None = None
    ) -> Any:
        """Outline each particle on its own, also where particles touch or overlap.

        Necks of the outline and valleys of the brightness part them; outlines, hand-drawn ones
        too, move to where the particle begins.

        Parameters
        ----------
        background
            Number of the region behind the particles; by default the one that holds the border
            of the image and touches most others. It becomes unassigned.
        min_diameter
            Smaller particles become unassigned, in the unit of the axes; by default 3 pixels.
        """
        from hyperspy_twin.core.outlines import trace
        from hyperspy_twin.segmentation.particles.separation import separate_particles

        grid = grid_of(self._image_axes())
        particles = separate_particles(
            self._labels(),
            finite_image(self),
            grid,
            background=background,
            min_diameter=min_diameter,
        )
        parameters = {"background": background, "min_diameter": min_diameter}
        return self._edited("separate_particles", parameters, trace(particles, grid))

    def _edited(self, step: str, parameters: dict[str, Any], outlines: Outlines) -> Any:
        state = outlines_state(outlines)
        return self._derive(type(self), self.data, self._axes(), step, parameters, outlines=state)
