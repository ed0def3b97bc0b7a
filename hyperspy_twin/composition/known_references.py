"""Composition from strain, from intensity between two references, and as it was grown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.composition.elements import check_elements
from hyperspy_twin.composition.quantification import fractions_between
from hyperspy_twin.core import Placement, content_hash
from hyperspy_twin.signals._twin import write
from hyperspy_twin.signals._values import CompositionReport
from hyperspy_twin.signals.composition_map import VARIANCE, CompositionMap

if TYPE_CHECKING:
    from hyperspy_twin.signals import SegmentedImage, StrainMap

# Of a sum of fractions that a person gave.
ROUNDING = 1e-3


def from_strain(strain: StrainMap, system: str, **options: Any) -> CompositionMap:
    """Make a composition map of layers that are coherent with their substrate, from their strain.

    Parameters
    ----------
    strain
        Strain map whose reference is the substrate.
    system
        Family of alloys, such as ``"SiGe"`` or ``"InGaAs"``.
    **options
        Passed to :meth:`hyperspy_twin.StrainMap.composition`, such as ``substrate``.

    Returns
    -------
    CompositionMap
        Fractions of the two elements that take each other's place, on their own sublattice: they
        add up to 1, in InGaAs as well. Errors are those of the strain and the substrate.

    Raises
    ------
    ValueError
        As :meth:`hyperspy_twin.StrainMap.composition`.
    """
    from hyperspy_twin.signals._alloys import cubic_alloy

    family, _ = cubic_alloy(system)
    found = strain.composition(system, **options)
    x, variance = found.data, found.metadata.get_item(VARIANCE).data
    names = (family.replaced, family.replacing)
    details = found.metadata.Composition.as_dictionary()
    notes = [
        f"fractions are those of {' and '.join(names)} on the sublattice that they share",
        f"{family.name}, {details['limit']} limit, substrate {details['substrate']:.5g} Å",
        *(f"region {region}: {why}" for region, why in details["reasons"].items()),
    ]
    missing = int(np.isnan(x).sum())
    return _on_grid_of(
        strain,
        np.stack([1 - x, x]),
        np.stack([variance, variance]),
        CompositionReport(
            names,
            "strain of coherent layers, by Vegard's law with bowing and elasticity",
            tuple(notes),
            {"no strain, or no coherent layer of this alloy": missing} if missing else {},
        ),
        "from_strain",
        {"system": system, **{key: str(value) for key, value in options.items()}},
    )


def from_haadf(
    image: SegmentedImage, references: Mapping[int, Mapping[str, float]]
) -> CompositionMap:
    """Make a composition map of the intensity between two regions of known composition.

    Between the references, the intensity is taken as linear in the fractions: that holds for the
    same thickness everywhere, a detector with a known zero, and no channelling that differs. Each
    pixel is compared with the means of the two regions, so that an image with resolved columns has
    to be smoothed over a few of them before.

    Parameters
    ----------
    image
        Segmented dark-field image.
    references
        Fractions of two regions by their numbers, such as
        ``{1: {"Si": 1.0}, 3: {"Si": 0.3, "Ge": 0.7}}``.

    Returns
    -------
    CompositionMap
        Errors are those of the intensity, by its standard deviation in the two references.

    Raises
    ------
    ValueError
        If not two regions are given, their fractions do not add up to 1, or their mean intensities
        do not differ by twenty standard errors.

    References
    ----------
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    if len(references) != 2:
        raise ValueError(f"two reference regions are needed, and {len(references)} are given")
    names, table = _table(references)
    labels = np.asarray(image.labels.data)
    _check_regions(references, labels)
    data = np.asarray(image.data, float)
    parts = [data[labels == region] for region in references]
    between, variance = fractions_between(data, *parts)
    first, last = table
    values = first[:, None, None] + (last - first)[:, None, None] * between
    return _on_grid_of(
        image,
        values,
        ((last - first) ** 2)[:, None, None] * variance,
        CompositionReport(
            names,
            "intensity between two references of known composition",
            (
                "the intensity was taken as linear in the fractions, at the same thickness",
                *(
                    f"region {region}: {_in_words(fractions)}, intensity {part.mean():.4g} +- "
                    f"{part.std():.2g}"
                    for (region, fractions), part in zip(references.items(), parts, strict=True)
                ),
            ),
        ),
        "from_haadf",
        {"references": {str(region): dict(one) for region, one in references.items()}},
    )


def from_regions(
    image: SegmentedImage, fractions: Mapping[int, Mapping[str, float]]
) -> CompositionMap:
    """Make a composition map of what each region is taken to be made of.

    Parameters
    ----------
    image
        Segmented image.
    fractions
        Atomic fractions of regions by their numbers, such as ``{2: {"Si": 0.3, "Ge": 0.7}}``;
        others have none.

    Returns
    -------
    CompositionMap
        Without errors: they are not known.

    Raises
    ------
    ValueError
        If a region is not there, or its fractions are negative or do not add up to 1.
    """
    names, table = _table(fractions)
    labels = np.asarray(image.labels.data)
    _check_regions(fractions, labels)
    values = np.full((len(names), *labels.shape), np.nan)
    for region, row in zip(fractions, table, strict=True):
        values[:, labels == region] = row[:, None]
    missing = int(np.isnan(values[0]).sum())
    return _on_grid_of(
        image,
        values,
        None,
        CompositionReport(
            names,
            "nominal fractions of each region",
            tuple(f"region {region}: {_in_words(one)}" for region, one in fractions.items()),
            {"no fractions were given for the region": missing} if missing else {},
        ),
        "from_regions",
        {"fractions": {str(region): dict(one) for region, one in fractions.items()}},
    )


def _table(given: Mapping[int, Mapping[str, float]]) -> tuple[tuple[str, ...], np.ndarray]:
    """Elements of all regions, and the fractions of each region, shape (regions, elements)."""
    names = check_elements(list(dict.fromkeys(name for one in given.values() for name in one)))
    table = np.array([[float(one.get(name, 0.0)) for name in names] for one in given.values()])
    for region, row in zip(given, table, strict=True):
        if (row < 0).any() or not abs(row.sum() - 1) < ROUNDING:
            raise ValueError(
                f"the fractions of region {region} have to be positive and add up to 1, not "
                f"{_in_words(given[region])}"
            )
    return names, table


def _check_regions(given: Mapping[int, Any], labels: np.ndarray) -> None:
    present = set(np.unique(labels).tolist())
    missing = sorted(set(given) - present)
    if missing:
        raise ValueError(
            f"there is no region {', '.join(map(str, missing))}: the image has "
            f"{', '.join(map(str, sorted(present)))}"
        )


def _in_words(fractions: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:g}" for name, value in fractions.items())


def _on_grid_of(
    source: Any,
    values: np.ndarray,
    variance: np.ndarray | None,
    report: CompositionReport,
    step: str,
    parameters: dict[str, Any],
) -> CompositionMap:
    """Map on the grid of the image that it was made of, where it lies without registration."""
    grid = source._grid
    found = CompositionMap._measured(
        values.astype(np.float32),
        None if variance is None else variance.astype(np.float32),
        grid,
        unit=source._unit,
        report=report,
        step=step,
        parameters=parameters,
        input_hash=content_hash(source.data),
        metadata=source.metadata.as_dictionary(),
        original_metadata=source.original_metadata.as_dictionary(),
    )
    rows = np.zeros((grid.shape[0], 2))
    placed = Placement(np.eye(2, 3), rows, np.zeros((2, 2)), "same grid", 1.0)
    write(found, placement=placed, placement_rows=grid.y)
    return found
