"""Finding the weights of Segment Anything."""

from __future__ import annotations

import hashlib
import sys

import pytest

from hyperspy_twin.segmentation.segment_anything.checkpoints import (
    CHECKPOINTS,
    ENVIRONMENT_VARIABLE,
    Checkpoint,
    find_checkpoint,
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)


def test_an_argument_goes_before_the_environment(tmp_path, monkeypatch):
    given, other = tmp_path / "given.pt", tmp_path / "other.pt"
    given.touch()
    other.touch()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(other))
    assert find_checkpoint("vit_b", given) == given
    assert find_checkpoint("vit_b") == other


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="checkpoint names .*absent.pt"):
        find_checkpoint(checkpoint=tmp_path / "absent.pt")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "gone.pt"))
    with pytest.raises(FileNotFoundError, match=f"{ENVIRONMENT_VARIABLE} names .*gone.pt"):
        find_checkpoint()


def test_an_unknown_model_lists_the_known_ones():
    with pytest.raises(ValueError, match="mobile_sam, vit_b, vit_l, vit_h"):
        find_checkpoint("vit_x")


def test_without_pooch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"hyperspy_twin\[sam\]"):
        find_checkpoint()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own and an official address that answers from memory."""
    pooch = pytest.importorskip("pooch", reason="pooch is not installed: the sam extra")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    content = b"weights"
    entry = Checkpoint("https://example.org/a/weights.pt", hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(CHECKPOINTS, "mobile_sam", entry)

    def answer(reply):
        def download(url, output_file, pooch_object):
            calls.append(url)
            if isinstance(reply, Exception):
                raise reply
            with open(output_file, "wb") as file:
                file.write(reply)

        monkeypatch.setattr("pooch.core.choose_downloader", lambda url, **options: download)

    calls: list[str] = []
    answer.calls = calls
    answer.content = content
    return answer


def test_a_download_is_checked_and_done_once(cache, tmp_path):
    cache(cache.content)
    path = find_checkpoint()
    assert path.read_bytes() == cache.content
    assert path.parent == tmp_path / "hyperspy_twin"
    assert find_checkpoint() == path
    assert cache.calls == ["https://example.org/a/weights.pt"]


def test_a_download_with_another_hash_is_discarded(cache, tmp_path):
    cache(b"something else")
    with pytest.raises(ValueError, match="does not hold the official weights"):
        find_checkpoint()
    assert not list(tmp_path.rglob("*.pt"))


def test_without_a_network_the_error_says_what_to_do(cache):
    requests = pytest.importorskip("requests", reason="requests comes with pooch")
    cache(requests.exceptions.ConnectionError("no route"))
    with pytest.raises(ConnectionError, match=f"yourself.*{ENVIRONMENT_VARIABLE}"):
        find_checkpoint()


def test_the_real_weights_have_the_known_hash(shared_file):
    content = shared_file("weights/mobile_sam.pt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == CHECKPOINTS["mobile_sam"].sha256
