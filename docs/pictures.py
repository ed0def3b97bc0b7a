"""Make the pictures of the user guide from bundled samples, and from real images where present.

Run: python docs/pictures.py [folder of real images] [weights of MobileSAM]
"""

from __future__ import annotations

import sys
from pathlib import Path

import hyperspy.api as hs
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from matplotlib.collections import LineCollection

import hyperspy_twin as ht
from hyperspy_twin.signals import _figures
from hyperspy_twin.signals._figures import COLOURS
from hyperspy_twin.simulation import (
    ORIENTATION_110,
    cubic_stiffness,
    dislocate_crystal,
    shift_half,
    stack_diamond_planes,
)
from hyperspy_twin.simulation.imaging import add_gaussians

FOLDER = Path(__file__).parent / "_static"
DPI = 60
GERMANIUM = 0.5658  # nm, edge of the cell


REAL = {
    "nanowire cross-section": "SAG_nanowire_304px.png",
    "gold particles": "example_Au_nanoparticle.emd",
    "graphene grain boundary": "graphene_defect_raw.dm3",
}


SPECTRA = {
    "SrTiO3 [110]": "STO_ADF.hspy",
    "PbTiO3 domains": "PTO_junction_filtered_HAADF.hspy",
    "graphene grain boundary": "graphene_defect_raw.dm3",
    "no lattice": "multi_signal_no_lattice.dm3",
}


def segmentation_methods(folder: Path, weights: Path) -> None:
    """Write the picture that compares the methods on real images and a sample."""
    images = {name: ht.load(folder / file) for name, file in REAL.items()}
    images["amorphous layer (simulated)"] = ht.data.amorphous_on_crystal(shape=(640, 640))
    methods = {"edges": {}, "texture": {}, "sam": {"checkpoint": weights}}
    figure, axes = plt.subplots(len(images), 3, figsize=(12, 4 * len(images)), layout="constrained")
    for row, (name, image) in zip(axes, images.items(), strict=True):
        low, high = np.percentile(image.data, [1, 99])
        for axis, (method, options) in zip(row, methods.items(), strict=True):
            segmented = image.segment(method, **options)
            grid = segmented._grid
            extent = _figures.image_extent(grid)
            axis.imshow(image.data, cmap="gray", vmin=low, vmax=high, extent=extent)
            _figures.draw_outlines(axis, segmented._outlines, grid, coloured=True)
            axis.set_title(f"{name}: {method}, {len(np.unique(segmented.labels.data))} regions")
            axis.set_axis_off()
    figure.savefig(FOLDER / "segment_methods.png", dpi=DPI)


def peaks_of_real_images(folder: Path) -> None:
    """Write the picture of the spectra of real images with their peaks."""
    figure, axes = plt.subplots(1, 4, figsize=(20, 5.6), layout="constrained")
    for axis, (name, file) in zip(axes, SPECTRA.items(), strict=True):
        image = ht.load(folder / file)
        image = image[0] if isinstance(image, list) else image
        whole = ht.SegmentedImage.from_labels(image, np.ones(image.data.shape, int))
        found = whole.find_peaks(show_progressbar=False)
        amplitude = found.region_spectra().inav[0].data.compute()
        grid = found._grid
        low, high = np.percentile(amplitude, [30, 99.99])
        extent = _figures.image_extent(grid)
        axis.imshow(np.log(amplitude), "gray", vmin=np.log(low), vmax=np.log(high), extent=extent)
        peaks = found.peaks(1)
        for number, colour in enumerate(("white", *COLOURS)):
            own = peaks[peaks["lattice"] == number]
            x, y = (np.concatenate([own[key], -own[key]]) for key in "xy")
            axis.plot(x, y, "o", ms=10, mfc="none", mec=colour)
        reach = 1.15 * max(np.hypot(peaks["x"], peaks["y"]).max(initial=0), 0.2 * grid.offset[0])
        reach = reach if len(peaks) else -0.5 * grid.offset[0]
        axis.set(xlim=(-reach, reach), ylim=(reach, -reach), xlabel=f"1/{found._unit}")
        axis.set_title(f"{name}: {found.crystallinity[1]}, {len(peaks)} peaks")
    figure.savefig(FOLDER / "find_peaks.png", dpi=DPI)


