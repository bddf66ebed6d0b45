"""Small samples of the datasets' own formats, for trying things: photos drawn from a fixed seed."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL.TiffImagePlugin import IFDRational

from geobench import EqualAreaGrid, Points, geo

COUNT = 90
"""Photos in a sample: three around each of thirty places."""


def sample_points() -> Points:
    """Where the photos of a sample were taken, (COUNT, 2)."""
    rng = np.random.default_rng(0)
    grid = EqualAreaGrid(6)
    centres = grid.centres[rng.permutation(len(grid))[: COUNT // 3]]
    near = np.repeat(centres, 3, axis=0)
    return geo.destination(near, rng.uniform(0, 360, COUNT), rng.uniform(0, 200, COUNT))


def sample_ids() -> list[str]:
    """Ids of the photos of a sample's table."""
    return [f"{index:04d}" for index in range(COUNT)]


def write_folder(folder: Path) -> Path:
    """JPEGs with EXIF GPS, three in each of thirty sub-folders; returns `folder`."""
    for index, (lat, lon) in enumerate(sample_points()):
        path = folder / f"walk-{index // 3:02d}" / f"{index:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = PillowImage.Exif()
        block = exif.get_ifd(0x8825)
        block[1], block[2] = ("S" if lat < 0 else "N"), _rationals(lat)
        block[3], block[4] = ("W" if lon < 0 else "E"), _rationals(lon)
        _picture(index).save(path, exif=exif)
    return folder


def write_table(folder: Path) -> Path:
    """A CSV with parts, authors and countries beside a folder `images`; returns the CSV."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    path = folder / "photos.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "lat", "lon", "author", "split", "country", "altitude"])
        for index, (lat, lon) in enumerate(sample_points()):
            part = ("test", "train", "train")[index // 3 % 3]
            country = "NA" if index % 2 else ""
            writer.writerow(
                [sample_ids()[index], lat, lon, f"author-{index // 3}", part, country, index * 0.5]
            )
            _picture(index).save(folder / "images" / f"{sample_ids()[index]}.png")
    return path


def write_answers(folder: Path, *, ids: NDArray[np.str_], points: Points) -> Path:
    """A CSV of answers, a degree of longitude east of the true places; returns the CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "answers.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "lat", "lon"])
        for name, (lat, lon) in zip(ids.tolist(), points.tolist(), strict=True):
            writer.writerow([name, lat, lon + 1])
    return path


def _picture(index: int) -> PillowImage.Image:
    pixels = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return PillowImage.fromarray(pixels)


def _rationals(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds, the last to a ten-thousandth."""
    units = round(abs(degrees) * 3600 * 10_000)
    whole, rest = divmod(units, 3600 * 10_000)
    minutes, seconds = divmod(rest, 60 * 10_000)
    return IFDRational(whole), IFDRational(minutes), IFDRational(seconds, 10_000)
