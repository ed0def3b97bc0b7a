"""What a relaxation did, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Trace:
    """Energies in eV and largest components of the forces in eV/Å, of each step."""

    energy: list[float] = field(default_factory=list)
    force: list[float] = field(default_factory=list)

    def add(self, energy: float, force: np.ndarray) -> None:
        """Add a step."""
        self.energy.append(float(energy))
        self.force.append(float(np.abs(force).max()))
