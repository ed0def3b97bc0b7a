"""Peers of the segmentation methods: the textbook watershed and MobileSAM at its defaults."""

from __future__ import annotations

import itertools
import os
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

# Folder of the real files, which tests/real_files.md lists.
SHARED = Path(
    os.environ.get("HYPERSPY_TWIN_FILES") or Path(__file__).resolve().parents[2] / "shared"
)


def otsu(image: np.ndarray, smoothing: float, spacing: int) -> np.ndarray:
    """Find objects by Otsu's threshold and part them by a watershed of the distance map."""
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_otsu
    from skimage.segmentation import watershed

    smooth = ndimage.gaussian_filter(image.astype(np.float32), smoothing)
    bright = smooth > threshold_otsu(smooth)
    objects = bright if bright.mean() < 0.5 else ~bright
    distance = ndimage.distance_transform_edt(objects)
    parts, _ = ndimage.label(objects)
    peaks = peak_local_max(distance, min_distance=spacing, labels=parts)
    markers = np.zeros(image.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-distance, markers, mask=objects)


def tuned_otsu(
    tuning: Iterable[tuple[np.ndarray, np.ndarray]],
    agreement: Callable[[np.ndarray, np.ndarray], float],
) -> Callable[[np.ndarray], np.ndarray]:
    """Take the setting of `otsu` that agrees best with the truth of the tuning scenes."""
    settings = list(itertools.product((1.0, 3.0, 6.0), (10, 40)))
    total = np.zeros(len(settings))
    for image, truth in tuning:
        total += [agreement(otsu(image, *setting), truth) for setting in settings]
    best = settings[int(np.argmax(total))]
    print(f"otsu: smoothing {best[0]} px, spacing {best[1]} px fit the tuning half best")
    return lambda image: otsu(image, *best)


def mobile_sam() -> Callable[[np.ndarray], np.ndarray]:
    """Take `SamAutomaticMaskGenerator` with its defaults and the weights of MobileSAM."""
    import torch

    from hyperspy_twin.segmentation.segment_anything import find_checkpoint, load_network

    network = load_network("mobile_sam", checkpoint(find_checkpoint), "cpu")
    try:
        import torchvision  # noqa: F401
    except ImportError:
        sys.modules |= _torchvision(torch)
    from segment_anything import SamAutomaticMaskGenerator

    generator = SamAutomaticMaskGenerator(network)
    return lambda image: _partition(generator.generate(_picture(image)), image.shape)


def checkpoint(find: Callable[..., Path]) -> Path:
    """Weights of MobileSAM beside the checkout, else where the package finds them."""
    beside = SHARED / "weights" / "mobile_sam.pt"
    if beside.exists() and "HYPERSPY_TWIN_SAM_CHECKPOINT" not in os.environ:
        os.environ["HYPERSPY_TWIN_SAM_CHECKPOINT"] = str(beside)
    return find("mobile_sam")


def _picture(image: np.ndarray) -> np.ndarray:
    """Three equal 8-bit channels between the first and last half per cent."""
    low, high = np.quantile(image, [0.005, 0.995])
    grey = np.clip((image - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    return np.dstack([grey] * 3)


def _partition(masks: list[dict], shape: tuple[int, ...]) -> np.ndarray:
    """Smaller masks lie on larger ones; what no mask covers is one region."""
    labels = np.zeros(shape, np.int32)
    for number, mask in enumerate(sorted(masks, key=lambda mask: -mask["area"])):
        labels[mask["segmentation"]] = number + 1
    return labels


def _torchvision(torch: Any) -> dict[str, types.ModuleType]:
    """Stand in for the four functions of torchvision that the generator calls.

    They do what torchvision documents, so that the peer also runs where no torchvision matches the
    installed torch.
    """
    from PIL import Image

    def box_area(boxes: Any) -> Any:
        return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])

    def batched_nms(boxes: Any, scores: Any, groups: Any, iou_threshold: float) -> Any:
        apart = boxes + (groups.to(boxes) * (boxes.max() + 1))[:, None] if len(boxes) else boxes
        kept: list[int] = []
        rest = torch.argsort(scores, descending=True)
        area = box_area(apart)
        while len(rest):
            best, rest = rest[0], rest[1:]
            kept.append(int(best))
            low = torch.maximum(apart[best, :2], apart[rest, :2])
            high = torch.minimum(apart[best, 2:], apart[rest, 2:])
            common = (high - low).clamp(min=0).prod(dim=1)
            rest = rest[common / (area[best] + area[rest] - common) <= iou_threshold]
        return torch.tensor(kept, dtype=torch.long)

    def resize(picture: Any, size: tuple[int, int]) -> Any:
        return picture.resize(size[::-1], Image.Resampling.BILINEAR)

    contents = {
        "torchvision": {},
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": batched_nms, "box_area": box_area},
        "torchvision.transforms": {},
        "torchvision.transforms.functional": {"resize": resize, "to_pil_image": Image.fromarray},
    }
    modules = {name: types.ModuleType(name) for name in contents}
    for name, module in modules.items():
        vars(module).update(contents[name])
    return modules
