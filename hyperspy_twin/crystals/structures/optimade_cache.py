"""Answers of OPTIMADE databases on disk, with their provenance."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """One answer as it lies on disk.

    Attributes
    ----------
    base
        Base address of the database.
    filter
        OPTIMADE filter of the query.
    limit
        Largest number of entries that was asked for.
    date
        Day on which the database answered, as in 2026-01-31.
    available
        How many entries the database has; None where it does not say.
    entries
        The entries as the database gave them.
    sha256
        Hash of ``entries``, which tells a damaged file.
    """

    base: str
    filter: str
    limit: int
    date: str
    available: int | None
    entries: list[Any]
    sha256: str


def folder() -> Path:
    """Folder of the answers; it may be deleted at any time."""
    from platformdirs import user_cache_path

    return user_cache_path("hyperspy_twin", appauthor=False) / "optimade"


def digest(value: Any) -> str:
    """SHA-256 of anything that JSON holds, written canonically: 64 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def store(base: str, filter: str, limit: int, entries: list[Any], available: int | None) -> Kept:
    """Keep an answer with its date and hash; it is given back even where the disk refuses."""
    today = datetime.now(timezone.utc).date().isoformat()
    kept = Kept(base, filter, limit, today, available, entries, digest(entries))
    path = _path(base, filter, limit)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and moved, so that a broken run leaves no half of a file.
        descriptor, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(kept), file)
        os.replace(draft, path)
    except OSError as error:
        _logger.warning("the answer of %s could not be kept in %s: %s", base, path.parent, error)
    return kept


def load(base: str, filter: str, limit: int) -> Kept | None:
    """Answer that was kept for this query; None if there is none, or the file is damaged."""
    path = _path(base, filter, limit)
    try:
        kept = Kept(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        _logger.warning("%s cannot be read (%s): the database is asked again", path, error)
        return None
    asked = (kept.base, kept.filter, kept.limit)
    if asked != (base, filter, limit) or digest(kept.entries) != kept.sha256:
        _logger.warning("%s is damaged: the database is asked again", path)
        return None
    return kept


def _path(base: str, filter: str, limit: int) -> Path:
    return folder() / f"{digest([base, filter, limit])[:32]}.json"
