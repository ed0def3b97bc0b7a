"""Structures from online databases that speak OPTIMADE."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib import request as web
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urljoin, urlsplit

from hyperspy_twin.core import Crystal, chemical_symbol
from hyperspy_twin.crystals.structures import optimade_cache
from hyperspy_twin.crystals.structures.optimade_entries import FIELDS, entry_id, to_crystal

PROVIDERS = {
    "cod": "https://www.crystallography.net/cod/optimade",
    "mp": "https://optimade.materialsproject.org",
    "oqmd": "https://oqmd.org/optimade",
    "alexandria": "https://alexandria.icams.rub.de/pbesol",
    "jarvis": "https://jarvis.nist.gov/optimade/jarvisdft",
    "tcod": "https://www.crystallography.net/tcod/optimade",
}
"""Base addresses by short name, as in the providers list of the OPTIMADE consortium."""

LARGEST_ANSWER = 20_000_000  # bytes of one page: what comes from a server is bounded
_PER_PAGE = 50  # entries; servers that follow the specification allow at least that many
_AGENT = "hyperspy_twin (structures for phase identification)"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a database gave.

    Attributes
    ----------
    crystals
        The structures.
    left_out
        Identifier of each entry that is no usable structure, and why.
    available
        How many entries the database has for the query; None where it does not say.
    """

    crystals: tuple[Crystal, ...]
    left_out: tuple[tuple[str, str], ...]
    available: int | None


def query_filter(wanted: str | Sequence[str]) -> str:
    """OPTIMADE filter of a formula, or of compounds of exactly these elements.

    For example ``elements HAS ALL "Ge","Si" AND nelements=2``. A ValueError tells if it is empty,
    or something in it names no element.
    """
    amounts = _amounts(wanted)
    if isinstance(wanted, str):
        formula = "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in amounts.items())
        return f'chemical_formula_reduced="{formula}"'
    symbols = ",".join(f'"{symbol}"' for symbol in amounts)
    return f"elements HAS ALL {symbols} AND nelements={len(amounts)}"


def query_structures(
    wanted: str | Sequence[str],
    *,
    provider: str = "cod",
    limit: int = 50,
    refresh: bool = False,
    timeout: float = 30.0,
) -> Answer:
    """Ask an OPTIMADE database, or the disk if it holds the answer to the same query.

    Parameters
    ----------
    wanted, provider, limit, refresh, timeout
        As for :func:`hyperspy_twin.phases.download`, which says what is raised too.

    Returns
    -------
    Answer
        The structures, possibly none, and what was left out.
    """
    if limit < 1 or not timeout > 0:
        raise ValueError("limit must be at least 1 and timeout positive")
    base, text = _base(provider), query_filter(wanted)
    kept = None if refresh else optimade_cache.load(base, text, limit)
    if kept is None:
        entries, available = _ask(base, text, limit, timeout)
        kept = optimade_cache.store(base, text, limit, entries, available)
    return _read(kept, provider if provider in PROVIDERS else base, set(_amounts(wanted)))


def _base(provider: str) -> str:
    base = PROVIDERS.get(provider, provider).rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"'{provider}' is no database: name one of {', '.join(PROVIDERS)}, or give the base "
            "address of an OPTIMADE server, such as https://optimade.materialsproject.org"
        )
    return base.removesuffix("/v1")


def _ask(base: str, text: str, limit: int, timeout: float) -> tuple[list[Any], int | None]:
    """Entries of all pages up to ``limit``, and how many there are."""
    fields = ",".join(FIELDS)
    query = {"filter": text, "response_fields": fields, "page_limit": min(limit, _PER_PAGE)}
    url: str | None = f"{base}/v1/structures?{urlencode(query, quote_via=quote)}"
    entries: list[Any] = []
    available: int | None = None
    asked: set[str] = set()
    while url is not None and len(entries) < limit:
        asked.add(url)
        page = _page(url, timeout)
        entries += page["data"]
        meta = page.get("meta")
        count = meta.get("data_returned") if isinstance(meta, dict) else None
        available = count if type(count) is int else available
        url = _next(page, url) if page["data"] else None
        if url in asked:
            raise ValueError(f"{url} names itself as its next page: the server is at fault")
    return entries[:limit], available


