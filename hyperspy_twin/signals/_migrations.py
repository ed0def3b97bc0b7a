"""States that older versions of the package saved, as values of the present one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from hyperspy_twin.core import Crystal, Grid, OrientedCrystal, Peaks, RegisteredLattice
from hyperspy_twin.crystals import Match, RegionPhase
from hyperspy_twin.signals._values import ModelBox, StrainSettings, load_outlines
from hyperspy_twin.spectra import NO_LATTICE, Crystallinity, RegionSpectrum, Rings

# What versions 1 and 2 called a region without peaks.
FORMERLY = "amorphous"
# Maps that versions 1 to 3 kept of a strain.
MAPS_OF_VERSION_3 = ("e_xx", "e_yy", "e_xy", "rotation", "u_x", "u_y", "sigma")


def read_version_1(node: Mapping[str, Any]) -> dict[str, Any]:
    """State of version 1, in which every record held copies of its crystals."""
    found = {k: node[k] for k in ("sample", "history", "calibration", "unit") if k in node}
    if "outlines" in node:
        found["outlines"] = load_outlines(node["outlines"])
    if "image_grid" in node:
        shape, scale, offset = (tuple(node["image_grid"][k]) for k in ("shape", "scale", "offset"))
        found["image_grid"] = Grid(shape, scale, offset)
    if "peaks" in node:
        names = list(node["peaks"]["columns"])
        values = np.asarray(node["peaks"]["values"]).reshape(-1, len(names))
        states = map(json.loads, node["region_states"])
        found["spectra"] = tuple(
            _spectrum(dict(zip(names, values[values[:, 0] == one["region"]].T, strict=True)), one)
            for one in states
        )
    if "candidates" in node:
        found["candidates"] = tuple(map(Crystal.from_json, node["candidates"]))
    phases = tuple(_record(json.loads(text)) for text in node.get("phases", ()))
    if phases:
        found["phases"] = phases
    if "strain" in node:
        strain = node["strain"]
        found["strain"] = StrainSettings(
            int(strain["reference"]),
            np.asarray(strain["g"]),
            float(strain["resolution"]),
            str(strain["definition"]),
            MAPS_OF_VERSION_3,
        )
        if "without_atoms" in strain:
            step = json.loads(found["history"][-1])
            step["outcome"] = {"lattices": strain["without_atoms"]}
            found["history"] = [*found["history"][:-1], json.dumps(step)]
    if node.get("lattices"):
        crystals = {match.phase: match.crystal for one in phases for match in one.ranking}
        found["lattices"] = tuple(_lattice(json.loads(text), crystals) for text in node["lattices"])
    if "model" in node:
        box: dict[str, Any] = {k: tuple(node["model"][k]) for k in ("columns", "units", "pbc")}
        arrays: dict[str, Any] = {
            k: np.asarray(node["model"][k], float) for k in ("cell", "origin")
        }
        found["model"] = ModelBox(**box, **arrays)
    return found


def _spectrum(columns: dict[str, np.ndarray], state: dict[str, Any]) -> RegionSpectrum:
    pairs = (("position", "x", "y"), ("error", "error_x", "error_y"))
    single = {f.name for f in fields(Peaks)} - {"position", "error", "region"}
    kinds = {"harmonic": bool, "lattice": int, "satellite": int}
    peaks = Peaks(
        **{name: np.stack([columns[x], columns[y]], axis=1) for name, x, y in pairs},
        **{name: columns[name].astype(kinds.get(name, float)) for name in single},
        region=state["region"],
    )
    halo, rings = (
        Rings(**{name: np.array(values, float) for name, values in state[part].items()})
        for part in ("halo", "rings")
    )
    found = Crystallinity(state["state"], state["reason"], state["probability"])
    return RegionSpectrum(peaks, found, halo, rings)


def _record(entry: dict[str, Any]) -> RegionPhase:
    ranking = tuple(map(_match, entry["ranking"]))
    return RegionPhase(
        region=entry["region"],
        match=ranking[0] if entry["phase"] is not None else None,
        peak_count=len(entry["hkl"]),
        probability=entry["probability"],
        scale=entry["scale"],
        distortion=np.array(entry["distortion"], float),
        reason=entry["reason"],
        ties=tuple(entry["ties"]),
        ranking=ranking,
        further=tuple(_record(json.loads(text)) for text in entry["further"]),
    )


def _match(entry: dict[str, Any]) -> Match:
    oriented = OrientedCrystal(
        Crystal.from_json(entry.pop("crystal")),
        tuple(entry.pop("zone_axis")),
        np.array(entry.pop("orientation"), float),
    )
    return Match(
        **{
            **entry,
            "oriented": oriented,
            "distortion": np.array(entry["distortion"], float),
            "hkl": np.array(entry["hkl"], int).reshape(-1, 3),
            "forbidden": np.array(entry["forbidden"], bool),
        }
    )


def _lattice(entry: dict[str, Any], crystals: Mapping[str, Crystal]) -> RegisteredLattice:
    return RegisteredLattice(
        region=entry["region"],
        crystal=crystals[entry["phase"]],
        base=np.array(entry["lattice"], float),
        zone_axis=tuple(entry["zone_axis"]),
        origin=tuple(entry["origin"]),
        merit=entry["merit"],
        displaced=entry["displaced"],
    )


def rename_crystallinity(node: Mapping[str, Any]) -> dict[str, Any]:
    """Node of version 3 of one of version 2, which called all regions without peaks amorphous.

    Nobody asked for a halo then, so that they are called regions in which no lattice is seen.
    """
    new = dict(node)
    if "spectra" in node:
        new["spectra"] = [json.dumps(_renamed(json.loads(text))) for text in node["spectra"]]
    if "phases" in node:
        new["phases"] = [json.dumps(_reworded(json.loads(text))) for text in node["phases"]]
    return new


def name_components(node: Mapping[str, Any]) -> dict[str, Any]:
    """Node of version 4 of one of version 3, in which all strain maps had the same components."""
    new = dict(node)
    if "strain" in node:
        strain = {"components": list(MAPS_OF_VERSION_3), **json.loads(node["strain"])}
        new["strain"] = json.dumps(strain)
    return new


def _renamed(spectrum: dict[str, Any]) -> dict[str, Any]:
    found = spectrum["crystallinity"]
    if found["name"] == FORMERLY:
        found["name"] = NO_LATTICE
    names = ((NO_LATTICE if name == FORMERLY else name) for name in found["probability"])
    found["probability"] = dict(zip(names, found["probability"].values(), strict=True))
    return spectrum


def _reworded(record: dict[str, Any]) -> dict[str, Any]:
    if record["reason"].startswith(f"{FORMERLY}: "):
        record["reason"] = NO_LATTICE + record["reason"].removeprefix(FORMERLY)
    return record
