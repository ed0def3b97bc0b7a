"""Make the pictures of the user guide from the bundled sample.

Run: python docs/pictures.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

import hyperspy_twin as ht
from hyperspy_twin.signals import _figures

FOLDER = Path(__file__).parent / "_static"
DPI = 60


def main() -> None:
    """Write one picture per step."""
    matplotlib.use("Agg")
    micrograph = ht.data.sige_quantum_well(shape=(720, 720), well_thickness=10.0)
    segmented = micrograph.segment()
    indexed = segmented.find_peaks(show_progressbar=False).index_phases(["Si", "Ge"])
    strain = indexed.gpa()
    model = strain.to_atoms(thickness=2.0)
    pictures = {
        "segment": _figures.regions_figure(segmented),
        "index_phases": _figures.spectrum_figure(indexed),
        "gpa": _figures.strain_figure(strain),
        "to_atoms": _figures.model_figure(model),
    }
    for name, figure in pictures.items():
        figure.savefig(FOLDER / f"{name}.png", dpi=DPI)


if __name__ == "__main__":
    main()
