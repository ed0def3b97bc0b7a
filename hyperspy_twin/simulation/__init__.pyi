from .crystallites import cut_octahedron, turn_along_beam
from .diamond import ORIENTATION_110, SILICON_LATTICE, stack_diamond_planes
from .dislocations import DislocationArray, displace_points, undo_displacement
from .imaging import record_image
from .packing import GLASSES, fill_glass
from .planar_faults import fault_crystal, shift_half
from .probe import Microscope
from .scan import SAMPLE, Scan, require_positive
from .spectrum_images import Well, low_loss_distribution, scan_positions, spectra_of
from .volterra import cubic_stiffness, dislocate_crystal, volterra_displacement

__all__ = [
    "GLASSES",
    "ORIENTATION_110",
    "SAMPLE",
    "SILICON_LATTICE",
    "DislocationArray",
    "Microscope",
    "Scan",
    "Well",
    "cubic_stiffness",
    "cut_octahedron",
    "dislocate_crystal",
    "displace_points",
    "fault_crystal",
    "fill_glass",
    "low_loss_distribution",
    "record_image",
    "require_positive",
    "scan_positions",
    "shift_half",
    "spectra_of",
    "stack_diamond_planes",
    "turn_along_beam",
    "undo_displacement",
    "volterra_displacement",
]
