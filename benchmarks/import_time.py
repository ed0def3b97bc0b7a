"""Time that importing hyperspy_twin adds to importing HyperSpy.

Run: python benchmarks/import_time.py [repeats]
"""

from __future__ import annotations

import statistics
import subprocess
import sys

TIMER = """
import time
import hyperspy.api
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""
STATEMENTS = {
    "import hyperspy_twin": "import hyperspy_twin",
    "the signal class Micrograph": "import hyperspy_twin; hyperspy_twin.Micrograph",
    "all signal classes and load": "import hyperspy_twin as t\nfor n in t.__all__: getattr(t, n)",
}


def seconds(statement: str) -> float:
    """Seconds that a statement takes in a fresh process that has imported hyperspy.api."""
    script = TIMER.format(statement=statement)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def main(repeats: int = 5) -> None:
    """Print the table."""
    print(f"{'added to import hyperspy.api':32} {'median s':>9} {'largest s':>9}")
    for name, statement in STATEMENTS.items():
        seconds(statement)  # fills the caches of the file system and of Python
        times = [seconds(statement) for _ in range(repeats)]
        print(f"{name:32} {statistics.median(times):9.3f} {max(times):9.3f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
