from .checkpoints import find_checkpoint
from .networks import load_network, require_torch
from .sam_segmentation import segment_sam

__all__ = ["find_checkpoint", "load_network", "require_torch", "segment_sam"]
