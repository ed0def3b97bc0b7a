"""Masks that Segment Anything proposes for points on a picture, and the parts they make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from skimage.measure import label as connected_parts

from hyperspy_twin.segmentation.labels import depth_inside, fill_from_nearest, number_consecutively

# Longer side of the network's input in pixels (Kirillov et al. 2023).
SIDE = 1024
# Longer side of its mask output.
_MASK_SIDE = 256
# Least predicted quality of a mask. The official defaults of quality and stability, 0.88 and 0.95,
# are made for photographs; borders that micrographs do not support are found later, layers that
# were left out are not. Both and `_SAME` are set on the tuning half of benchmarks/segmentation.py.
_MIN_QUALITY = 0.6
# Least intersection over union of a mask at two levels of its logits.
_MIN_STABILITY = 0.7
# Intersection over union from which on two masks are the same.
_SAME = 0.7
# Logits of the two levels of the stability, as in the official code.
_LEVELS = (1.0, -1.0)
# Core that stays, as a fraction of the smallest area of a region.
_SMALLEST_CORE = 1 / 4
# Prompts decoded together on a device: what fits the cache of a processor.
_BATCH = {"cpu": 4}
# The same on all others: what fills a GPU.
_LARGE_BATCH = 64


@dataclass(frozen=True)
class MaskProposals:
    """Masks of one picture, best first.

    Attributes
    ----------
    logits : numpy.ndarray
        Positive inside; float32, shape (n, rows, columns), a quarter of the picture's resolution.
    score : numpy.ndarray
        Predicted quality times stability, shape (n,).
    """

    logits: np.ndarray
    score: np.ndarray


def place_prompts(picture: np.ndarray, *, per_side: int, flat: float) -> np.ndarray:
    """Points (x, y) on a grid that is coarser where the picture is flat.

    Cells of two grid points squared whose brightness varies by less than ``flat`` get one point
    in the middle, the others four; ``per_side`` points fill 1024 pixels. Pixels, shape (n, 2).
    """
    cells = [max(round(n * per_side / (2 * SIDE)), 1) for n in picture.shape]
    points = []
    for row in range(cells[0]):
        for column in range(cells[1]):
            y, x = (
                (k * n / m, (k + 1) * n / m)
                for k, n, m in zip((row, column), picture.shape, cells, strict=True)
            )
            block = picture[int(y[0]) : int(np.ceil(y[1])), int(x[0]) : int(np.ceil(x[1]))]
            low, high = np.quantile(block[::4, ::4], [0.02, 0.98])
            parts = (0.5,) if high - low < flat else (0.25, 0.75)
            points += [
                (x[0] + across * (x[1] - x[0]), y[0] + down * (y[1] - y[0]))
                for down in parts
                for across in parts
            ]
    return np.array(points, np.float32)


def propose_masks(network: Any, picture: np.ndarray, points: np.ndarray) -> MaskProposals:
    """Distinct, stable masks around points.

    Parameters
    ----------
    network : torch.nn.Module
        From `networks.load_network`.
    picture : numpy.ndarray
        Brightness 0 to 255, its longer side 1024 pixels.
    points : numpy.ndarray
        Point prompts (x, y) in pixels, shape (n, 2).
    """
    import torch

    device = network.pixel_mean.device
    rows, columns = (-(-n * _MASK_SIDE // SIDE) for n in picture.shape)
    kept_logits, kept_scores = [], []
    with torch.inference_mode():
        image = torch.from_numpy(np.ascontiguousarray(picture, np.float32)).to(device)
        embedding = network.image_encoder(network.preprocess(image.expand(3, -1, -1))[None])
        position = network.prompt_encoder.get_dense_pe()
        prompts = torch.from_numpy(np.ascontiguousarray(points, np.float32)).to(device)
        for batch in prompts[:, None].split(_BATCH.get(device.type, _LARGE_BATCH)):
            sparse, dense = network.prompt_encoder(
                points=(batch, torch.ones(len(batch), 1, device=device)), boxes=None, masks=None
            )
            logits, quality = network.mask_decoder(
                image_embeddings=embedding,
                image_pe=position,
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=True,
            )
            logits, quality = logits[..., :rows, :columns].flatten(0, 1), quality.flatten()
            inner, outer = ((logits > limit).sum((1, 2)) for limit in _LEVELS)
            stability = inner / outer.clamp(min=1)
            good = (quality > _MIN_QUALITY) & (stability > _MIN_STABILITY)
            kept_logits.append(logits[good].cpu().numpy())
            kept_scores.append((quality * stability)[good].cpu().numpy())
    every_logit, score = np.concatenate(kept_logits), np.concatenate(kept_scores)
    chosen = distinct_masks(every_logit > 0, score, _SAME)
    return MaskProposals(every_logit[chosen], score[chosen])


def distinct_masks(masks: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Choose among masks that show the same thing the one with the best score.

    From an overlap (intersection over union, 0 to 1) on two of the masks, shape (n, rows, columns),
    are the same. Indices of the chosen ones, best score first; of equal scores the first mask wins.
    """
    flat = masks.reshape(len(masks), int(np.prod(masks.shape[1:]))).astype(np.float32)
    common = flat @ flat.T
    area = np.diag(common)
    same = common > overlap * (area[:, None] + area - common)
    chosen: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if area[index] and not same[index, chosen].any():
            chosen.append(int(index))
    return np.array(chosen, np.intp)


def stack_masks(masks: np.ndarray) -> np.ndarray:
    """Lay masks on each other, the largest at the bottom.

    A mask inside another becomes an inner region, and of two that overlap the smaller one keeps
    the common part. Of equal areas the first one lies on top. Number (1..n) of the mask on top of
    each pixel, 0 where there is none; int32, shape (rows, columns).
    """
    stacked = np.zeros(masks.shape[1:], np.int32)
    area = np.count_nonzero(masks, axis=(1, 2))
    for index in np.argsort(-area[::-1], kind="stable"):
        number = len(masks) - int(index)
        stacked[masks[number - 1]] = number
    return stacked


def separate_cores(pieces: np.ndarray, depth: float, smallest_area: float) -> np.ndarray:
    """Divide pieces into connected parts, without the slivers where two masks do not quite meet.

    Pieces are cut where they are thinner than twice the depth. What is thinner, and cores below a
    quarter of the smallest area, go to the nearest core that stays. Depth and area are in pixels.
    Parts 0..n-1, int32; one part where no piece has a core.
    """
    core = depth_inside(pieces) > depth
    cores = connected_parts(np.where(core, pieces + 1, 0), background=0, connectivity=1)
    area = np.bincount(cores.ravel())
    area[0] = 0
    core = area[cores] >= max(smallest_area * _SMALLEST_CORE, 1)
    if not core.any():
        return np.zeros(pieces.shape, np.int32)
    return number_consecutively(fill_from_nearest(cores, core))
