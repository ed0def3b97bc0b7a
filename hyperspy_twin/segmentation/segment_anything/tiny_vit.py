"""Image encoder of MobileSAM: TinyViT with 5 million parameters.

Needs torch and is therefore imported only where a network is built.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_WIDTHS = (64, 128, 160, 320)
_DEPTHS = (2, 2, 6, 2)
_HEADS = (2, 4, 5, 10)
_WINDOWS = (7, 7, 14, 7)
# Steps between the stages: the last one keeps the resolution, so that 1024 pixels become 64.
_STRIDES = (2, 2, 1)
_EXPANSION = 4
_EMBEDDING = 256
_CLASSES = 1000


class TinyViT(nn.Module):
    """TinyViT-5M with the neck of Segment Anything.

    Modules carry the names of the official MobileSAM checkpoint, whose entries below
    ``image_encoder.`` load strictly.

    Parameters
    ----------
    img_size : int
        Side of the square input in pixels, a multiple of 16.

    References
    ----------
    Wu et al., "TinyViT: Fast Pretraining Distillation for Small Vision Transformers", ECCV (2022).
    Zhang et al., "Faster Segment Anything", arXiv:2306.14289 (2023).
    """

    def __init__(self, img_size: int = 1024) -> None:
        super().__init__()
        if img_size <= 0 or img_size % 16:
            raise ValueError(f"img_size must be a positive multiple of 16, not {img_size}")
        self.img_size = img_size
        self.patch_embed = _PatchEmbedding(_WIDTHS[0])
        self.layers = nn.ModuleList(
            [
                _Stage(
                    [_stage_block(stage) for _ in range(depth)],
                    _Merging(_WIDTHS[stage], _WIDTHS[stage + 1], _STRIDES[stage])
                    if stage < len(_STRIDES)
                    else None,
                )
                for stage, depth in enumerate(_DEPTHS)
            ]
        )
        # The classifier of the pretraining: in the checkpoint, without a part in the embedding.
        self.norm_head = nn.LayerNorm(_WIDTHS[-1])
        self.head = nn.Linear(_WIDTHS[-1], _CLASSES)
        self.neck = nn.Sequential(
            nn.Conv2d(_WIDTHS[-1], _EMBEDDING, 1, bias=False),
            _ChannelNorm(_EMBEDDING),
            nn.Conv2d(_EMBEDDING, _EMBEDDING, 3, padding=1, bias=False),
            _ChannelNorm(_EMBEDDING),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Embed images.

        Parameters
        ----------
        images : torch.Tensor
            Normalised images, shape (batch, 3, img_size, img_size).

        Returns
        -------
        torch.Tensor
            Shape (batch, 256, img_size / 16, img_size / 16).

        Raises
        ------
        ValueError
            If the images have another shape.
        """
        expected = (3, self.img_size, self.img_size)
        if images.ndim != 4 or tuple(images.shape[1:]) != expected:
            raise ValueError(f"images have shape {tuple(images.shape)}, not (batch, *{expected})")
        features = self.patch_embed(images)
        for layer in self.layers:
            features = layer(features)
        return self.neck(features)


def _stage_block(stage: int) -> nn.Module:
    """Convolutions in the first stage, where the image is still large; attention after it."""
    if stage == 0:
        return _InvertedBottleneck(_WIDTHS[0])
    return _AttentionBlock(_WIDTHS[stage], _HEADS[stage], _WINDOWS[stage])


