"""How much each constant of indexing, peaks and segmentation matters: varied by 30 % either way.

Run: python benchmarks/sensitivity.py [--topic indexing peaks segmentation] [--every n]
     [--only NAME ...] [--workers n]

Every number that stands alone on a line of a module, under a name in capitals, is changed in a copy
of the package, one at a time, and the mean score of the tuning set is measured in a process of its
own. Whole numbers change by one at least. The table lists the constants that change a score, those
that matter most first; the others are counted. A score is the fraction of right phases (phases.py),
F1 of the peaks plus the fraction of right crystallinities, halved (spots.py), or the mean agreement
of edges and texture (segmentation.py). Differences below one scene in the set are noise.
"""

from __future__ import annotations

import argparse
import ast
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "hyperspy_twin"
FOLDERS = {
    "indexing": ("crystals/indexing", "crystals/evidence", "crystals/diffraction"),
    "peaks": ("spectra",),
    "segmentation": ("segmentation/edges", "segmentation/texture", "segmentation"),
}
FACTORS = (0.7, 1.3)


@dataclass(frozen=True)
class Constant:
    """A number under a name in capitals, and where its text stands in a file."""

    path: Path
    name: str
    value: float
    line: int
    columns: tuple[int, int]

    def varied(self, factor: float) -> str | None:
        """Text of the changed number; None where it cannot change."""
        if isinstance(self.value, int):
            changed = round(self.value * factor)
            if changed == self.value:
                changed += 1 if factor > 1 else -1
            return str(changed) if changed > 0 or self.value < 0 else None
        return repr(self.value * factor)


def constants(topic: str) -> Iterator[Constant]:
    """List the constants of the modules of a topic."""
    files = {path for folder in FOLDERS[topic] for path in (PACKAGE / folder).glob("**/*.py")}
    for path in sorted(files):
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
                continue
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                continue
            name = node.targets[0].id
            if name.isupper() and type(value) in (int, float) and value and math.isfinite(value):
                columns = (node.value.col_offset, node.value.end_col_offset or 0)
                yield Constant(path.relative_to(PACKAGE), name, value, node.lineno, columns)


def score(topic: str, every: int) -> float:
    """Mean score of the tuning set, of the package that this process imports."""
    if topic == "indexing":
        import phases
        import phases_patterns

        right = []
        for name in ("0.5 %", "2 %", "5 %, 3 regions"):
            patterns = phases_patterns.frozen(name, "tuning")
            groups = [list(group) for _, group in groupby(patterns, key=lambda one: one.image)]
            found = phases.ours(name, list(islice(groups, 0, None, every)), told=False)
            right += [verdict.phase for verdict in found]
        return sum(right) / len(right)
    if topic == "peaks":
        import spots
        import spots_scenes

        method = spots.ours("consensus")
        scenes = (spots_scenes.scene(*one) for one in spots_scenes.names("tuning", every))
        scores = [spots.score("consensus", method, scene) for scene in scenes]
        told = [one.state == one.true_state for one in scores if one.true_state]
        return (spots.ratios(scores)[2] + sum(told) / len(told)) / 2
    import segmentation
    from segmentation_scenes import scenes as drawn

    methods = {"edges": segmentation.edges, "texture": segmentation.texture}
    found = segmentation.measure(methods, islice(drawn(("tuning",)), 0, None, every))
    return sum(one.agreement for one in found) / len(found)


def measured(topic: str, every: int, change: tuple[Constant, str] | None) -> float:
    """Score in a process of its own, with one constant changed; NaN where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(
            PACKAGE, Path(folder) / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__")
        )
        if change is not None:
            constant, text = change
            path = Path(folder) / PACKAGE.name / constant.path
            lines = path.read_text(encoding="utf8").split("\n")
            line, (start, end) = lines[constant.line - 1], constant.columns
            lines[constant.line - 1] = line[:start] + text + line[end:]
            path.write_text("\n".join(lines), encoding="utf8")
        done = subprocess.run(
            [sys.executable, __file__, "--score", topic, "--every", str(every)],
            env=os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
    return float(done.stdout.split()[-1]) if done.returncode == 0 else math.nan


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--topic", nargs="+", choices=FOLDERS, default=list(FOLDERS))
    parser.add_argument("--every", type=int, default=4, help="every n-th image of the tuning set")
    parser.add_argument("--only", nargs="+", help="names of constants")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--score", choices=FOLDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score:
        print(score(options.score, options.every))
        return
    for topic in options.topic:
        chosen = [one for one in constants(topic) if not options.only or one.name in options.only]
        changes = [(one, text) for one in chosen for text in map(one.varied, FACTORS)]
        with ThreadPoolExecutor(options.workers) as pool:
            first = pool.submit(measured, topic, options.every, None)
            jobs = [
                pool.submit(measured, topic, options.every, (one, text)) if text else None
                for one, text in changes
            ]
            base = first.result()
            found = [math.nan if job is None else job.result() - base for job in jobs]
        rows = sorted(
            zip(chosen, found[::2], found[1::2], strict=True),
            key=lambda row: -max(abs(value) for value in (*row[1:], 0.0) if value == value),
        )
        moved = [row for row in rows if any(value for value in row[1:] if value == value)]
        print(f"\n{topic}: score {base:.4f}; {len(moved)} of {len(rows)} constants change it")
        print(f"{'constant':32}{'value':>12}{'-30 %':>10}{'+30 %':>10}  module")
        for one, less, more in moved:
            print(f"{one.name:32}{one.value:12.4g}{less:+10.4f}{more:+10.4f}  {one.path}")


if __name__ == "__main__":
    main()