def crystals() -> None:
    """Write the pictures of a predicted pattern and of an orientation map."""
    well = ht.data.sige_quantum_well(shape=(720, 720), well_thickness=10.0).segment()
    well.find_peaks(show_progressbar=False).index_phases(["Si1-xGex", "Ge"]).plot(region=1)
    figure = plt.gcf()
    figure.set_size_inches(11, 9)
    figure.savefig(FOLDER / "predicted_pattern.png", dpi=DPI, bbox_inches="tight")
    particles = ht.data.nanoparticles().segment().find_peaks(show_progressbar=False)
    indexed = particles.index_phases(["Au", "Pd"])
    figure = indexed.plot_orientation_map(direction=(1, 0, 0))
    figure.savefig(FOLDER / "orientation_map.png", dpi=DPI)


def strain_of_a_well() -> None:
    """Write the picture of what follows from a strain map."""
    micrograph = ht.data.sige_quantum_well(shape=(640, 640), well_thickness=8.0)
    found = micrograph.segment().find_peaks(show_progressbar=False)
    strain = found.index_phases(["Si0.3Ge0.7", "Ge"]).gpa()
    absolute, grid = strain.absolute(), strain._grid
    figure, axes = plt.subplots(1, 4, figsize=(22, 5.4), layout="constrained")
    for axis, name in zip(axes, ("e_xx", "e_yy"), strict=False):
        drawn = axis.imshow(
            getattr(absolute, name).data,
            cmap=_figures.with_grey(_figures.DIVERGING),
            vmin=-0.015,
            vmax=0.015,
            extent=_figures.image_extent(grid),
        )
        _figures.draw_outlines(axis, strain._outlines, grid)
        axis.set(title=f"{name} against bulk", xlabel="x (nm)", ylabel="y (nm)")
        figure.colorbar(drawn, ax=axis, shrink=0.8, label="strain")
    profile = strain.profile(across=(1, 2), component="e_yy")
    x = profile.axes_manager[0].axis
    error = np.sqrt(profile.metadata.Signal.Noise_properties.variance.data)
    axes[2].fill_between(x, profile.data - 2 * error, profile.data + 2 * error, alpha=0.4)
    axes[2].plot(x, profile.data)
    axes[2].axhline(np.nanmax(micrograph.truth.strain["e_yy"]), color="k", ls="--", lw=1)
    axes[2].axhline(0, color="k", ls="--", lw=1)
    axes[2].set(title="profile", xlabel="distance from the interface (nm)", ylabel="e_yy")
    composition = strain.composition("SiGe")
    rows = np.nanmean(composition.data, axis=1)
    axes[3].plot(grid.y, rows)
    for value in (0.7, 1.0):
        axes[3].axhline(value, color="k", ls="--", lw=1)
    axes[3].set(title="composition, bulk limit", xlabel="y (nm)", ylabel="x of Si1-xGex")
    figure.savefig(FOLDER / "strain.png", dpi=DPI)


def bragg_filters() -> None:
    """Write the picture of two phases in colour, and of their filtered images at the interface."""
    nanowire = ht.data.mismatched_nanowire().segment().find_peaks(show_progressbar=False)
    indexed = nanowire.index_phases(["InP", "InSb"])
    figure = indexed.plot_bragg_filter()
    figure.set_size_inches(6.4, 6.8)
    filtered = indexed.bragg_filter()
    parts = [indexed.image()[0], *filtered.data]
    names = ["image", *filtered.metadata.Bragg_filter.groups]
    _crop_beside(figure, parts, names, indexed._image_grid)
    figure.savefig(FOLDER / "bragg_filter.png", dpi=DPI)


