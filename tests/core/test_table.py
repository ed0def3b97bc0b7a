"""Tables give columns, rows and parts of themselves, and print with units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Table, counted, two_digits, with_error


@pytest.fixture
def table():
    columns = {
        "region": np.array([1, 2, 3]),
        "x": np.array([0.5, np.nan, 2.0]),
        "plane": np.array([[1, 1, 0], [0, 0, 1], [1, -1, 1]]),
        "phase": np.array(["Si", "Ge", "<b>"]),
    }
    return Table.from_columns(columns, {"x": "nm", "absent": "s"})


def test_columns_rows_and_parts(table):
    assert table.columns == ("region", "x", "plane", "phase")
    assert len(table) == 3 and table.units == {"x": "nm"}
    np.testing.assert_array_equal(table["region"], [1, 2, 3])
    assert table[1]["plane"].tolist() == [0, 0, 1]
    part = table[table["region"] > 1]
    assert isinstance(part, Table) and part.units == table.units
    assert [row["phase"] for row in part] == ["Ge", "<b>"]
    assert len(table[:0]) == 0
    with pytest.raises(KeyError, match="no column 'y': there are region, x"):
        table["y"]


def test_is_an_array_to_numpy(table):
    assert np.asarray(table).dtype.names == table.columns


def test_prints_with_units_and_without_markup(table):
    head, first, second, _ = repr(table).splitlines()
    assert head.split() == ["region", "x", "(nm)", "plane", "phase"]
    assert first.split() == ["1", "0.5", "1", "1", "0", "Si"]
    assert second.split() == ["2", "0", "0", "1", "Ge"]
    assert "<td>&lt;b&gt;</td>" in table._repr_html_()


def test_values_have_the_digits_that_their_errors_leave():
    columns = {
        "x": np.array([2.5331234, 9.3e-06, -0.00004]),
        "error_x": np.array([4.562e-05, 0.0312, 0.012]),
        "count": np.array([34880.4, 3.5, np.inf]),
        "sigma": np.array([0.00082816, np.nan, 123.4]),
        "relative_error": np.array([1.23456, 2, 3]),
    }
    table = Table.from_columns(columns, {"x": "1/nm"})
    _, *rows = repr(table).splitlines()
    assert rows[0].split() == ["2.533123", "0.000046", "34880", "0.00083", "1.2"]
    assert rows[1].split() == ["0.000", "0.031", "3.5", "2.0"]
    assert rows[2].split() == ["0.000", "0.012", "inf", "120", "3.0"]
    assert "<td>0.000046</td>" in table._repr_html_()


def test_numbers_stand_right_and_words_left():
    table = Table.from_columns({"area": np.array([1.5, 100]), "phase": np.array(["Si", "SrTiO3"])})
    assert repr(table).splitlines() == ["area  phase", " 1.5  Si", " 100  SrTiO3"]


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.036, 0.000123, "0.03600 ± 0.00012"),
        (1.0094, 0.0041, "1.0094 ± 0.0041"),
        (12345.0, 678.0, "12340 ± 680"),
        (5.0, 0.0996, "5.00 ± 0.10"),
        (5.0, 1.0, "5.0 ± 1.0"),
        (-1e-9, 0.25, "0.00 ± 0.25"),
        (2.0, np.nan, "2"),
        (2.0, 0.0, "2"),
        (1.5e-12, 3e-13, "1.50e-12 ± 3.0e-13"),
    ],
)
def test_error_has_two_significant_digits(value, error, shown):
    assert with_error(value, error) == shown


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.floats(-1e3, 1e3),
    st.floats(-9, 3).map(lambda power: 10**power),
)
def test_what_is_shown_differs_by_less_than_a_tenth_of_the_error(value, error):
    shown, _, shown_error = with_error(value, error).partition(" ± ")
    assert abs(float(shown) - value) <= 0.051 * error + 1e-12 * abs(value)
    assert float(shown_error) == pytest.approx(error, rel=0.051)
    assert float(shown) or not shown.startswith("-")


def test_error_alone():
    shown = [two_digits(error) for error in (0.0998, 1.0, 123.0, 0.0, np.nan)]
    assert shown == ["0.10", "1.0", "120", "0", "nan"]


def test_sign_and_plural():
    assert with_error(0.5, 0.1, sign=True) == "+0.50 ± 0.10"
    assert with_error(-0.5, 0.1, sign=True) == "-0.50 ± 0.10"
    assert [counted(n, "region") for n in (0, 1, 2)] == ["0 regions", "1 region", "2 regions"]
    assert counted(2, "axis", "axes") == "2 axes"


def test_long_tables_are_cut():
    long = Table.from_columns({"n": np.arange(1000)})
    assert repr(long).endswith("… 940 more rows")


def test_dataframe_keeps_units_and_vectors(table):
    pytest.importorskip("pandas", reason="to_dataframe needs pandas (pip install pandas)")
    frame = table.to_dataframe()
    assert frame["plane"].iloc[2] == [1, -1, 1]
    assert frame.attrs["units"] == {"x": "nm"}


def test_dataframe_without_pandas_says_what_to_install(table, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        table.to_dataframe()
