"""Steps that take long say what they do, from the first moment, where HyperSpy shows progress."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_twin.core import begin_step, count_steps, listen_to_steps
from hyperspy_twin.signals import micrograph, segmented_image

# Verb, signal of the chain that has it, its title, a step that it names, and arguments.
VERBS = {
    "segment": ("micrograph", "Segmenting", "edges", {"method": "edges"}),
    "find_peaks": ("segmented", "Finding peaks", "region 2 of 3", {"method": "gaussian"}),
    "index_phases": ("found", "Indexing phases", "region 2 of 3", {"candidates": ["Si"]}),
    "gpa": ("indexed", "Measuring strain", "displacement", {}),
}


def call(chain, verb, **options):
    name, title, step, arguments = VERBS[verb]
    return getattr(getattr(chain, name), verb)(**arguments, **options), title, step


@pytest.mark.parametrize("verb", VERBS)
def test_one_image_shows_its_steps(chain, capsys, verb):
    _, title, step = call(chain, verb, show_progressbar=True)
    said = capsys.readouterr().err
    # The title alone comes first, before any step.
    assert said.lstrip("\r").startswith(f"{title} [00:00]")
    assert f"{title}: {step}" in said
    assert "%" not in said and "0it" not in said


@pytest.mark.parametrize("verb", VERBS)
def test_switch_of_hyperspy(chain, capsys, verb, monkeypatch):
    result, title, _ = call(chain, verb, show_progressbar=False)
    assert title not in capsys.readouterr().err
    assert "show_progressbar" not in str(result.history)
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)
    call(chain, verb)
    assert title not in capsys.readouterr().err
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", True)
    call(chain, verb)
    assert title in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "module", "name"),
    [
        ("segment", micrograph, "find_bad_pixels"),
        ("find_peaks", segmented_image, "count_steps"),
    ],
)
def test_title_is_there_before_anything_is_computed(chain, capsys, monkeypatch, verb, module, name):
    class Reached(Exception):
        pass

    def first(*arguments):
        raise Reached(capsys.readouterr().err)

    monkeypatch.setattr(module, name, first)
    with pytest.raises(Reached, match=VERBS[verb][1]):
        call(chain, verb, show_progressbar=True)


def test_listener_hears_steps_within_its_context_only():
    heard = []
    begin_step("before")
    with pytest.raises(KeyError), listen_to_steps(heard.append):
        begin_step("one")
        assert list(count_steps("ab", "letter")) == ["a", "b"]
        assert list(count_steps("a", "letter")) == ["a"]
        raise KeyError
    begin_step("after")
    assert heard == ["one", "letter 1 of 2", "letter 2 of 2", "letter"]


def test_result_does_not_depend_on_who_listens(chain):
    shown, _, _ = call(chain, "gpa", show_progressbar=True)
    np.testing.assert_array_equal(shown.data, chain.strain.data)