def _crop_beside(figure, parts, names, grid) -> None:
    """Add cut-outs of images around their centre in a column on the right."""
    figure.set_size_inches(9.6, 6.8)
    figure.get_layout_engine().set(rect=(0, 0, 0.7, 1))
    rows, columns = grid.shape
    box = slice(rows // 2 - 100, rows // 2 + 100), slice(columns // 2 - 130, columns // 2 + 130)
    for number, (name, part) in enumerate(zip(names, parts, strict=True)):
        axis = figure.add_axes((0.71, 0.66 - 0.32 * number, 0.28, 0.28))
        axis.set_in_layout(False)
        axis.imshow(part[box], cmap="gray")
        axis.set_title(name, fontsize=10)
        axis.set_axis_off()


def alloyed_well() -> None:
    """Write the picture of a map, the fractions on columns, and the composition of layers."""
    micrograph = ht.data.sige_quantum_well(shape=(640, 640), well_thickness=8.0)
    found = micrograph.segment().find_peaks(show_progressbar=False)
    model = found.index_phases(["Si0.3Ge0.7", "Ge"]).gpa().to_atoms(thickness=2.0)
    truth, pixel = micrograph.truth, 3.0
    count = int(found._image_grid.extent[0] // pixel)
    place = truth.positions[:, 1::-1] / 10
    edges = [pixel * np.arange(count + 1)] * 2
    total, *_ = np.histogram2d(*place.T, bins=edges)
    germanium, *_ = np.histogram2d(*place[truth.numbers == 32].T, bins=edges)
    fraction = germanium / total + np.random.default_rng(0).normal(0, 0.02, total.shape)
    errors = {"Si": np.full(fraction.shape, 0.02), "Ge": np.full(fraction.shape, 0.02)}
    maps = ht.composition.from_map({"Si": 1 - fraction, "Ge": fraction}, errors=errors)
    area = hs.roi.RectangularROI(left=0, top=0, right=count * pixel, bottom=count * pixel)
    placed = maps.register(micrograph, area)
    alloyed = model.set_composition(placed, guide=micrograph)
    alone = model.set_composition(placed).layer_composition()
    layers = alloyed.layer_composition()
    figure, axes = plt.subplots(1, 3, figsize=(17, 5.4), layout="constrained")
    extent = (0, count * pixel, count * pixel, 0)
    colours = {"cmap": "viridis", "vmin": 0.5, "vmax": 1.0}
    drawn = axes[0].imshow(fraction, extent=extent, **colours)
    axes[0].set(title="map", xlabel="x (nm)", ylabel="y (nm)")
    figure.colorbar(drawn, ax=axes[0], shrink=0.8, label="fraction of Ge")
    x, y = alloyed.positions[:, :2].T / 10
    axes[1].scatter(x, y, c=alloyed._columns("Ge")[:, 0], s=1, **colours)
    axes[1].set(title="columns of the model", xlabel="x (nm)", aspect="equal")
    axes[1].set(xlim=extent[:2], ylim=extent[2:])
    axes[2].stairs(fraction.mean(axis=1), edges[0], label="map", color="0.6", lw=2)
    axes[2].plot(alone["position"], alone["expected_Ge"], label="without guide", color="C1")
    axes[2].plot(layers["position"], layers["expected_Ge"], label="with guide", color="C0")
    axes[2].plot(layers["position"], layers["Ge"], ".", ms=3, label="atoms drawn", color="C0")
    height = place[:, 0]
    fine = np.linspace(0, count * pixel, 400)
    share = [np.mean(truth.numbers[np.abs(height - one) < 0.15] == 32) for one in fine]
    axes[2].plot(fine, share, "k--", lw=1, label="truth")
    axes[2].set(xlabel="y (nm)", ylabel="fraction of Ge", title="layers", xlim=(0, count * pixel))
    axes[2].legend(loc="lower center")
    figure.savefig(FOLDER / "set_composition.png", dpi=DPI)


def dislocations() -> None:
    """Write the picture of the dislocations of a mismatched nanowire."""
    found = ht.data.mismatched_nanowire().segment().find_peaks(show_progressbar=False)
    strain = found.index_phases(["InSb", "InP"]).gpa()
    found = strain.dislocations()
    strain.plot(dislocations=found).savefig(FOLDER / "dislocations.png", dpi=DPI)
    misfit_in_atoms(strain, found).savefig(FOLDER / "mismatched_wire.png", dpi=90)


def misfit_in_atoms(strain, found):
    """Draw the atoms at the interface of a nanowire, coloured by their number of neighbours."""
    model = strain.to_atoms(thickness=0.8)
    atoms = model.to_ase()
    longest = {("In", "P"): 3.05, ("In", "Sb"): 3.37}  # Å, a fifth above the bonds
    first, second = neighbor_list("ij", atoms, longest)
    number = np.bincount(first, minlength=len(atoms))
    x, y = (model.positions[:, :2] / 10).T
    figure, axis = plt.subplots(figsize=(17, 3.4), layout="constrained")
    ends = np.stack([model.positions[first, :2], model.positions[second, :2]], axis=1) / 10
    near = np.abs(ends[:, :, 1] - found["y"].mean()).max(axis=1) < 3
    axis.add_collection(LineCollection(ends[near & (first < second)], colors="0.75", linewidths=1))
    names = {4: ("four", "0.35"), 3: ("three", COLOURS[0]), 2: ("two", COLOURS[1]),
             1: ("one", COLOURS[2])}  # fmt: skip
    for count, (name, colour) in names.items():
        chosen = number == count
        axis.scatter(x[chosen], y[chosen], 9 if count == 4 else 36, color=colour, label=name)
    axis.scatter(found["x"], found["y"], 420, "none", "o", edgecolors="black", linewidths=1.2,
                 label="dislocations of\nthe strain map")  # fmt: skip
    axis.set(xlim=(3.6, 33.2), ylim=(found["y"].mean() + 2.4, found["y"].mean() - 2.4),
             xlabel="x (nm)", ylabel="y (nm)", aspect="equal")  # fmt: skip
    axis.legend(title="neighbours", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def germanium(size: float) -> np.ndarray:
    """Atoms of a repeat along [110] that fill a square and 3 nm around it, in nm, shape (n, 3)."""
    spacing, period = GERMANIUM / 4, GERMANIUM / np.sqrt(2)
    planes = np.arange(-20, int((size + 3.0) / spacing))
    atoms, _ = stack_diamond_planes(
        size - planes * spacing, planes, period=period, x_range=(-3.0, size + 3.0), thickness=period
    )
    return atoms


def planar_faults() -> None:
    """Write the picture of a stacking fault that ends in a partial dislocation."""
    pixel, size = 0.045, 512  # nm
    high = size * pixel
    atoms = germanium(high)
    partial = GERMANIUM * np.array([-1.0, 1.0, 2.0]) / 6 @ ORIENTATION_110.T
    stiffness = cubic_stiffness((128.5, 48.3, 66.8), ORIENTATION_110)
    atoms, _ = dislocate_crystal(atoms, np.full((1, 2), high / 2), partial[None], stiffness)
    image = np.zeros((size, size))
    widths = np.full(len(atoms), 0.065 / pixel)
    add_gaussians(image, atoms[:, :2] / pixel, np.ones(len(atoms)), widths)
    counts = np.random.default_rng(0).poisson(50.0 * image / image.mean())
    micrograph = hs.signals.Signal2D(counts.astype(np.float32))
    micrograph.set_signal_type("Micrograph")
    for axis in micrograph.axes_manager.signal_axes:
        axis.scale, axis.units = pixel, "nm"
    found = micrograph.segment().find_peaks(show_progressbar=False)
    strain = found.index_phases(["Ge"]).gpa()
    figure = strain.plot(
        dislocations=strain.dislocations(), planar_faults=strain.planar_faults(), limit=0.04
    )
    figure.savefig(FOLDER / "planar_faults.png", dpi=DPI)


def strain_of_real_images(folder: Path) -> None:
    """Write the picture of strain in oxides."""
    domains = ht.load(folder / SPECTRA["PbTiO3 domains"]).segment().find_peaks()
    domains = domains.index_phases(["PbTiO3", "SrTiO3"]).gpa()
    layers = ht.load(folder / "Cropped_PTO-SRO_Aligned.hspy").segment().find_peaks()
    layers = layers.index_phases(["PbTiO3", "SrRuO3", "SrTiO3"]).gpa()
    figure = plt.figure(figsize=(15, 7.6), layout="constrained")
    cells = figure.add_gridspec(2, 2, height_ratios=(3, 1))
    shown = (
        (cells[0, 0], domains, "e_xx", 0.06),
        (cells[0, 1], domains, "e_yy", 0.06),
        (cells[1, :], layers, "e_yy", 0.06),
    )
    for cell, strain, name, limit in shown:
        axis = figure.add_subplot(cell)
        drawn = axis.imshow(
            getattr(strain, name).data,
            cmap=_figures.with_grey(_figures.DIVERGING),
            vmin=-limit,
            vmax=limit,
            extent=_figures.image_extent(strain._grid),
        )
        _figures.draw_outlines(axis, strain._outlines, strain._grid)
        axis.set(title=name, xlabel="x (nm)", ylabel="y (nm)")
        figure.colorbar(drawn, ax=axis, shrink=0.8, label="strain")
    figure.savefig(FOLDER / "strain_real.png", dpi=DPI)


def forces_of_wells() -> None:
    """Write the picture of the forces of a good quantum well, and of one whose scan jumped."""
    models = []
    for jump in (0.0, 0.03):
        image = ht.data.sige_quantum_well(jump=(jump, 0.0), jump_line=350)
        found = image.segment().find_peaks(show_progressbar=False)
        strain = found.index_phases(["Si0.3Ge0.7", "Ge"]).gpa()
        models.append((image, strain.to_atoms(thickness=5.0).forces()))
    force_maps(models).savefig(FOLDER / "forces.png", dpi=DPI)


def force_maps(models):
    """Draw the mean forces of models on the micrographs that they were made of."""
    figure, axes = plt.subplots(1, len(models), figsize=(12, 5.5), layout="constrained")
    titles = ("as recorded", "the scan jumps by 30 pm")
    for axis, (image, model), title in zip(axes, models, titles, strict=True):
        mean = model.force_map(image)
        width, height = (one.size * one.scale for one in mean.axes_manager.signal_axes)
        extent = (0.0, width, height, 0.0)
        drawn = axis.imshow(mean.data, cmap="magma", extent=extent, vmin=0.0, vmax=0.5)
        axis.set(title=title, xlabel="x (nm)", ylabel="y (nm)")
    figure.colorbar(drawn, ax=axes, label="mean force (eV/Å)", shrink=0.8)
    return figure


def composition_of_a_well() -> None:
    """Write the picture of a generated spectrum image: a spectrum, the map, rows against truth."""
    si = ht.data.sige_spectrum_image(electrons=1e7)
    strong = ht.data.sige_spectrum_image(electrons=1e8)
    maps = ht.composition.from_eels(strong, ["Si", "Ge"], show_progressbar=False)
    rows = ht.composition.from_eels(si.sum("x"), ["Si", "Ge"], show_progressbar=False)
    figure, axes = plt.subplots(1, 3, figsize=(17, 4.6), layout="constrained")
    energies = si.axes_manager[-1].axis
    for region, colour in ((slice(12, 18), COLOURS[0]), (slice(0, 8), COLOURS[1])):
        mean = si.data[region].mean(axis=(0, 1))
        name = "well" if region.start else "barrier"
        axes[0].plot(energies, mean, color=colour, lw=1, label=name)
    for onset, edge in ((1217, "Ge L"), (1839, "Si K")):
        axes[0].axvline(onset, color="0.6", lw=0.8)
        axes[0].text(onset + 10, 0.5, edge, transform=axes[0].get_xaxis_transform())
    axes[0].set(xlabel="energy loss (eV)", ylabel="counts per pixel, 1e7 electrons")
    axes[0].legend(frameon=False)
    drawn = axes[1].imshow(
        maps["Ge"].data,
        cmap=_figures.with_grey("viridis"),
        vmin=0,
        vmax=1,
        extent=_figures.image_extent(maps._grid),
    )
    error = np.nanmedian(maps.error.data[1])
    axes[1].set(
        title=f"Ge, 1e8 electrons per pixel (error {error:.2g})", xlabel="x (nm)", ylabel="y (nm)"
    )
    figure.colorbar(drawn, ax=axes[1], label="atomic fraction", shrink=0.8)
    y = rows._grid.y
    axes[2].plot(y, ht.data.germanium_truth(si).mean(axis=1), color="0.6", lw=3, label="truth")
    axes[2].errorbar(
        y,
        rows["Ge"].data[:, 0],
        rows.error.data[1, :, 0],
        fmt="o",
        ms=4,
        label="rows, 1e7 electrons",
    )
    axes[2].set(xlabel="y (nm)", ylabel="atomic fraction of Ge", ylim=(0, 1))
    axes[2].legend(frameon=False)
    figure.savefig(FOLDER / "composition_eels.png", dpi=DPI)


def holes_of_a_well(strain) -> None:
    """Write the picture of the spin-orbit length and the shear of a well."""
    length = strain.spin_orbit_length()
    error = np.sqrt(length.metadata.Signal.Noise_properties.variance.data)
    maps = {
        "absolute shear strain (1e-3)": 1e3 * strain.absolute_shear().data,
        "inverse spin-orbit length (1/um)": 1e3 * length.data,
        "its standard error (1/um)": 1e3 * error,
    }
    figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    extent = _figures.image_extent(strain._grid)
    for axis, (title, values) in zip(axes, maps.items(), strict=True):
        high = 2.5 * np.nanmedian(values)
        cmap = _figures.with_grey("viridis")
        shown = axis.imshow(values, cmap=cmap, vmin=0, vmax=high, extent=extent)
        _figures.draw_outlines(axis, strain._outlines, strain._grid)
        axis.set(title=title, xlabel="x (nm)", ylabel="y (nm)")
        figure.colorbar(shown, ax=axis, shrink=0.8)
    figure.savefig(FOLDER / "spin_orbit_length.png", dpi=DPI)


def states_of_a_well(strain) -> None:
    """Write the pictures of band edges, densities of states, and a state that is planted."""
    model = strain.to_atoms(thickness=1.6)
    states = model.band_edges()
    strain.plot_band_edges(states=states).savefig(FOLDER / "band_edges.png", dpi=DPI)
    found = model.electronic_dos(along="y", bins=10, energies=(-2.0, 3.0), resolution=0.15)
    edges = strain.band_edges()
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    energies, y = (axis.axis for axis in found.axes_manager._axes[::-1])
    step = y[1] - y[0]
    extent = (energies[0], energies[-1], y[-1] + step / 2, y[0] - step / 2)
    shown = axes[0].imshow(found.data, aspect="auto", extent=extent, cmap="magma", vmax=1.0)
    holes, valleys = edges.data[:2].max(axis=0), edges.data[2:6].min(axis=0)
    for edge in (holes, valleys):
        axes[0].plot(edge, edges.axes_manager.signal_axes[0].axis, color="c", lw=1)
    axes[0].set(xlabel="energy (eV)", ylabel="y (nm)", title="local density of states")
    figure.colorbar(shown, ax=axes[0], label="states per eV and atom")
    error = np.sqrt(found.metadata.Signal.Noise_properties.variance.data)
    for number, (label, colour) in {1: ("barrier", "C0"), 5: ("well", "C3")}.items():
        one = found.data[number]
        axes[1].plot(energies, one, color=colour, label=label)
        low, high = one - error[number], one + error[number]
        axes[1].fill_between(energies, low, high, color=colour, alpha=0.3)
    axes[1].set(xlim=(-0.5, 2.2), ylim=(0, 0.6), xlabel="energy (eV)", title="at the edges")
    axes[1].legend(frameon=False)
    figure.savefig(FOLDER / "electronic_dos.png", dpi=DPI)

    middle = np.array([strain._grid.x.mean(), strain._grid.y.mean()])
    part = model.select(box=(*(middle - 3.5), *(middle + 3.5)))
    x, y = part.positions[:, :2].T / 10 - middle[:, None]
    part.data[:, 0] += 1.5 * np.exp(-(x**2 + y**2) / 0.8**2)
    states = part.states(near=1.1, within=0.15)
    states.plot().savefig(FOLDER / "state_in_gap.png", dpi=DPI)


def composition_of_real_files(folder: Path) -> None:
    """Write the pictures of a real X-ray and a real energy-loss spectrum image."""
    si = ht.load(folder / "FePt_core_shell_EDS.hspy")
    factors = {"Fe_Ka": 1.450226, "Pt_La": 5.075602}
    options = {"kfactors": factors, "background": (5.0, 2.0), "show_progressbar": False}
    maps = ht.composition.from_eds(si.rebin(scale=(2, 2, 1)), **options)
    maps.plot().savefig(FOLDER / "composition_eds.png", dpi=DPI)
    si = ht.load(folder / "SI-EELS.dm3")
    image = ht.composition.edge_intensity(si, "La_M5")
    rows = ht.composition.edge_intensity(si.sum("x"), "La_M5")
    figure, axes = plt.subplots(
        1, 3, figsize=(13, 4.6), layout="constrained", width_ratios=[3, 1, 3]
    )
    energies = si.axes_manager[-1].axis
    for region, name in ((slice(19, 27), "rows 19-26"), (slice(36, 48), "rows 36-47")):
        axes[0].plot(energies, si.data[region].mean(axis=(0, 1)), lw=1, label=name)
    for onset, edge in ((456, "Ti L"), (532, "O K"), (640, "Mn L"), (832, "La M")):
        axes[0].axvline(onset, color="0.6", lw=0.8)
        axes[0].text(onset - 8, 3500, edge, ha="right")
    axes[0].set(xlabel="energy loss (eV)", ylabel="counts per pixel")
    axes[0].legend(frameon=False)
    axes[1].imshow(image.data, cmap="viridis", interpolation="nearest")
    axes[1].set(title="La M intensity", xlabel="column", ylabel="row")
    error = np.sqrt(rows.metadata.Signal.Noise_properties.variance.data[:, 0])
    axes[2].errorbar(np.arange(len(rows.data)), rows.data[:, 0], error, fmt="o-", ms=3, lw=1)
    axes[2].axhline(0, color="0.6", lw=0.8)
    axes[2].set(xlabel="row", ylabel="La M counts of a row")
    figure.savefig(FOLDER / "composition_lanthanum.png", dpi=DPI)


def placement_of_a_real_scan(folder: Path) -> None:
    """Write the picture of a scan on its survey."""
    survey, haadf, si = (ht.load(folder / f"SI-{name}.dm3") for name in ("Survey", "HAADF", "EELS"))
    lanthanum = ht.composition.edge_intensity(si, "La_M5")
    share = lanthanum.data / lanthanum.data[19:27].mean()
    part = lanthanum.deepcopy(), lanthanum.deepcopy()
    part[0].data = np.clip(share, 0, 1)
    part[1].data = 1 - part[0].data
    maps = ht.composition.from_map(part, ["La", "Sr"])
    maps = maps.register(survey, simultaneous=haadf, show_progressbar=False)
    maps.plot_overlay(survey, "La").savefig(FOLDER / "placement.png", dpi=DPI)


def film_with_a_well() -> ht.AtomicModel:
    """Germanium well of 8 nm between barriers of Si0.3Ge0.7, repeated along x and z."""
    barrier, layer = 5.584, 5.713  # Å: along [001], of the relaxed alloy and of strained germanium
    period, outer, inner = barrier / np.sqrt(2), 36, 56
    steps = np.repeat([barrier / 4, layer / 4, barrier / 4], [outer, inner, outer])
    heights = np.cumsum(steps)
    positions, plane = stack_diamond_planes(
        heights,
        np.arange(len(heights))[::-1],
        period=period,
        x_range=(0, 20 * period),
        thickness=6 * period,
    )
    box = np.array([20, 6]) * period - 1e-6
    kept = (positions[:, 0] > -1e-6) & (positions[:, 0] < box[0]) & (positions[:, 2] < box[1])
    positions, plane = positions[kept], plane[kept]
    inside = (plane >= outer) & (plane < outer + inner)
    chance = np.random.default_rng(0).random(len(plane)) < 0.7
    cell = (20 * period, heights[-1] + 20, 6 * period)
    atoms = Atoms(np.where(inside | chance, 32, 14), positions, cell=cell, pbc=(1, 0, 1))
    atoms.set_array("region", np.where(inside, 2, 1))
    return ht.AtomicModel.from_ase(atoms)


def vibrations_of_a_well() -> None:
    """Write the picture of local densities of vibrations, and of bands."""
    model = film_with_a_well().relax(show_progressbar=False)
    density = model.phonon_dos("y", 30, vectors=32, show_progressbar=False)
    energy, y = (density.axes_manager[one].axis for one in ("Energy", "y"))
    figure, axes = plt.subplots(1, 3, figsize=(18, 5.2), layout="constrained")
    drawn = axes[0].pcolormesh(energy, y, density.data, cmap="magma", vmin=0, vmax=0.3)
    axes[0].invert_yaxis()
    axes[0].set(xlabel="energy (meV)", ylabel="y (nm)", title="density along y")
    figure.colorbar(drawn, ax=axes[0], label="1/meV/atom")
    for name, region in (("barriers", 1), ("well", 2)):
        one = model.phonon_dos(mask=model.region == region, vectors=32, show_progressbar=False)
        spread = 2 * np.sqrt(one.metadata.Signal.Noise_properties.variance.data)
        place = one.axes_manager["Energy"].axis
        axes[1].plot(place, one.data, label=name)
        axes[1].fill_between(place, one.data - spread, one.data + spread, alpha=0.4)
    axes[1].legend()
    axes[1].set(xlabel="energy (meV)", ylabel="1/meV/atom", title="parts, with two standard errors")
    silicon = ht.AtomicModel.from_ase(bulk("Si", "diamond", a=5.431))
    for field, colour in (("keating", "0.6"), ("modified", "C0")):
        bands = silicon.phonon_bands("GXWKGL", points=200, field=field)
        wave = bands.axes_manager["wave vector"].axis
        axes[2].plot(wave, bands.data.T, color=colour)
        axes[2].plot([], [], color=colour, label=field)
    places, labels = bands.metadata.Bands.places, bands.metadata.Bands.labels
    # G. Nilsson, G. Nelin, Phys. Rev. B 6 (1972) 3777, by neutrons: 4.49, 12.32, 13.90, 15.53 THz.
    axes[2].plot([places[1]] * 3 + [0], [18.6, 50.9, 57.5, 64.2], "kx", label="measured")
    axes[2].legend(loc="lower right")
    axes[2].set(ylabel="meV", title="bands of silicon", xticks=places, xticklabels=labels)
    for place in places:
        axes[2].axvline(place, color="0.85", zorder=0)
    axes[2].set_xlim(0, wave[-1])
    figure.savefig(FOLDER / "phonons.png", dpi=DPI)


def stacking_fault() -> None:
    """Write the picture of the model of an intrinsic stacking fault."""
    pixel, size = 0.045, 448  # nm
    high = size * pixel
    atoms = germanium(high)
    normal = np.array([1.0, -1.0, 1.0]) / np.sqrt(3) @ ORIENTATION_110.T
    heights = np.unique(np.round(atoms @ normal, 6))
    # The near planes of (1 -1 1), between which the crystal is sheared.
    near = (heights[:-1] + heights[1:])[np.diff(heights) < 0.15] / 2
    cut = near[np.abs(near - ([high / 2 + 1.5, high / 2 + 0.4] @ normal[:2])).argmin()]
    shear = GERMANIUM * np.array([1.0, -1.0, -2.0]) / 6 @ ORIENTATION_110.T
    atoms = shift_half(atoms, cut * normal, normal, shear)
    image = np.zeros((size, size))
    add_gaussians(
        image, atoms[:, :2] / pixel, np.ones(len(atoms)), np.full(len(atoms), 0.065 / pixel)
    )
    counts = np.random.default_rng(0).poisson(30.0 * image / image.mean()).astype(np.float32)
    micrograph = hs.signals.Signal2D(counts)
    micrograph.set_signal_type("Micrograph")
    for axis in micrograph.axes_manager.signal_axes:
        axis.scale, axis.units = pixel, "nm"
    segmented = ht.SegmentedImage.from_labels(micrograph, np.ones(counts.shape, int))
    strain = segmented.find_peaks(show_progressbar=False).index_phases(["Ge"]).gpa()
    faulted_columns(strain, counts).savefig(FOLDER / "stacking_fault.png", dpi=90)


def faulted_columns(strain, image):
    """Draw the columns at a fault over the image, with their bonds, by the side of the fault."""
    model = strain.to_atoms(thickness=0.4, show_progressbar=False)
    fault = strain.planar_faults(show_progressbar=False)
    start, end = (np.array([fault[f"{n}_x"][0], fault[f"{n}_y"][0]]) for n in ("start", "end"))
    middle, half = (start + end) / 2, np.array([2.6, 1.7])
    atoms = model.to_ase()
    first, second = neighbor_list("ij", atoms, 2.9)  # Å
    number = np.bincount(first, minlength=len(atoms))
    figure, axis = plt.subplots(figsize=(10, 6.6), layout="constrained")
    grid = strain._grid
    axis.imshow(image, cmap="gray_r", alpha=0.5, vmax=2 * np.percentile(image, 99),
                extent=(grid.x[0], grid.x[-1], grid.y[-1], grid.y[0]))  # fmt: skip
    points = model.positions[:, :2] / 10
    bonds = np.stack([points[first], points[second]], axis=1)[first < second]
    axis.add_collection(LineCollection(bonds, colors="0.45", linewidths=1.2))
    for count, colour in ((4, COLOURS[0]), (3, COLOURS[1])):
        axis.scatter(*points[number == count].T, 34, color=colour, zorder=3,
                     label=f"{count} neighbours")  # fmt: skip
    axis.plot(*np.stack([start, end]).T, "--", color="black", linewidth=1.2,
              label="fault of the\nstrain map")  # fmt: skip
    axis.set(xlim=(middle[0] - half[0], middle[0] + half[0]),
             ylim=(middle[1] + half[1], middle[1] - half[1]),
             xlabel="x (nm)", ylabel="y (nm)", aspect="equal")  # fmt: skip
    axis.legend(loc="upper right")
    return figure


def main(arguments: list[str]) -> None:
    """Write one picture per step."""
    matplotlib.use("Agg")
    if arguments:
        peaks_of_real_images(Path(arguments[0]))
        strain_of_real_images(Path(arguments[0]))
        composition_of_real_files(Path(arguments[0]))
        placement_of_a_real_scan(Path(arguments[0]))
    if len(arguments) > 1:
        segmentation_methods(*(Path(argument) for argument in arguments))
    crystals()
    strain_of_a_well()
    bragg_filters()
    alloyed_well()
    dislocations()
    planar_faults()
    forces_of_wells()
    stacking_fault()
    composition_of_a_well()
    vibrations_of_a_well()
    micrograph = ht.data.sige_quantum_well(shape=(720, 720), well_thickness=10.0)
    segmented = micrograph.segment()
    indexed = segmented.find_peaks(show_progressbar=False).index_phases(["Si1-xGex", "Ge"])
    strain = indexed.gpa()
    holes_of_a_well(strain)
    states_of_a_well(strain)
    model = strain.to_atoms(thickness=2.0)
    pictures = {
        "segment": segmented._figure(),
        "index_phases": indexed._figure(),
        "gpa": strain.plot(),
        "to_atoms": model.plot(),
        "coordination": model.plot(
            by="coordination", roi=hs.roi.RectangularROI(0.0, 0.0, 4.0, 4.0), image=micrograph
        ),
        "model_3d": model.select(box=(0.0, 5.5, 5.0, 10.5)).plot_3d(by="region"),
    }
    for name, figure in pictures.items():
        figure.savefig(FOLDER / f"{name}.png", dpi=DPI)


if __name__ == "__main__":
    main(sys.argv[1:])
