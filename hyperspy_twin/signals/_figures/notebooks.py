"""Figures in notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show_once(figure: Figure) -> Figure:
    """Keep a notebook from showing an open figure twice: as the value of a cell, and at its end.

    The inline backend displays all open figures at the end of a cell and closes them; others show a
    figure as long as it is open.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    shown = False  # in this cell, while open

    def display_figure() -> None:
        from IPython.display import display

        nonlocal shown
        still_open = plt.fignum_exists(figure.number)
        inline = "inline" in matplotlib.get_backend()
        if still_open and (shown or not inline):
            shown = False
            return
        shown = still_open
        del figure._ipython_display_  # type: ignore[attr-defined]
        display(figure)
        figure._ipython_display_ = display_figure  # type: ignore[attr-defined]

    figure._ipython_display_ = display_figure  # type: ignore[attr-defined]
    return figure