def _next(page: dict[str, Any], url: str) -> str | None:
    """Address of the next page; only one on the same server is followed."""
    links = page.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    link = link.get("href") if isinstance(link, dict) else link
    if not link:
        return None
    following = urljoin(url, str(link))
    if urlsplit(following).hostname != urlsplit(url).hostname:
        raise ValueError(f"{url} continues on another server ({following[:200]}): not followed")
    return following


def _page(url: str, timeout: float) -> dict[str, Any]:
    body = _fetch(url, timeout)
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{url} does not answer in JSON: is it an OPTIMADE server?") from error
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise ValueError(f"{url} does not answer with a list of entries: is it an OPTIMADE server?")
    return page


def _fetch(url: str, timeout: float) -> bytes:
    opener = web.OpenerDirector()  # without the handlers for files and FTP of the default opener
    for handler in (
        web.ProxyHandler,
        web.HTTPHandler,
        web.HTTPSHandler,
        web.HTTPRedirectHandler,
        web.HTTPErrorProcessor,
        web.HTTPDefaultErrorHandler,
    ):
        opener.add_handler(handler())
    request = web.Request(url, headers={"User-Agent": _AGENT, "Accept": "application/json"})
    try:
        response = opener.open(request, timeout=timeout)
        if response is None:
            raise URLError("it redirects to an address that is not of the web")
        with response:
            body = response.read(LARGEST_ANSWER + 1)
            if response.length and len(body) <= LARGEST_ANSWER:
                raise URLError("it broke off before the end")
    except HTTPError as error:
        raise ValueError(f"{url} answers {error.code}: {_detail(error)}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(
            f"{urlsplit(url).netloc} cannot be reached ({reason}): check the network, or give CIF "
            "files instead"
        ) from error
    if len(body) > LARGEST_ANSWER:
        raise ValueError(f"{url} answers with more than {LARGEST_ANSWER} bytes: lower the limit")
    return body


def _detail(error: HTTPError) -> str:
    """Say what the server says of the error, as JSON or plain."""
    try:
        text = error.read(4096).decode("utf-8", "replace")
        error.close()
        first = json.loads(text)["errors"][0]
        text = f"{first.get('title', '')} {first.get('detail', '')}"
    except json.JSONDecodeError:
        pass
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        text = str(error.reason)
    return " ".join(text.split())[:300]


def _amounts(wanted: str | Sequence[str]) -> dict[str, int]:
    """Elements in alphabetical order, with their numbers in a formula."""
    from ase.formula import Formula

    if isinstance(wanted, str):
        try:
            counted = Formula(wanted).reduce()[0].count()
        except ValueError as error:
            raise ValueError(f"'{wanted}' is no chemical formula such as 'SrTiO3'") from error
    else:
        counted = dict.fromkeys(wanted, 1)
    if not counted:
        raise ValueError("name a formula such as 'SrTiO3', or elements such as ['Si', 'Ge']")
    for label in counted:
        if not isinstance(label, str) or chemical_symbol(label) != label:
            raise ValueError(f"'{label}' names no chemical element")
    return dict(sorted(counted.items()))


def _read(kept: optimade_cache.Kept, provider: str, elements: set[str]) -> Answer:
    crystals, left_out = [], []
    for entry in kept.entries:
        name = entry_id(entry)
        address = f"{kept.base}/v1/structures/{quote(name, safe='')}"
        try:
            digest = optimade_cache.digest(entry)
            source = f"OPTIMADE {provider} {name}, {kept.date}, {address}, sha256 {digest}"
            crystal = to_crystal(entry, source)
            if set(crystal.elements) != elements:
                raise ValueError(f"it consists of {', '.join(crystal.elements)}")
            crystals.append(crystal)
        except ValueError as error:
            left_out.append((name, str(error)))
    if kept.available is not None and kept.available > len(kept.entries):
        _logger.warning(
            "%s has %d structures for this query, of which %d were asked for: raise limit",
            provider,
            kept.available,
            len(kept.entries),
        )
    return Answer(tuple(crystals), tuple(left_out), kept.available)
