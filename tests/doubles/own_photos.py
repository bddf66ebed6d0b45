"""Photos as people have them: small pictures with EXIF, of any format."""

import io

import numpy as np
from PIL import Image as PillowImage

from geobench_basics.datasets.folder import FolderConfig, FolderDataset


def exif_of(*, lat=(48.0, 51.0, 30.0), lon=(2.0, 21.0, 0.0), tags=(), exif=()):
    """EXIF that says north-east of the origin; further tags of the main and the EXIF block."""
    found = PillowImage.Exif()
    if lat is not None:
        found.get_ifd(0x8825).update({1: "N", 2: lat, 3: "E", 4: lon})
    for tag, value in dict(tags).items():
        found[tag] = value
    found.get_ifd(0x8769).update(dict(exif))
    return found


def picture(size=(32, 24), seed=0):
    """A picture with something in it."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return PillowImage.fromarray(coarse).resize(size, PillowImage.Resampling.BICUBIC)


def save(path, image=None, *, kind=None, **said):
    """Write a photo; `said` goes to `exif_of`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    kind = kind or {".png": "PNG", ".heic": "HEIF", ".tif": "TIFF"}.get(path.suffix, "JPEG")
    options = {"quality": 95} if kind == "JPEG" else {}
    (image or picture()).save(stream, kind, exif=exif_of(**said).tobytes(), **options)
    path.write_bytes(stream.getvalue())


def folder(root, **config):
    """The dataset of a folder."""
    return FolderDataset(FolderConfig(root=root, **config))
