"""Small U-Net that gives every frequency of a whitened spectrum the logit of being a peak.

Needs torch and is therefore imported only where a network is used.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

WIDTHS = (16, 32, 64, 64)
FIRST_STEP = 2  # squares of two by two frequencies become channels before anything else
RAREST = -4.0  # first bias: peaks are rare


class PeakUNet(nn.Module):
    """U-Net with four levels and two convolutions on each way, all at half resolution or less.

    The sides of the input are multiples of 16.

    Parameters
    ----------
    channels
        Number of channels of the input.
    normalised
        Whether the convolutions are followed by batch normalisation, as in training;
        :meth:`folded` gives the same network without.

    References
    ----------
    Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation",
    MICCAI (2015) 234.
    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", CVPR (2016) 1874.
    """

    def __init__(self, channels: int, normalised: bool = True) -> None:
        super().__init__()
        inputs = (channels * FIRST_STEP**2, *WIDTHS[:-1])

        def level(before: int, width: int, stride: int) -> nn.Sequential:
            first = _Step(before, width, stride, normalised)
            return nn.Sequential(first, _Step(width, width, 1, normalised))

        self.down = nn.ModuleList(map(level, inputs, WIDTHS, (1, 2, 2, 2)))
        self.up = nn.ModuleList(
            level(below + width, width, 1)
            for below, width in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(WIDTHS[0], FIRST_STEP**2, 1)
        nn.init.constant_(self.head.get_parameter("bias"), RAREST)

    def forward(self, channels: Tensor) -> Tensor:
        """Logits, shape (n, rows, columns), of channels (n, c, rows, columns)."""
        kept = []
        value = functional.pixel_unshuffle(channels, FIRST_STEP)
        for level in self.down:
            value = level(value)
            kept.append(value)
        for level, beside in zip(self.up, kept[-2::-1], strict=True):
            wide = functional.interpolate(value, scale_factor=2.0, mode="nearest")
            value = level(torch.cat([wide, beside], dim=1))
        return functional.pixel_shuffle(self.head(value), FIRST_STEP)[:, 0]

    def folded(self) -> PeakUNet:
        """Copy for inference, the batch normalisation multiplied into the convolutions."""
        plain = copy.deepcopy(self).eval()
        for step in plain.modules():
            if isinstance(step, _Step) and isinstance(step.norm, nn.BatchNorm2d):
                step.convolution = fuse_conv_bn_eval(step.convolution, step.norm)
                step.norm = nn.Identity()
        return plain.requires_grad_(False)


class _Step(nn.Module):
    """Convolution, normalisation while training, rectification."""

    def __init__(self, before: int, width: int, stride: int, normalised: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, width, 3, stride, 1, bias=not normalised)
        self.norm: nn.Module = nn.BatchNorm2d(width) if normalised else nn.Identity()

    def forward(self, value: Tensor) -> Tensor:
        """Rectified output, shape (n, width, rows, columns)."""
        return functional.relu(self.norm(self.convolution(value)), inplace=True)
