"""Figures in notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show_once(figure: Figure) -> Figure:
    """Keep a notebook from showing an open figure twice: as a plot, and as the value of a cell."""
    import matplotlib.pyplot as plt

    def display_closed() -> None:
        from IPython.display import display

        if not plt.fignum_exists(figure.number):
            del figure._ipython_display_  # type: ignore[attr-defined]
            display(figure)

    figure._ipython_display_ = display_closed  # type: ignore[attr-defined]
    return figure
