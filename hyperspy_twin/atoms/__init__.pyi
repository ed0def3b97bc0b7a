from .filling import FilledAtoms
from .model import AlongBeam, build_model

__all__ = ["AlongBeam", "FilledAtoms", "build_model"]
