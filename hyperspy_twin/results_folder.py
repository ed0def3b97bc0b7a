"""A folder that holds the results of one run, whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORD = "run.json"
_SHOWN = 3  # names of files that a message lists


@contextmanager
def results_folder(folder: Path, run: Mapping[str, Any]) -> Iterator[Path]:
    """Temporary folder, the files of which are moved to a folder in the end.

    A folder of results is told by its ``run.json``, which holds what the run was made of and the
    names of its files. Those of the same run are replaced, and other files in it are kept.

    Parameters
    ----------
    folder
        Where the results shall be; it is made when they are there.
    run
        What makes two runs the same, as JSON holds it.

    Yields
    ------
    pathlib.Path
        Folder beside it to write to. After an error it is gone, and nothing has changed.

    Raises
    ------
    ValueError
        If the folder holds anything but results of the same run.
    """
    run = json.loads(json.dumps(run))
    old = _files_of_same_run(folder, run)
    parent = next(path for path in folder.absolute().parents if path.is_dir())
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
    try:
        yield temporary
        new = sorted(path.name for path in temporary.iterdir())
        record = json.dumps({"run": run, "files": new}, indent=2, ensure_ascii=False)
        (temporary / RECORD).write_text(record, encoding="utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*new, RECORD):
            (temporary / name).replace(folder / name)
        for name in set(old) - set(new):
            (folder / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _files_of_same_run(folder: Path, run: Mapping[str, Any]) -> list[str]:
    """Names of the files of the same run in a folder; the error says why it cannot be used."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise ValueError(f"{folder}: is a file: give a new or an empty folder with --out")
    present = sorted(path.name for path in folder.iterdir())
    if not present:
        return []
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        other, files = dict(record["run"]), [str(name) for name in record["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        listed = ", ".join(present[:_SHOWN]) + (", ..." if len(present) > _SHOWN else "")
        raise ValueError(
            f"{folder}: holds other files ({listed}): give a new or an empty folder with --out"
        ) from None
    differing = [name for name in {**other, **run} if other.get(name) != run.get(name)]
    if differing:
        raise ValueError(
            f"{folder}: holds the results of another run (with another "
            f"{' and '.join(differing)}): give a new folder with --out, or remove this one"
        )
    return [name for name in files if Path(name).name == name]
