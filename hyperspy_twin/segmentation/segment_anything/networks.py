"""Networks of Segment Anything with their weights; the only place that builds them."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from hyperspy_twin.segmentation.segment_anything.checkpoints import INSTALL

_PRIVATE_NAME = "hyperspy_twin._segment_anything_networks"
# Red, green and blue of the pictures that all models were trained on, of 255.
_MEAN = (123.675, 116.28, 103.53)
_STANDARD_DEVIATION = (58.395, 57.12, 57.375)


@functools.lru_cache(maxsize=1)
def load_network(model: str, checkpoint: Path, device: str) -> Any:
    """Network with its weights, ready to predict; the last one is kept.

    Parameters
    ----------
    model : {"mobile_sam", "vit_b", "vit_l", "vit_h"}
        Name of the model.
    checkpoint : pathlib.Path
        File with its weights; read as tensors only, so that no code in it can run.
    device : str
        Device of torch, such as "cpu" or "cuda".

    Returns
    -------
    torch.nn.Module
        ``segment_anything``'s ``Sam`` with ``image_encoder``, ``prompt_encoder`` and
        ``mask_decoder``.

    Raises
    ------
    ImportError
        If torch or segment-anything is not installed.
    ValueError
        If the file holds no weights or those of another model.

    References
    ----------
    Kirillov et al., "Segment Anything", arXiv:2304.02643 (2023).
    Zhang et al., "Faster Segment Anything", arXiv:2306.14289 (2023).
    """
    torch = require_torch()
    builders = _segment_anything()
    weights = _read(torch, checkpoint)
    # MobileSAM keeps the prompt encoder and the mask decoder of the official models.
    name = "vit_b" if model == "mobile_sam" else model
    with torch.device("meta"):  # without memory: the weights of the file are put in their places
        network = builders.sam_model_registry[name]()
    network.pixel_mean, network.pixel_std = (
        torch.tensor(values).view(3, 1, 1) for values in (_MEAN, _STANDARD_DEVIATION)
    )
    if model == "mobile_sam":
        from hyperspy_twin.segmentation.segment_anything.tiny_vit import TinyViT

        network.image_encoder = TinyViT()
    try:
        network.load_state_dict(weights, strict=True, assign=True)
    except RuntimeError as error:
        raise ValueError(
            f"{checkpoint} does not hold the weights of {model}: give model=... the name of the "
            "model that it belongs to"
        ) from error
    return network.requires_grad_(False).eval().to(device)


def require_torch() -> Any:
    """Import torch, or say how to install it."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ImportError(f"Segment Anything needs torch: {INSTALL}") from error


def _segment_anything() -> types.ModuleType:
    """Import the model builders of segment-anything without the rest of the package.

    Only its image utilities need torchvision, which has to match the installed torch to the
    build; the networks do not. They are imported under a private name, because importing any part
    under the package's own name runs its ``__init__``, which imports everything.
    """
    found = importlib.util.find_spec("segment_anything")
    if found is None or found.submodule_search_locations is None:
        raise ImportError(f"Segment Anything needs segment-anything: {INSTALL}")
    if _PRIVATE_NAME not in sys.modules:
        package = types.ModuleType(_PRIVATE_NAME)
        package.__path__ = list(found.submodule_search_locations)
        sys.modules[_PRIVATE_NAME] = package
    return importlib.import_module(f"{_PRIVATE_NAME}.build_sam")


def _read(torch: Any, checkpoint: Path) -> dict:
    try:
        weights = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # as many kinds as there are ways to damage a file
        raise ValueError(f"{checkpoint} is not a file of weights that torch can read") from error
    if not isinstance(weights, dict):
        raise ValueError(f"{checkpoint} holds a {type(weights).__name__}, not named weights")
    return weights
