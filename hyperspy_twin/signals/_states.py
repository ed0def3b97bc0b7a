"""Electronic states of a model, as its method gives them to users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_twin.core import ANGSTROM_PER_NM, Table
from hyperspy_twin.properties import FoundStates, participation_ratio

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# nm. Pixels of a map, and the standard deviation of the Gaussian that atoms are drawn with: half
# the distance of the atoms of a dumbbell, so that its columns are still seen.
PIXEL = 0.05
BLUR = 0.07


@dataclass(frozen=True, eq=False)
class ElectronicStates:
    """States of a model near an energy, the nearest first; there may be none.

    Attributes
    ----------
    energies
        In eV, shape (m,), relative to what the parameters' energies are relative to.
    residuals
        Norm of H psi - E psi in eV, shape (m,): an eigenvalue lies within this of the energy.
    density
        Part of each state on each atom, shape (m, atoms); the sum over the atoms is 1.
    at_ends
        Part of each state on atoms that lack a bond, shape (m,): near 1 it belongs to an end of the
        model or to a broken bond, not to the crystal.
    near, within
        Middle and half width of the range that was searched, in eV.
    counted, counted_error
        Number of states in the range by kernel polynomials before they were looked for, weighted
        with a Gaussian of half its half width, and its standard error; NaN for a small model.
    dropped
        Values in the range that are no states, by their residuals.
    """

    energies: np.ndarray
    residuals: np.ndarray
    density: np.ndarray
    at_ends: np.ndarray
    near: float
    within: float
    counted: float
    counted_error: float
    dropped: int
    _positions: np.ndarray
    _extent: tuple[float, float, float, float]
    _title: str

    @classmethod
    def of_model(cls, model: Any, found: FoundStates, open_ended: np.ndarray) -> ElectronicStates:
        """States that were found, with the places of the atoms in nm; which of them lack a bond."""
        positions = model.positions[:, :2] / ANGSTROM_PER_NM
        corners = np.array(np.meshgrid(*[(0, 1)] * 3)).reshape(3, -1).T @ model.cell
        low, high = (
            (model._box.origin + one(corners, axis=0)) / ANGSTROM_PER_NM for one in (np.min, np.max)
        )
        density = found.density(found.rows // len(positions))
        return cls(
            found.energies,
            found.residuals,
            density,
            density[:, open_ended].sum(axis=1),
            found.near,
            found.within,
            found.counted,
            found.counted_error,
            found.dropped,
            positions,
            (low[0], high[0], low[1], high[1]),
            model.metadata.General.title,
        )

    def __len__(self) -> int:
        """Give the number of states."""
        return len(self.energies)

    @property
    def participation(self) -> np.ndarray:
        """Number of atoms that each state spreads over: 1 / sum of the squares of the density."""
        return participation_ratio(self.density)

    @property
    def centre(self) -> np.ndarray:
        """Mean position (x, y) of each state in nm, shape (m, 2)."""
        return self.density @ self._positions

    def part_within(self, x: float, y: float, radius: float) -> np.ndarray:
        """Part of each state within a radius of a point of the image, in nm, shape (m,)."""
        inside = np.hypot(self._positions[:, 0] - x, self._positions[:, 1] - y) <= radius
        return self.density[:, inside].sum(axis=1)

    @property
    def table(self) -> Table:
        """Table: energy, residual, atoms that a state spreads over, part at ends, and centre."""
        x, y = self.centre.T
        return Table.from_columns(
            {
                "energy": self.energies,
                "residual": self.residuals,
                "participation": self.participation,
                "at_ends": self.at_ends,
                "x": x,
                "y": y,
            },
            {"energy": "eV", "residual": "eV", "x": "nm", "y": "nm"},
        )

    def map(self, like: Signal2D | None = None) -> Signal2D:
        """Density of the states along the beam, in 1/nm^2, as a stack of images.

        Parameters
        ----------
        like
            Micrograph whose pixels the maps have; by default 0.05 nm over the box of the model.

        Raises
        ------
        ValueError
            If there is no state, or the image is no single one in nm.
        """
        from scipy.ndimage import gaussian_filter

        from hyperspy_twin.signals._images import grid_of

        if not len(self):
            raise ValueError(self._nothing())
        if like is None:
            left, right, top, bottom = self._extent
            size = [max(1, round((b - a) / PIXEL)) for a, b in ((top, bottom), (left, right))]
            axes: list[dict[str, Any]] = [
                {"name": name, "size": n, "scale": PIXEL, "offset": start + PIXEL / 2}
                for name, n, start in zip("yx", size, (top, left), strict=True)
            ]
        else:
            given = like.axes_manager.signal_axes[::-1]
            if len(given) != 2 or any(str(axis.units) != "nm" for axis in given):
                raise ValueError("like= is an image in nm: call s.calibrate(...) first")
            axes = [
                {"name": name, "size": a.size, "scale": a.scale, "offset": a.offset}
                for name, a in zip("yx", given, strict=True)
            ]
        grid = grid_of(axes)
        column, row = np.rint(grid.to_pixels(self._positions)).astype(int).T
        rows, columns = grid.shape
        seen = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        place = row[seen] * columns + column[seen]
        blur = [BLUR / step for step in grid.scale[::-1]]
        pixel = grid.scale[0] * grid.scale[1]
        maps = [
            gaussian_filter(
                np.bincount(place, one[seen], rows * columns).reshape(grid.shape) / pixel, blur
            )
            for one in self.density
        ]
        axes = [{**axis, "units": "nm", "navigate": False} for axis in axes]
        axes.insert(0, {"name": "state", "size": len(self), "navigate": True})
        return Signal2D(
            np.array(maps, np.float32),
            axes=axes,
            metadata={
                "General": {"title": f"density of states near {self.near:g} eV, {self._title}"},
                "Signal": {"quantity": "Density (1/nm^2)"},
                "States": {
                    "energies": self.energies.tolist(),
                    "residuals": self.residuals.tolist(),
                },
            },
        )

    def plot(self, state: int = 0, image: Signal2D | None = None) -> Figure:
        """Plot where a state sits, over the micrograph if that is given.

        Parameters
        ----------
        state
            Which of them, from 0.
        image
            Micrograph in nm.
        """
        from hyperspy_twin.signals._figures import show_once, state_figure

        if not len(self):
            raise ValueError(self._nothing())
        density = self.map(image).inav[state] if len(self) > 1 else self.map(image)
        title = f"{self.energies[state]:.3f} eV, spread over {self.participation[state]:.0f} atoms"
        behind = None if image is None else np.asarray(image.data)
        return show_once(state_figure(np.squeeze(density.data), density, behind, title))

    def _nothing(self) -> str:
        return (
            f"no state lies within {self.within:.3g} eV of {self.near:.6g} eV "
            f"({self.counted:.2g} were counted)"
        )

    def __repr__(self) -> str:
        """Say what was found, in one line or a table."""
        if not len(self):
            return f"<ElectronicStates: {self._nothing()}>"
        return repr(self.table)
