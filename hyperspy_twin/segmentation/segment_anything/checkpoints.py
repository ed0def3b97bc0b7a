"""Where the weights of Segment Anything are found."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT_VARIABLE = "HYPERSPY_TWIN_SAM_CHECKPOINT"
INSTALL = 'pip install "hyperspy_twin[sam]"'


@dataclass(frozen=True)
class Checkpoint:
    """Published weights of one model.

    Attributes
    ----------
    address : str
        Official address of the file.
    sha256 : str
        Its SHA-256 hash.
    """

    address: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Last part of the address."""
        return self.address.rsplit("/", 1)[1]


_META = "https://dl.fbaipublicfiles.com/segment_anything/"
CHECKPOINTS = {
    "mobile_sam": Checkpoint(
        "https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt",
        "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
    ),
    "vit_b": Checkpoint(
        _META + "sam_vit_b_01ec64.pth",
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    "vit_l": Checkpoint(
        _META + "sam_vit_l_0b3195.pth",
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    "vit_h": Checkpoint(
        _META + "sam_vit_h_4b8939.pth",
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
}


def find_checkpoint(model: str = "mobile_sam", checkpoint: str | os.PathLike | None = None) -> Path:
    """Find the file with the weights of a model.

    A given path is taken as it is, so that weights of one's own training can be used. Without one,
    the file named by the environment variable HYPERSPY_TWIN_SAM_CHECKPOINT is taken; without that,
    the official file is downloaded once to pooch's cache and its SHA-256 hash checked each time.

    Parameters
    ----------
    model : {"mobile_sam", "vit_b", "vit_l", "vit_h"}
        Name of the model.
    checkpoint : path-like, optional
        File with its weights.

    Returns
    -------
    pathlib.Path
        An existing file.

    Raises
    ------
    ValueError
        If there is no such model, or the downloaded file has another hash than the official one.
    FileNotFoundError
        If the given file does not exist.
    ImportError
        If a download is needed and pooch is not installed.
    ConnectionError
        If the official address cannot be reached.
    """
    if model not in CHECKPOINTS:
        raise ValueError(f"there is no model {model!r}: choose from {', '.join(CHECKPOINTS)}")
    if checkpoint is not None:
        return _existing(Path(checkpoint), "checkpoint")
    from_environment = os.environ.get(ENVIRONMENT_VARIABLE)
    if from_environment:
        return _existing(Path(from_environment), f"the environment variable {ENVIRONMENT_VARIABLE}")
    return _download(CHECKPOINTS[model])


def matches(path: Path, sha256: str) -> bool:
    """Whether a file has this SHA-256 hash."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == sha256


def _existing(path: Path, source: str) -> Path:
    path = path.expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{source} names {path}, which is not a file")
    return path


def _download(entry: Checkpoint) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"downloading the weights needs pooch: {INSTALL}, or give the file as checkpoint=..."
        ) from error
    folder = Path(pooch.os_cache("hyperspy_twin"))
    by_hand = (
        f"download it yourself and give its path as checkpoint=... or in {ENVIRONMENT_VARIABLE}"
    )
    try:
        path = pooch.retrieve(
            entry.address, f"sha256:{entry.sha256}", entry.file_name, folder, progressbar=False
        )
    except ValueError as error:  # pooch removes a file whose hash is wrong
        raise ValueError(
            f"{entry.address} does not hold the official weights (its SHA-256 hash is another): "
            f"the download was discarded; try again or {by_hand}"
        ) from error
    except OSError as error:  # every error of requests is one
        raise ConnectionError(f"{entry.address} cannot be reached ({error}): {by_hand}") from error
    return Path(path)
