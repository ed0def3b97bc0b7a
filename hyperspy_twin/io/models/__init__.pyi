from .cif import write_cif
from .content import ModelContent
from .extended_xyz import write_extended_xyz
from .lammps import write_lammps
from .poscar import write_poscar
from .prismatic import write_prismatic
from .trajectory import write_trajectory

__all__ = [
    "ModelContent",
    "write_cif",
    "write_extended_xyz",
    "write_lammps",
    "write_poscar",
    "write_prismatic",
    "write_trajectory",
]
