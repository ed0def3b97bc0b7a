"""Verdicts and results bit for bit: written down before a change of structure, compared after it.

Run: python benchmarks/snapshot.py before.npz
     python benchmarks/snapshot.py after.npz --compare before.npz

The snapshot holds the verdicts of 60 spot patterns (phases_patterns.py, half of them in images of
three regions) and regions, peaks, phases, strain and atoms of the bundled samples.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from itertools import groupby, islice
from typing import Any

import numpy as np
import phases_patterns as patterns

import hyperspy_twin as ht
from hyperspy_twin.crystals import index_regions

SETS = {"0.5 %": 15, "2 %": 15, "5 %, 3 regions": 30}
SAMPLES: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "quantum well": (lambda: ht.data.sige_quantum_well(shape=(420, 448), well_thickness=6.0), []),
    "nanowire": (ht.data.mismatched_nanowire, ["InSb", "InP"]),
    "amorphous layer": (ht.data.amorphous_on_crystal, ["Si"]),
    "nanoparticles": (ht.data.nanoparticles, ["Au", "Pt"]),
}
PEAK_COLUMNS = (
    *("region", "x", "y", "error_x", "error_y", "intensity", "snr", "probability"),
    *("width", "width_error", "harmonic", "lattice", "satellite"),
)
Items = Iterator[tuple[str, np.ndarray]]


def record_items(record: Any, name: str) -> Items:
    """Give the numbers of the record of a region, and of its further crystals."""
    for field in ("phase", "zone_axis", "score", "probability", "scale", "residual"):
        yield f"{name}/{field}", np.array(str(getattr(record, field)))
    for field in ("distortion", "hkl", "forbidden", "orientation"):
        value = getattr(record, field)
        yield f"{name}/{field}", np.zeros(0) if value is None else np.asarray(value)
    yield f"{name}/ties", np.array("; ".join(record.ties))
    ranking = [f"{one.label} {one.score!r} {one.probability!r}" for one in record.ranking]
    yield f"{name}/ranking", np.array("; ".join(ranking))
    for number, one in enumerate(record.further, 2):
        yield from record_items(one, f"{name}/crystal {number}")


def verdicts() -> Items:
    """Index the patterns of each set."""
    for name, count in SETS.items():
        drawn = islice(patterns.frozen(name, "tuning"), count)
        crystals = [ht.phases.get(one) for one in patterns.SETS[name].candidates]
        for image, group in groupby(drawn, key=lambda one: one.image):
            regions = [one.peaks for one in group]
            for number, record in enumerate(index_regions(regions, crystals)):
                yield from record_items(record, f"{name}/{image}.{number}")


def samples() -> Items:
    """Take each bundled sample through the chain, as far as it goes."""
    for name, (make, phases) in SAMPLES.items():
        segmented = make().segment()
        yield f"{name}/labels", segmented.labels.data
        found = segmented.find_peaks(show_progressbar=False)
        peaks = found.peaks()
        for column in PEAK_COLUMNS:
            yield f"{name}/peaks/{column}", np.asarray(peaks[column])
        indexed = found.index_phases(phases or ["Si", "Ge"])
        for record in indexed.phases:
            yield from record_items(record, f"{name}/region {record.region}")
        relations = indexed.epitaxy()
        for column in ("first", "second", "angle", "misfit", "measured_misfit", "misorientation"):
            yield f"{name}/epitaxy/{column}", np.asarray(relations[column])
        try:
            strain = indexed.gpa()
        except ValueError as error:
            yield f"{name}/strain", np.array(str(error))
            continue
        yield f"{name}/strain", strain.data
        yield f"{name}/g", strain.g
        yield f"{name}/resolution", np.array(strain.resolution)
        model = strain.to_atoms(thickness=2.0)
        yield f"{name}/atoms", model.data


def differences(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> Iterator[str]:
    """Tell which items differ, and by how much."""
    for name in sorted(set(before) | set(after)):
        if name not in before or name not in after:
            yield f"{name}: only {'after' if name in after else 'before'}"
            continue
        old, new = before[name], after[name]
        if old.shape == new.shape and old.dtype.kind == new.dtype.kind == "f":
            if not np.array_equal(old, new, equal_nan=True):
                yield f"{name}: by up to {np.nanmax(np.abs(old - new)):.3g}"
        elif not np.array_equal(old, new):
            yield f"{name}: {old!r:.200} became {new!r:.200}"


def main() -> int:
    """Write the snapshot, and compare it with another one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", help="file to write (.npz)")
    parser.add_argument("--compare", metavar="BEFORE", help="snapshot to compare with")
    options = parser.parse_args()
    found = dict([*verdicts(), *samples()])
    np.savez_compressed(options.path, **found)
    print(f"{len(found)} items")
    if options.compare is None:
        return 0
    with np.load(options.compare) as before:
        lines = list(differences(dict(before), found))
    print("\n".join(lines) or "no item differs")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
