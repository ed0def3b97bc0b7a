"""A strain map with all that is known of it, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hyperspy_twin.core import Definition, Grid, OrientedCrystal
from hyperspy_twin.strain.mechanics.absolute import (
    BulkCell,
    absolute_components,
    gradients_of_map,
    refer_to_bulk,
)
from hyperspy_twin.strain.mechanics.deformation import (
    Gradients,
    frame_axes,
    principal_strains,
    strain_components,
    turn,
)
from hyperspy_twin.strain.mechanics.gradient_errors import (
    Analysis,
    combined_variance,
    scale_covariances,
    strain_covariances,
    turn_bounds,
    turn_variances,
)
from hyperspy_twin.strain.mechanics.means import RegionMeans, mean_strains
from hyperspy_twin.strain.mechanics.misfits import Misfit, measure_misfits
from hyperspy_twin.strain.mechanics.profiles import Line, Profile, measure_profile

# Principal strains that differ by less than this many standard errors of a shear have no directions
# that the image tells.
DISTINCT = 2.0


@dataclass(frozen=True, eq=False)
class MeasuredStrain:
    """Strain of an image.

    Attributes
    ----------
    components
        e_xx, e_yy, e_xy and rotation (degrees), shape (4, rows, columns).
    sigmas
        Standard errors of e_xx, e_yy and e_xy, shape (3, rows, columns).
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid.
    definition
        Of the strain.
    angle
        Of the axes of the components above those of the image, see ``frame_axes``.
    cells
        Bulk cells that the strain refers to; none for a strain against the reference.
    analysis
        How the strain was measured; None where the noise behind it is not known.
    """

    components: np.ndarray
    sigmas: np.ndarray
    labels: np.ndarray
    grid: Grid
    definition: Definition
    angle: float = 0.0
    cells: Sequence[BulkCell] = ()
    analysis: Analysis | None = None

    @cached_property
    def gradients(self) -> Gradients:
        """Deformation gradients in the axes of the image."""
        return gradients_of_map(
            self.components, self.labels, self.definition, angle=self.angle, cells=self.cells
        )

    @cached_property
    def covariances(self) -> np.ndarray | None:
        """Covariances of the strains in the axes of the image; None where they are not known."""
        if self.analysis is None:
            return None
        return scale_covariances(strain_covariances(self.analysis, self.gradients), self.sigmas)

    def turned(self, angle: float) -> tuple[np.ndarray, np.ndarray]:
        """Components, and standard errors of the strains, in axes turned from those of the image.

        Where the noise is not known the errors are the largest that the present ones allow.

        Parameters
        ----------
        angle
            Of the new axes above those of the image, in degrees, counter-clockwise.

        Returns
        -------
        components
            Shape (4, rows, columns).
        sigmas
            Shape (3, rows, columns).
        """
        components = strain_components(turn(self.gradients.own, angle), self.definition)
        components[3] = self.components[3]
        if self.covariances is None:
            variances = turn_bounds(self.sigmas, angle - self.angle)
        else:
            variances = turn_variances(self.covariances, angle)
        return components, np.sqrt(np.maximum(variances, 0.0))

    def against_reference(self, angle: float) -> tuple[np.ndarray, np.ndarray]:
        """Lagrangian strains against the reference in turned axes, and their standard errors."""
        relative = self.gradients.relative
        own = MeasuredStrain(
            strain_components(relative, "lagrangian"),
            self.sigmas,
            self.labels,
            self.grid,
            "lagrangian",
            analysis=self.analysis,
        )
        return own.turned(angle)

    def refer_to_bulk(
        self, vectors: np.ndarray, phases: Mapping[int, OrientedCrystal | str]
    ) -> tuple[np.ndarray, np.ndarray, tuple[BulkCell, ...]]:
        """Strain of each region against the bulk cell of its phase.

        Parameters
        ----------
        vectors
            Reciprocal vectors (x, y) of the reference in 1/nm, shape (k, 2).
        phases
            Phase of each region with its orientation, or why there is none.

        Returns
        -------
        components
            Shape (4, rows, columns), NaN in regions without a cell; the rotation is that against
            the reference.
        sigmas
            Standard errors of the strains, shape (3, rows, columns): that of the vectors and of the
            pixel size, which all pixels share, is not included.
        cells
            Bulk cell of each region.
        """
        cells = refer_to_bulk(self.gradients, self.labels, vectors, phases)
        found = absolute_components(self.gradients, self.labels, cells, self.angle)
        if self.definition == "eulerian":
            return found, np.where(np.isfinite(found[0]), self.sigmas, np.nan), cells
        # The error dT = F_rel dS F grows with F: by the size of the cell.
        size = np.full(1 + max([0, *(cell.region for cell in cells)]), np.nan)
        for cell in (one for one in cells if one.crystal is not None):
            size[cell.region] = np.sqrt(np.linalg.det(cell.deformation))
        size = size[self.labels]
        return found, self.sigmas * size, cells

    def means(self) -> RegionMeans:
        """Mean, standard deviation and standard error of each component in each region."""
        return mean_strains(
            self.components,
            self.labels,
            self.analysis,
            gradients=self.gradients,
            angle=self.angle,
        )

    def misfits(self, resolution: float) -> list[Misfit]:
        """Misfit and tilt at each interface, for windows of this standard deviation."""
        return measure_misfits(
            self.gradients.relative, self.labels, self.grid, resolution, self.analysis
        )

    def profile(self, line: Line, mask: np.ndarray, maps: np.ndarray) -> Profile:
        """Means of maps across a line over the pixels of a mask, with those of the components.

        ``maps`` has shape (maps, rows, columns); errors are those of the four components.
        """
        return measure_profile(
            maps,
            mask & np.isfinite(self.components).all(axis=0),
            self.grid,
            line,
            sigmas=self.sigmas,
            analysis=self.analysis,
            gradients=self.gradients,
            angle=self.angle,
        )

    def invariants(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Quantities that are the same in all axes, each with its standard error.

        ``e_1`` and ``e_2``, the largest and the smallest strain; ``dilatation``, their sum;
        ``maximum_shear``, half of their difference; ``direction`` of the largest in degrees above x
        of the image. Where the two differ by less than twice the error, that of the direction is
        NaN, and the difference is mostly noise.
        """
        e_1, e_2, angle = principal_strains(turn_components(self.components, -self.angle))
        if self.covariances is None:
            nothing = np.full_like(e_1, np.nan)
            variances = [nothing] * 4
        else:
            first, second, across = turn_variances(self.covariances, angle)
            cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            shear = combined_variance(
                self.covariances,
                0.5 * (cosine**2 - sine**2),
                0.5 * (sine**2 - cosine**2),
                -2.0 * cosine * sine,
            )
            variances = [first, second, combined_variance(self.covariances, 1.0, 1.0, 0.0), shear]
        sigmas = [np.sqrt(np.maximum(one, 0.0)) for one in variances]
        turn_error = np.full_like(e_1, np.nan)
        if self.covariances is not None:
            error = np.sqrt(np.maximum(across, 0.0))
            clear = e_1 - e_2 > DISTINCT * error
            np.divide(np.degrees(error), e_1 - e_2, out=turn_error, where=clear)
        values = [e_1, e_2, e_1 + e_2, 0.5 * (e_1 - e_2)]
        names = ("e_1", "e_2", "dilatation", "maximum_shear")
        found = dict(zip(names, zip(values, sigmas, strict=True), strict=True))
        return {**found, "direction": (angle, turn_error)}


def turn_components(components: np.ndarray, angle: float) -> np.ndarray:
    """Strains e_xx, e_yy, e_xy in turned axes, of a symmetric tensor, shape (3, rows, columns)."""
    e_xx, e_yy, e_xy = np.asarray(components[:3], float)
    turned = turn(np.array([[e_xx, e_xy], [e_xy, e_yy]]), angle)
    return np.array([turned[0, 0], turned[1, 1], turned[0, 1]])


def turn_displacement(displacement: np.ndarray, angle: float) -> np.ndarray:
    """Displacement (2, rows, columns) in axes turned by an angle."""
    return np.einsum("ij,j...->i...", frame_axes(angle), np.asarray(displacement, float))
