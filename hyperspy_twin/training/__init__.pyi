from .lattices import MATERIALS
from .train import Settings, train

__all__ = ["MATERIALS", "Settings", "train"]
