from .filling import FilledAtoms
from .model import build_model

__all__ = ["FilledAtoms", "build_model"]
