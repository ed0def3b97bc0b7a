"""An amorphous layer on a silicon crystal, with vacuum above."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.data.known_truth import Truth
from hyperspy_twin.simulation import (
    GLASSES,
    ORIENTATION_110,
    SAMPLE,
    SILICON_LATTICE,
    Scan,
    fill_glass,
    require_positive,
    stack_diamond_planes,
)

# Surface of the crystal, as a fraction of the field's height from the top.
SURFACE = 0.55
SILICON = 14


def build_amorphous_layer(
    scan: Scan, *, layer: str, layer_thickness: float, thickness: float
) -> Truth:
    """Build :func:`~hyperspy_twin.data.amorphous_on_crystal`, silicon below 55 % of the height.

    Labels 0, 1, 2: vacuum, amorphous layer, crystal (the reference).
    """
    require_positive(layer_thickness=layer_thickness, thickness=thickness)
    if layer not in GLASSES:
        raise ValueError(f"layer must be one of {sorted(GLASSES)}, not {layer!r}.")
    glass = GLASSES[layer]
    left, right, top, bottom = scan.filled_box(thickness)
    surface = SURFACE * ANGSTROM_PER_NM * scan.field[1]
    spacing = SILICON_LATTICE / 4
    below = np.arange(np.ceil((bottom - surface) / spacing))
    heights = surface + (below + 0.5) * spacing
    period = SILICON_LATTICE / np.sqrt(2)
    depth = ANGSTROM_PER_NM * thickness
    indices = -1 - below.astype(int)
    crystal, _ = stack_diamond_planes(
        heights, indices, period=period, x_range=(left, right), thickness=depth
    )
    # The glass begins its own closest distance above the last atomic plane.
    floor = surface + spacing / 2 - glass.closest
    ceiling = max(top, floor - ANGSTROM_PER_NM * layer_thickness)
    amorphous, numbers = fill_glass(
        (left, ceiling, 0), (right, floor, depth), glass=glass, random=scan.random(SAMPLE)
    )

    y = np.broadcast_to(scan.seen_points()[1], scan.shape)
    labels = np.select([y < ceiling, y < surface], [0, 1], 2)
    unstrained = np.where(labels == 2, 0.0, np.nan)
    return Truth(
        labels=labels,
        phases={1: "amorphous", 2: "Si"},
        zone_axes={2: (1, 1, 0)},
        orientations={2: ORIENTATION_110.copy()},
        strain=dict.fromkeys(("e_xx", "e_yy", "e_xy", "rotation"), unstrained),
        positions=np.concatenate([amorphous, crystal]),
        numbers=np.concatenate([numbers, np.full(len(crystal), SILICON)]),
        reference=2,
    )
