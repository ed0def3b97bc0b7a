from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from hyperspy_twin.crystals.structures import catalogue, optimade, optimade_cache


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.answer(self)

    def log_message(self, *_):
        pass

    def send(self, body, code=200, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve(answer):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answer, server.asked = answer, []
    server.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def listing(entries, page=50):
    """Answer of a server that pages through its entries."""

    def answer(request):
        query = parse_qs(urlsplit(request.path).query)
        start = int(query.get("page_offset", ["0"])[0])
        size = min(page, int(query.get("page_limit", ["50"])[0]))
        more = start + size < len(entries)
        following = request.path.split("&page_offset")[0] + f"&page_offset={start + size}"
        base = request.server.base
        request.send(
            {
                "data": entries[start : start + size],
                "meta": {"data_returned": len(entries), "more_data_available": more},
                "links": {"next": {"href": base + following} if more else None},
            }
        )

    return answer


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(optimade_cache, "folder", lambda: tmp_path / "cache")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def test_filters():
    assert optimade.query_filter(["Si", "Ge"]) == 'elements HAS ALL "Ge","Si" AND nelements=2'
    assert optimade.query_filter("SrTiO3") == 'chemical_formula_reduced="O3SrTi"'
    assert optimade.query_filter("Si2Ge2") == 'chemical_formula_reduced="GeSi"'
    for wrong in ([], "", "Qq", ["Si", "Qq"], ['Si" OR nelements>0'], "x", [3]):
        with pytest.raises(ValueError, match="element|formula"):
            optimade.query_filter(wrong)


def test_query_and_provenance(primitive_silicon):
    with serve(listing([primitive_silicon()])) as server:
        answer = optimade.query_structures(["Si"], provider=server.base + "/")
    (crystal,) = answer.crystals
    assert (answer.left_out, answer.available) == ((), 1)
    query = parse_qs(urlsplit(server.asked[0]).query)
    assert urlsplit(server.asked[0]).path == "/v1/structures"
    assert query["filter"] == ['elements HAS ALL "Si" AND nelements=1']
    assert "lattice_vectors" in query["response_fields"][0]
    assert crystal.name == "Si (mp-149)"
    for part in ("OPTIMADE", "mp-149", f"{server.base}/v1/structures/mp-149", "sha256", "-"):
        assert part in crystal.source


def test_pages_are_followed_up_to_the_limit(primitive_silicon, caplog):
    entries = [primitive_silicon(f"mp-{n}") for n in range(7)]
    with serve(listing(entries, page=3)) as server:
        assert len(optimade.query_structures("Si", provider=server.base).crystals) == 7
        assert len(server.asked) == 3
        answer = optimade.query_structures("Si", provider=server.base, limit=4)
    assert [crystal.name for crystal in answer.crystals] == [f"Si (mp-{n})" for n in range(4)]
    assert answer.available == 7 and "raise limit" in caplog.text


def test_answers_are_kept_and_used_offline(primitive_silicon, cache, caplog):
    with serve(listing([primitive_silicon()])) as server:
        first = optimade.query_structures("Si", provider=server.base)
        assert optimade.query_structures("Si", provider=server.base) == first
        assert len(server.asked) == 1
        optimade.query_structures("Si", provider=server.base, refresh=True)
        assert len(server.asked) == 2
    assert optimade.query_structures("Si", provider=server.base) == first
    with pytest.raises(ConnectionError, match="127.0.0.1:.* cannot be reached.*CIF"):
        optimade.query_structures("Si", provider=server.base, refresh=True)
    with pytest.raises(ConnectionError, match="cannot be reached"):
        optimade.query_structures("Ge", provider=server.base)

    (file,) = cache.iterdir()
    kept = json.loads(file.read_text())
    assert kept["base"] == server.base and len(kept["date"]) == 10 and len(kept["sha256"]) == 64
    kept["entries"][0]["attributes"]["lattice_vectors"][0][1] = 9.0
    file.write_text(json.dumps(kept))
    with pytest.raises(ConnectionError):
        optimade.query_structures("Si", provider=server.base)
    assert "damaged" in caplog.text
    file.write_text("{")
    with pytest.raises(ConnectionError):
        optimade.query_structures("Si", provider=server.base)


def test_an_unwritable_cache_does_not_lose_the_answer(primitive_silicon, cache, caplog):
    cache.write_text("a file where the folder should be")
    with serve(listing([primitive_silicon()])) as server:
        assert optimade.query_structures("Si", provider=server.base).crystals
    assert "could not be kept" in caplog.text


def test_unusable_entries_are_left_out_with_a_reason(make_entry, primitive_silicon):
    entries = [
        make_entry("flat", catalogue.get("Si"), dimension_types=[1, 1, 0]),
        primitive_silicon("good"),
        make_entry("other", catalogue.get("Ge")),
    ]
    with serve(listing(entries)) as server:
        answer = optimade.query_structures("Si", provider=server.base)
    assert [crystal.name for crystal in answer.crystals] == ["Si (good)"]
    assert dict(answer.left_out) == {
        "flat": "it is not periodic in three dimensions",
        "other": "it consists of Ge",
    }


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (lambda r: r.send(b"<html>"), ValueError, "JSON"),
        (lambda r: r.send(b"[" * 100_000), ValueError, "JSON"),
        (lambda r: r.send([]), ValueError, "list of entries"),
        (lambda r: r.send({"data": {}}), ValueError, "list of entries"),
        (lambda r: r.send({"data": [3]}), ValueError, "identifier"),
        (lambda r: r.send({"data": [{"id": "a\nb"}]}), ValueError, "identifier"),
        (lambda r: r.send(b" " * 2001), ValueError, "more than 2000 bytes"),
        (
            lambda r: r.send({"errors": [{"title": "Bad Request", "detail": "no filter"}]}, 400),
            ValueError,
            "answers 400: Bad Request no filter",
        ),
        (lambda r: r.send(b"out of  order", 503), ValueError, "answers 503: out of order"),
        (lambda r: r.send(b"", 302, Location="file:///etc/hosts"), ValueError, "302"),
        (lambda r: r.send(b"", 302, Location="ftp://127.0.0.1/x"), ValueError, "302"),
        (lambda r: r.send(b"{", **{"Content-Length": 9}), ConnectionError, "cannot be reached"),
        (lambda r: r.wfile.write(b"nonsense\r\n\r\n"), ConnectionError, "cannot be reached"),
        (lambda r: r.server.asleep.wait(5), ConnectionError, "timed out"),
    ],
)
def test_servers_at_fault(monkeypatch, answer, error, reason):
    monkeypatch.setattr(optimade, "LARGEST_ANSWER", 2000 if "2000" in reason else 10**6)
    with serve(answer) as server:
        server.asleep = threading.Event()
        with pytest.raises(error, match=reason):
            optimade.query_structures("Si", provider=server.base, timeout=0.3)
        server.asleep.set()


@pytest.mark.parametrize(
    ("link", "reason"),
    [("http://localhost.invalid/v1/structures", "another server"), ("", "next page")],
)
def test_bad_links_to_the_next_page(primitive_silicon, link, reason):
    def answer(request):
        following = link or request.path
        request.send({"data": [primitive_silicon()], "links": {"next": following}})

    with serve(answer) as server, pytest.raises(ValueError, match=reason):
        optimade.query_structures("Si", provider=server.base)


def test_wrong_arguments():
    for provider in ("nowhere", "file:///etc", "ftp://127.0.0.1", "http://"):
        with pytest.raises(ValueError, match="no database"):
            optimade.query_structures("Si", provider=provider)
    with pytest.raises(ValueError, match="limit"):
        optimade.query_structures("Si", limit=0)
    with pytest.raises(ValueError, match="timeout"):
        optimade.query_structures("Si", timeout=0)
    assert all(base.startswith("https://") for base in optimade.PROVIDERS.values())
