"""Tables give columns, rows and parts of themselves, and print with units."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Table


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
