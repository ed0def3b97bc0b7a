from .lattices import MATERIALS
from .train import Settings, train_network

__all__ = ["MATERIALS", "Settings", "train_network"]
