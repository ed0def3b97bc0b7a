from .filling import FilledAtoms
from .model import AlongBeam, build_model
from .passivation import find_hydrogen

__all__ = ["AlongBeam", "FilledAtoms", "build_model", "find_hydrogen"]
