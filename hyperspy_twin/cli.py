"""The command ``hyperspy-twin``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Exit codes.
BAD_INPUT = 2
INCOMPLETE = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments
        Arguments without the name of the command; those of the process by default.

    Returns
    -------
    int
        0, or 1 where the chain stopped before the model (the report says why), or 2 on bad
        input, with one line on the standard error.
    """
    options = _parser().parse_args(arguments)
    logging.getLogger("hyperspy_twin").setLevel(logging.ERROR if options.quiet else logging.INFO)
    try:
        micrograph = options.image(options)
        return _run(micrograph, options)
    except (ValueError, OSError, ImportError) as error:
        sys.stderr.write(f"hyperspy-twin: error: {' '.join(str(error).split())}\n")
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hyperspy-twin", description="From an electron micrograph to a digital twin."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="take an image through the chain")
    run.add_argument("path", metavar="IMAGE", type=Path, help="file of a microscope, or an image")
    run.add_argument(
        "--phases", nargs="+", metavar="PHASE", help="names of structures or paths of CIF files"
    )
    run.add_argument("--pixel-size", type=float, metavar="NM", help="pixel size in nm")
    run.add_argument(
        "--dataset", type=int, metavar="N", help="which image, where the file holds several"
    )
    run.set_defaults(image=_load, out=Path("twin_output"))
    demo = commands.add_parser("demo", help="run the chain on a bundled sample of known truth")
    demo.set_defaults(image=_sample, phases=["Si", "Ge"], out=Path("twin_demo"))
    for command in (run, demo):
        command.add_argument("--out", type=Path, metavar="DIR", help="folder of the results")
        command.add_argument(
            "--thickness", type=float, default=5.0, metavar="NM", help="thickness of the foil"
        )
        command.add_argument("--quiet", action="store_true", help="show no progress")
    return parser


def _sample(options: argparse.Namespace) -> Any:
    from hyperspy_twin.data import sige_quantum_well

    return sige_quantum_well()


def _load(options: argparse.Namespace) -> Any:
    from hyperspy_twin import Micrograph, load

    loaded = load(options.path)
    signals = loaded if isinstance(loaded, list) else [loaded]
    images = [signal for signal in signals if isinstance(signal, Micrograph)]
    if not images:
        kinds = ", ".join(type(signal).__name__ for signal in signals)
        raise ValueError(f"{options.path}: holds no image, only {kinds}")
    if options.dataset is not None and not 0 <= options.dataset < len(images):
        raise ValueError(f"{options.path}: has images 0 to {len(images) - 1}, no {options.dataset}")
    if options.dataset is None and len(images) > 1:
        titles = ", ".join(f"{n}: {s.metadata.General.title}" for n, s in enumerate(images))
        raise ValueError(f"{options.path}: holds several images ({titles}): choose with --dataset")
    image = images[options.dataset or 0]
    if options.pixel_size is not None:
        image.calibrate(options.pixel_size)
    return image


def _run(micrograph: Any, options: argparse.Namespace) -> int:
    import matplotlib

    from hyperspy_twin.report import write_report

    matplotlib.use("Agg")
    options.out.mkdir(parents=True, exist_ok=True)
    reached = write_report(
        micrograph,
        options.out,
        phases=options.phases,
        thickness=options.thickness,
        show_progressbar=not options.quiet,
        say=(lambda line: None) if options.quiet else _say,
    )
    return 0 if reached else INCOMPLETE


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