class _NormalisedConvolution(nn.Sequential):
    """Convolution without bias, then batch normalisation."""

    def __init__(self, width: int, out: int, size: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.add_module(
            "c", nn.Conv2d(width, out, size, stride, size // 2, groups=groups, bias=False)
        )
        self.add_module("bn", nn.BatchNorm2d(out))


class _PatchEmbedding(nn.Module):
    """Two strided convolutions: a quarter of the resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(
            _NormalisedConvolution(3, width // 2, 3, 2),
            nn.GELU(),
            _NormalisedConvolution(width // 2, width, 3, 2),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.seq(images)


class _InvertedBottleneck(nn.Module):
    """Wide depth-wise convolution between two narrow ends, with a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = _EXPANSION * width
        self.conv1 = _NormalisedConvolution(width, wide, 1)
        self.conv2 = _NormalisedConvolution(wide, wide, 3, groups=wide)
        self.conv3 = _NormalisedConvolution(wide, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        inner = functional.gelu(self.conv1(features))
        inner = functional.gelu(self.conv2(inner))
        return functional.gelu(features + self.conv3(inner))


class _Merging(nn.Module):
    """Step to the next stage: more channels, usually half the resolution."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _NormalisedConvolution(width, out, 1)
        self.conv2 = _NormalisedConvolution(out, out, 3, stride, groups=out)
        self.conv3 = _NormalisedConvolution(out, out, 1)

    def forward(self, features: Tensor) -> Tensor:
        features = functional.gelu(self.conv1(features))
        return self.conv3(functional.gelu(self.conv2(features)))


class _Stage(nn.Module):
    """Blocks at one resolution and the step to the next."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, features: Tensor) -> Tensor:
        for block in self.blocks:
            features = block(features)
        return features if self.downsample is None else self.downsample(features)


class _WindowAttention(nn.Module):
    """Self-attention inside windows with a learnt bias for each distance."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        self.distance: Tensor
        self.register_buffer("distance", _window_distances(window), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Attend; shape (windows, tokens, width) in and out."""
        windows, count, width = tokens.shape
        per_head = self.qkv(self.norm(tokens)).view(windows, count, self.heads, -1)
        query, key, value = per_head.transpose(1, 2).chunk(3, dim=-1)
        bias = self.attention_biases[:, self.distance]
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.proj(attended.transpose(1, 2).reshape(windows, count, width))


def _window_distances(window: int) -> Tensor:
    """Index of the bias for each pair of tokens: rows apart times the window + columns apart."""
    row, column = (
        axis.flatten()
        for axis in torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    )
    rows_apart = (row[:, None] - row).abs()
    return rows_apart * window + (column[:, None] - column).abs()


class _Perceptron(nn.Module):
    """Two dense layers on each token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, _EXPANSION * width)
        self.fc2 = nn.Linear(_EXPANSION * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(self.norm(tokens))))


class _AttentionBlock(nn.Module):
    """Window attention, a depth-wise convolution that joins the windows, and a perceptron."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = _WindowAttention(width, heads, window)
        self.local_conv = _NormalisedConvolution(width, width, 3, groups=width)
        self.mlp = _Perceptron(width)

    def forward(self, features: Tensor) -> Tensor:
        features = features + self._attend(features)
        tokens = self.local_conv(features).permute(0, 2, 3, 1)
        return (tokens + self.mlp(tokens)).permute(0, 3, 1, 2)

    def _attend(self, features: Tensor) -> Tensor:
        """Attention in windows; the last ones are filled up with zeros, which take part."""
        batch, width, rows, columns = features.shape
        side = self.window
        padded = functional.pad(features, (0, -columns % side, 0, -rows % side))
        down, across = padded.shape[2] // side, padded.shape[3] // side
        tiles = padded.view(batch, width, down, side, across, side).permute(0, 2, 4, 3, 5, 1)
        tiles = self.attn(tiles.reshape(-1, side * side, width))
        tiles = tiles.view(batch, down, across, side, side, width).permute(0, 5, 1, 3, 2, 4)
        return tiles.reshape(padded.shape)[..., :rows, :columns]


class _ChannelNorm(nn.Module):
    """Layer normalisation over the channels of a feature map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, features: Tensor) -> Tensor:
        last = features.permute(0, 2, 3, 1)
        normalised = functional.layer_norm(last, last.shape[-1:], self.weight, self.bias, 1e-6)
        return normalised.permute(0, 3, 1, 2)
