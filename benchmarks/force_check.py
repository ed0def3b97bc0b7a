"""Jumps of the scan found by forces; ``python benchmarks/force_check.py [jumps] [seeds] [axis]``.

Images of the quantum well at its default dose, whose scan jumps by so many picometres at a random
line, along its lines (x, the default) or across them (y), and images without a jump, taken through
the chain to a model. Of each size of jump: images in which it was found within 1 nm of its line,
those in which anything else was blamed, and those of whose strain map drift that changes was told.
Jumps are separated by commas, seeds are a range such as 300-309.
"""

from __future__ import annotations

import sys
import time

import hyperspy.api as hs
import numpy as np

import hyperspy_twin as ht

NM_PER_PM = 1e-3
# Distance of a jump from its line in nm that counts as found: two resolutions of the strain map.
NEAR = 1.0
# Part of the image at its upper and lower end in which no jump is planted.
RIM = 0.1


def judge(jump: float, seed: int, axis: str) -> tuple[bool, int, bool]:
    """Whether a jump was found, how many other places were blamed, and whether drift was told."""
    lines = ht.data.sige_quantum_well(seed=seed).axes_manager[1]
    line = int(np.random.default_rng(seed).uniform(RIM, 1 - RIM) * lines.size)
    moved = (jump * NM_PER_PM, 0.0) if axis == "x" else (0.0, jump * NM_PER_PM)
    options = {"jump": moved, "jump_line": line} if jump else {}
    image = ht.data.sige_quantum_well(seed=seed, **options)
    strain = image.segment().find_peaks().index_phases(["Si0.3Ge0.7", "Ge"]).gpa()
    table = strain.to_atoms(thickness=2.0).check(strain)
    here = lines.index2value(line)
    at = [
        jump != 0 and kind == "scan line" and abs(y - here) < NEAR
        for kind, y in zip(table["kind"], table["y"], strict=True)
    ]
    return any(at), len(at) - sum(at), any(strain.scan.drift)


def main() -> None:
    """Print one row for each size of jump."""
    hs.preferences.General.show_progressbar = False
    jumps = sys.argv[1] if len(sys.argv) > 1 else "0,1.5,2,3"
    seeds = sys.argv[2] if len(sys.argv) > 2 else "300-309"
    axis = sys.argv[3] if len(sys.argv) > 3 else "x"
    first, last = map(int, seeds.split("-"))
    count = last - first + 1
    print(f"{'jump / pm':>10}{'images':>8}{'found':>7}{'blamed':>8}{'drift':>7}{'s/image':>9}")
    for jump in map(float, jumps.split(",")):
        start = time.perf_counter()
        found, blamed, drift = zip(
            *(judge(jump, seed, axis) for seed in range(first, last + 1)), strict=True
        )
        seconds = (time.perf_counter() - start) / count
        wrong = sum(one > 0 for one in blamed)
        row = f"{jump:>10.1f}{count:>8}{sum(found):>7}{wrong:>8}{sum(drift):>7}{seconds:>9.1f}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
