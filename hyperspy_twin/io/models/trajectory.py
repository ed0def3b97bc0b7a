"""The binary trajectory of ASE."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hyperspy_twin.io.models.content import ModelContent


def write_trajectory(content: ModelContent, path: Path) -> None:
    """Write a trajectory of one step, with the regions as tags and the header as description."""
    import ase
    from ase.io import ulm

    # As ase.io.trajectory writes it, without an object of all atoms.
    with ulm.open(path, "w", tag="ASE-Trajectory") as file:
        file.write(version=1, ase_version=ase.__version__)
        if content.header:
            file.write(description=dict(content.header))
        file.write(pbc=[bool(one) for one in content.pbc])
        _fill(file, content, "numbers", np.asarray(content.numbers))
        file.add_array("positions", (len(content), 3), float)
        for part in content.parts():
            file.fill(np.ascontiguousarray(content.placed(part), float))
        file.write(cell=np.asarray(content.cell, float).tolist())
        if "region" in content.arrays:
            _fill(file, content, "tags", np.asarray(content.arrays["region"]))
        file.sync()


def _fill(file: object, content: ModelContent, name: str, values: np.ndarray) -> None:
    file.add_array(name, (len(content),), np.int64)  # type: ignore[attr-defined]
    for part in content.parts():
        file.fill(np.asarray(values[part], np.int64))  # type: ignore[attr-defined]
