"""The command ``hyperspy-twin``."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

# Exit codes.
BAD_INPUT = 2
INCOMPLETE = 1
INTERRUPTED = 130  # 128 and the number of the signal, as shells do it
# Advice for Python, and the option that does the same; &#x27; is a quote in a page.
_QUOTE = "(?:'|&#x27;)"
OPTIONS = (
    (rf"call s\.set_signal_type\({_QUOTE}Micrograph{_QUOTE}\) and s\.calibrate\([^)]*\)",
     "give --pixel-size"),
    (r"call s\.calibrate\([^)]*\)( on the micrograph and run the chain again| on the micrograph)?",
     "give --pixel-size"),
    (r"call apply_calibration\(\)( before gpa\(\))?", "give --calibrate crystals"),
    (r"(set it |set the pixel size )?with s\.calibrate\([^)]*\)(, or in s\.axes_manager)?",
     "give --pixel-size"),
    (r"(, which is no pixel size: )set it in s\.axes_manager", r"\1give --pixel-size"),
    (r"(choose one|take its images) with s\.inav\[[^]]*\](, or loop over the stack)?",
     "choose one with --frame"),
    (r"name them, as in index_phases\([^)]*\)(, or set s\.metadata\.Sample\.elements)?",
     "name them with --phases"),
    (r"call index_phases\([^)]*\) with a phase that is in the image",
     "give --phases that are in the image"),
    (r"choose one with accept\(region, phase\), or index_phases\([^)]*\) with fewer candidates",
     "give fewer --phases, or --pixel-size where you know it"),
    (r"call index_phases\([^)]*\)( first)?", "give other --phases"),
    (r"index it, or choose another", "give other --phases, or another --reference"),
    (r"there is no method", "there is no --method"),
    (r"(Did you mean [^?]*\?) Known: .*?\. Or", r"\1 Or"),
    (r" \(see (<code>)?bad_pixels(</code>)?\)", ""),
    (r"left out, see bad_pixels:", "left out:"),
    (r": set s\.bad_pixels to the pixels that are bad", ""),
    (r"; try lazy=True", ""),
    (r"give the file as checkpoint=\.\.\.", "name the file in HYPERSPY_TWIN_SAM_CHECKPOINT"),
    (r"give its path as checkpoint=\.\.\. or in", "give its path in"),
    (r"( for the reference: there are [\d, ]+)$", r"\1 (--regions-only shows them)"),
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
        input, with one line on the standard error and nothing written.
    """
    options = _parser().parse_args(arguments)
    if not options.quiet:  # before the first heavy import
        demo = options.command == "demo"
        _say("simulating the image of the sample" if demo else f"reading {options.path}")
    with _warnings_as_lines():
        try:
            _check(options)
            return _run(options.image(options), options)
        except (ValueError, OSError, ImportError, MemoryError) as error:
            sys.stderr.write(f"hyperspy-twin: error: {_for_shell(_reason(error))}\n")
            return BAD_INPUT
        except KeyboardInterrupt:
            sys.stderr.write("hyperspy-twin: interrupted, nothing was written\n")
            return INTERRUPTED


def _reason(error: Exception) -> str:
    """Message of an error in words, without the number of the operating system."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for an image of this size"
    return str(error)


def _for_shell(text: str) -> str:
    """Message in one line, with options of the command for what Python would call."""
    for pattern, option in OPTIONS:
        text = re.sub(pattern, option, text)
    return " ".join(text.split())


def _check(options: argparse.Namespace) -> None:
    """Check what can be checked before the image is read."""
    from hyperspy_twin.crystals import as_candidates
    from hyperspy_twin.segmentation import check_options

    check_options(options.method, {})
    if not options.regions_only:
        if options.phases:
            as_candidates(options.phases, ())
        return
    given = [name for name in ("phases", "reference") if getattr(options, name) is not None]
    if given and options.command == "run":
        raise ValueError(f"--regions-only takes no --{' and no --'.join(given)}")


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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, as for any other wrong input."""
        message = re.sub(r"invalid int value: '(.*)'", r"needs a whole number, not \1", message)
        message = re.sub(r"invalid float value: '(.*)'", r"needs a number, not \1", message)
        self.exit(BAD_INPUT, f"hyperspy-twin: error: {message} (see {self.prog} --help)\n")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *unused: Any) -> None:
        """Print the version; the package is imported only then."""
        import hyperspy_twin

        sys.stdout.write(f"hyperspy-twin {hyperspy_twin.__version__}\n")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hyperspy-twin", description="From an electron micrograph to a digital twin."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
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
        command.add_argument(
            "--method",
            default="auto",
            metavar="METHOD",
            help="method of segmentation: auto (default), edges, texture or sam",
        )
        command.add_argument(
            "--regions-only", action="store_true", help="stop after the regions; needs no --phases"
        )
        command.add_argument(
            "--reference", type=int, metavar="N", help="region that strain is relative to"
        )
        command.add_argument(
            "--calibrate",
            choices=("file", "crystals"),
            default="file",
            help="pixel size of strain and model: that of the file (default) or of the crystals",
        )
        command.add_argument(
            "--thickness",
            type=float,
            default=5.0,
            metavar="NM",
            help="thickness of the foil, by default 5 nm",
        )
        command.add_argument(
            "--out",
            type=Path,
            metavar="DIR",
            help=f"folder of the results, by default {command.get_default('out')}: a new or empty "
            "one, or that of the same run",
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
    from hyperspy_twin.results_folder import results_folder

    matplotlib.use("Agg")
    say = _say_stop if options.quiet else _say
    chain = ("phases", "thickness", "method", "reference", "calibrate", "regions_only")
    chosen = {name: getattr(options, name) for name in chain}
    with results_folder(options.out, _identity(micrograph, chosen)) as folder:
        reached = write_report(
            micrograph,
            folder,
            show_progressbar=not options.quiet,
            say=say,
            reword=_for_shell,
            **chosen,
        )
    say(f"report: {options.out / 'report.html'}")
    return 0 if reached else INCOMPLETE


def _identity(micrograph: Any, chosen: dict[str, Any]) -> dict[str, Any]:
    """Tell what makes two runs the same: the image as it was read, and the options."""
    import numpy as np

    from hyperspy_twin.core import content_hash

    axes = [[axis.scale, axis.offset, axis.units] for axis in micrograph.axes_manager.signal_axes]
    options = {f"--{name.replace('_', '-')}": value for name, value in chosen.items()}
    files = [path.read_bytes() for path in map(Path, chosen["phases"] or ()) if path.is_file()]
    contents = [content_hash(np.frombuffer(content, np.uint8)) for content in files]
    return {
        "image": content_hash(micrograph.data),
        "--pixel-size": axes,
        **{name: value for name, value in options.items() if value is not None},
        **({"content of --phases": contents} if contents else {}),
    }


def _say_stop(line: str) -> None:
    if line.startswith(("stopped", "note")):
        sys.stderr.write(f"hyperspy-twin: {_for_shell(line)}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{_for_shell(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
