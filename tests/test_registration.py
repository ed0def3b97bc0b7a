"""HyperSpy knows the five signal types, eager and lazy, as the classes declare themselves."""

from __future__ import annotations

import importlib
from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pytest
import yaml
from hyperspy.extensions import ALL_EXTENSIONS
from hyperspy.signals import BaseSignal, ComplexSignal2D, Signal1D, Signal2D

import hyperspy_twin as ht

PACKAGE = Path(ht.__file__).parent
SIGNALS = yaml.safe_load((PACKAGE / "hyperspy_extension.yaml").read_text(encoding="utf8"))[
    "signals"
]
KEYS = {"signal_type", "signal_type_aliases", "signal_dimension", "dtype", "lazy", "module"}
# Class: signal type and a plain signal of the dimension and kind of data that it takes.
TYPES = {
    "Micrograph": ("twin_micrograph", Signal2D(np.ones((4, 5)))),
    "SegmentedImage": ("twin_segmented_image", Signal2D(np.ones((4, 5)))),
    "IndexedFFT": ("twin_indexed_fft", ComplexSignal2D(np.ones((4, 5), complex))),
    "StrainMap": ("twin_strain_map", Signal2D(np.ones((7, 4, 5)))),
    "AtomicModel": ("twin_atomic_model", Signal1D(np.ones((6, 4)))),
    "CompositionMap": ("twin_composition_map", Signal2D(np.ones((2, 4, 5)))),
}


def declared(name: str) -> type[BaseSignal]:
    return getattr(importlib.import_module(SIGNALS[name]["module"]), name)


def test_the_types_and_their_lazy_twins_are_declared():
    assert {name for name, entry in SIGNALS.items() if not entry["lazy"]} == set(TYPES)
    assert {name for name, entry in SIGNALS.items() if entry["lazy"]} == {
        f"Lazy{name}" for name in TYPES
    }


@pytest.mark.parametrize("name", SIGNALS)
def test_declaration_agrees_with_the_class(name):
    entry, cls = SIGNALS[name], declared(name)
    assert KEYS <= set(entry) <= KEYS | {"hidden"}
    assert entry["signal_type"] == cls._signal_type
    assert entry["signal_type_aliases"] == cls._alias_signal_types
    assert entry["signal_dimension"] == cls._signal_dimension
    assert entry["dtype"] == cls._dtype
    assert entry["lazy"] == cls._lazy


@pytest.mark.parametrize("name", TYPES)
def test_lazy_twin_differs_in_nothing_but_laziness(name):
    eager, lazy = SIGNALS[name], SIGNALS[f"Lazy{name}"]
    assert {**eager, "lazy": True} == lazy
    assert issubclass(declared(f"Lazy{name}"), declared(name))


@pytest.mark.parametrize("name", SIGNALS)
def test_no_other_package_has_replaced_the_class(name):
    assert ALL_EXTENSIONS["signals"][name]["module"].startswith("hyperspy_twin.")


@pytest.mark.parametrize("by_alias", [False, True], ids=["type", "alias"])
@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
@pytest.mark.parametrize("name", TYPES)
def test_set_signal_type(name, lazy, by_alias):
    signal_type, plain = TYPES[name]
    s = plain.as_lazy() if lazy else plain.deepcopy()
    s.set_signal_type(name if by_alias else signal_type)
    assert type(s) is declared(f"Lazy{name}" if lazy else name)
    assert s.metadata.Signal.signal_type == signal_type
    if lazy:
        s.compute()
        assert type(s) is declared(name)
    else:
        assert type(s.as_lazy()) is declared(f"Lazy{name}")


@pytest.mark.parametrize("name", TYPES)
def test_public_name_is_the_registered_class(name):
    assert getattr(ht, name) is declared(name)


@pytest.mark.parametrize("name", TYPES)
def test_type_is_known_to_hyperspy(name, capsys):
    hs.print_known_signal_types()
    assert TYPES[name][0] in capsys.readouterr().out
