"""Seconds and peak memory of each step of the chain.

Run: python benchmarks/chain.py [pixels ...]

Each size runs in a process of its own, after a small chain that compiles the kernels. Memory is
the largest resident size during the step, above that after importing all modules.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

import hyperspy_twin as ht

SIZES = (1024, 2048, 4096)
PHASES = ["Si", "Ge"]
INTERVAL = 0.002
STEPS: dict[str, Callable[[Any], Any]] = {
    "segment": lambda signal: signal.segment(),
    "find_peaks": lambda signal: signal.find_peaks(show_progressbar=False),
    "index_phases": lambda signal: signal.index_phases(PHASES),
    "gpa": lambda signal: signal.gpa(),
    "to_atoms": lambda signal: signal.to_atoms(thickness=5.0),
}


class PeakMemory:
    """Largest resident size of this process within a block, in bytes."""

    def __enter__(self) -> PeakMemory:
        """Start watching."""
        self.process = psutil.Process()
        self.peak = self.process.memory_info().rss
        self.running = True
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop watching."""
        self.running = False
        self.thread.join()

    def _watch(self) -> None:
        while self.running:
            self.peak = max(self.peak, self.process.memory_info().rss)
            time.sleep(INTERVAL)


def measure(pixels: int) -> None:
    """Print the rows of one size."""
    signal: Any = ht.data.sige_quantum_well(shape=(400, 400), well_thickness=5.0)
    for step in STEPS.values():
        signal = step(signal)
    signal = None
    baseline = psutil.Process().memory_info().rss
    signal = ht.data.sige_quantum_well(shape=(pixels, pixels))
    total, highest = 0.0, 0.0
    for name, step in STEPS.items():
        with PeakMemory() as memory:
            start = time.perf_counter()
            result = step(signal)
            seconds = time.perf_counter() - start
        signal = result
        peak = (memory.peak - baseline) / 2**20
        if name == "to_atoms":
            rate = f"{len(signal.data) / seconds:12,.0f} atoms/s"
            print(f"{pixels:6} {'without to_atoms':18} {total:8.2f} {highest:8.0f}")
            print(f"{pixels:6} {name:18} {seconds:8.2f} {peak:8.0f} {rate}", flush=True)
            continue
        total, highest = total + seconds, max(highest, peak)
        print(f"{pixels:6} {name:18} {seconds:8.2f} {peak:8.0f}", flush=True)


def main(arguments: list[str]) -> None:
    """Print the table."""
    if arguments[:1] == ["--one"]:
        measure(int(arguments[1]))
        return
    print(f"{'pixels':>6} {'step':18} {'seconds':>8} {'peak MiB':>8}", flush=True)
    for pixels in [int(argument) for argument in arguments] or SIZES:
        subprocess.run([sys.executable, __file__, "--one", str(pixels)], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
