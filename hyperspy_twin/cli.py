"""The command ``hyperspy-twin``."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Exit codes.
BAD_INPUT = 2
INCOMPLETE = 1
# Advice for Python, and the option that does the same.
OPTIONS = (
    (r"call s\.set_signal_type\('Micrograph'\) and s\.calibrate\([^)]*\)", "give --pixel-size"),
    (r"call s\.calibrate\([^)]*\)( on the micrograph)?", "give --pixel-size"),
    (r"(set it |set the pixel size )?with s\.calibrate\([^)]*\)(, or in s\.axes_manager)?",
     "give --pixel-size"),
    (r"choose one with s\.inav\[[^]]*\](, or loop over the stack)?", "choose one with --frame"),
    (r"name them, as in index_phases\([^)]*\)", "name them with --phases"),
)  # fmt: skip


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
    with _warnings_as_lines():
        try:
            micrograph = options.image(options)
            return _run(micrograph, options)
        except (ValueError, OSError, ImportError) as error:
            sys.stderr.write(f"hyperspy-twin: error: {_for_shell(str(error))}\n")
            return BAD_INPUT


def _for_shell(text: str) -> str:
    """Message in one line, with options of the command for what Python would call."""
    for pattern, option in OPTIONS:
        text = re.sub(pattern, option, text)
    return " ".join(text.split())


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Line for the standard error."""
        level = record.levelname.lower()
        return f"hyperspy-twin: {level}: {_for_shell(record.getMessage())}"


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show the warnings of the package on the standard error."""
    logger = logging.getLogger("hyperspy_twin")
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_Line())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


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
    run.add_argument(
        "--frame", type=int, metavar="N", help="which image of a series, the first is 0"
    )
    run.set_defaults(image=_load, out=Path("twin_output"))
    demo = commands.add_parser("demo", help="run the chain on a bundled sample of known truth")
    demo.set_defaults(image=_sample, phases=None, out=Path("twin_demo"))
    for command in (run, demo):
        command.add_argument("--out", type=Path, metavar="DIR", help="folder of the results")
        command.add_argument(
            "--thickness", type=float, default=5.0, metavar="NM", help="thickness of the foil"
        )
        command.add_argument("--quiet", action="store_true", help="show no progress, only warnings")
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
        images = _images_of_stated_size(signals, options)
    image = _frame(_choose(images, options), options)
    if options.pixel_size is not None:
        image.calibrate(options.pixel_size)
    return image


def _images_of_stated_size(signals: Sequence[Any], options: argparse.Namespace) -> list[Any]:
    """Images whose axes are not understood, which a stated pixel size makes micrographs."""
    from hyperspy_twin.io import why_no_micrograph

    refusals = [why_no_micrograph(signal) for signal in signals]
    images = [s for s, one in zip(signals, refusals, strict=True) if one and one.surprising]
    if not images or options.pixel_size is None:
        reasons = "; ".join(dict.fromkeys(one.reason for one in refusals if one))
        advice = "; if it is an image, give --pixel-size" if images else ""
        raise ValueError(f"{options.path}: holds no image: {reasons}{advice}")
    for image in images:
        image.set_signal_type("Micrograph")
    return images


def _choose(images: Sequence[Any], options: argparse.Namespace) -> Any:
    """Image of the stated number, or the only one."""
    from hyperspy_twin.io import describe

    if options.dataset is not None and not 0 <= options.dataset < len(images):
        raise ValueError(f"{options.path}: has images 0 to {len(images) - 1}, no {options.dataset}")
    if options.dataset is None and len(images) > 1:
        listed = "; ".join(f"{n}: {describe(image)}" for n, image in enumerate(images))
        raise ValueError(f"{options.path}: holds several images ({listed}): choose with --dataset")
    return images[options.dataset or 0]


def _frame(image: Any, options: argparse.Namespace) -> Any:
    """Image of a series, or the image itself."""
    count = image.axes_manager.navigation_size if image.axes_manager.navigation_dimension else 0
    frame = options.frame
    if not count:
        if frame in (None, 0):
            return image
        raise ValueError(f"{options.path}: holds a single image, no frame {frame}")
    if frame is None:
        raise ValueError(
            f"{options.path}: holds a series of {count} images: choose one with --frame 0 to "
            f"--frame {count - 1}"
        )
    if not 0 <= frame < count:
        raise ValueError(f"{options.path}: has frames 0 to {count - 1}, no {frame}")
    return image.inav[frame]


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
        say=_say_stop if options.quiet else _say,
    )
    return 0 if reached else INCOMPLETE


def _say_stop(line: str) -> None:
    if line.startswith("stopped"):
        sys.stderr.write(f"hyperspy-twin: {_for_shell(line)}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{_for_shell(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
