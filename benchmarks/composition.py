"""Deviation, error and time of fractions from generated energy-loss spectra of known truth.

Run: python benchmarks/composition.py
"""

from __future__ import annotations

import time

import numpy as np

import hyperspy_twin as ht

DOSES = (1e6, 1e7, 3e7, 1e8)
THICKNESSES = (0.0, 0.5, 1.0)  # in mean free paths


def measure(electrons: float, thickness: float, low_loss: bool) -> list[str]:
    """Rows of the table of one spectrum image, one for each layer."""
    si = ht.data.sige_spectrum_image(electrons=electrons, mean_free_paths=thickness)
    given = ht.data.sige_low_loss(si) if low_loss else None
    start = time.perf_counter()
    maps = ht.composition.from_eels(si, ["Si", "Ge"], low_loss=given, show_progressbar=False)
    duration = (time.perf_counter() - start) / maps.data[0].size * 1e6
    truth = ht.data.germanium_truth(si)
    deviation, error = maps["Ge"].data - truth, maps.error.data[1]
    rows = []
    for fraction, layer in ((0.2, truth < 0.25), (0.8, truth > 0.75)):
        known = layer & np.isfinite(deviation)
        head = f"{electrons:8.0e} {thickness:6.1f} {'yes' if low_loss else 'no':>8} {fraction:4.1f}"
        if not known.any():
            rows.append(f"{head}  withheld")
            continue
        ratio = np.mean((deviation[known] / error[known]) ** 2)
        rows.append(
            f"{head} {deviation[known].mean():+9.4f} {deviation[known].std():7.4f} {ratio:10.2f} "
            f"{maps.report.chi_square:6.3f} {duration:8.0f}"
        )
    return rows


def main() -> None:
    """Print the table."""
    ht.composition.from_eels(
        ht.data.sige_spectrum_image(shape=(2, 2)), ["Si", "Ge"], show_progressbar=False
    )
    print("    dose  t/mfp low loss    x deviation      sd chi-square    fit us/pixel")
    cases = [(dose, 0.0, False) for dose in DOSES]
    cases += [(3e7, one, given) for one in THICKNESSES[1:] for given in (False, True)]
    for case in cases:
        print("\n".join(measure(*case)))


if __name__ == "__main__":
    main()
