"""Pixels: large pictures at a fraction, HEIC, odd formats, and files that are damaged."""

import io
import random
import time

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageOps

from geobench import BrokenPicture, DataError
from geobench_basics.datasets import opening
from geobench_basics.datasets import table as table_module
from geobench_basics.datasets.pictures import read_picture
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.sample import write_table
from own_photos import exif_of, folder, picture, save

needs_heic = pytest.mark.skipif(not opening.decodes_heic(), reason="pillow-heif is not installed")


def read(path):
    found = read_picture(path)
    assert isinstance(found, np.ndarray), found
    return found


def by_pillow(path):
    """A picture, upright, at its full size."""
    with PillowImage.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "P")]
    + [("WEBP", "RGB"), ("TIFF", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("JPEG2000", "RGB")],
)
def test_pictures_below_two_thousand_pixels_are_read_as_pillow_reads_them(tmp_path, kind, mode):
    path = tmp_path / "a.any"
    picture((1200, 900)).convert(mode).save(path, kind)
    np.testing.assert_array_equal(read(path), np.asarray(by_pillow(path)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((3000, 2047), (3000, 2047)),
        ((4600, 2048), (2300, 1024)),
        ((6200, 3100), None),
        ((4096, 4160), (1024, 1040)),
    ],
)
def test_large_pictures_are_read_at_a_fraction_of_their_size(tmp_path, kind, size, small):
    path = tmp_path / "a.any"
    options = {"JPEG": {"quality": 90}, "PNG": {"compress_level": 1}, "WEBP": {"method": 0}}
    picture(size).save(path, kind, **options[kind])
    found = read(path)
    if small is not None:
        assert found.shape[1::-1] == small
    assert 1024 <= min(found.shape[:2]) < 2048 or min(size) < 2048
    assert found.shape[1] / found.shape[0] == pytest.approx(size[0] / size[1], rel=0.002)
    means = by_pillow(path).resize(found.shape[1::-1], PillowImage.Resampling.BOX)
    assert np.abs(found.astype(int) - np.asarray(means)).mean() < 1.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_pictures_are_upright_too(tmp_path, orientation):
    image = picture((2600, 2100))
    save(tmp_path / "a.jpg", image, tags={0x0112: orientation})
    found = read(tmp_path / "a.jpg")
    small = by_pillow(tmp_path / "a.jpg").resize(found.shape[1::-1], PillowImage.Resampling.BOX)
    assert np.abs(found.astype(int) - np.asarray(small)).mean() < 1.5


def test_a_large_picture_of_sixteen_bits_keeps_its_brightness(tmp_path):
    PillowImage.fromarray(np.full((2100, 2100), 40_000, np.uint16)).save(tmp_path / "a.png")
    found = read(tmp_path / "a.png")
    assert found.shape == (1050, 1050, 3)
    assert set(found.ravel().tolist()) == {40_000 >> 8}


@needs_heic
def test_heic_has_a_place_and_is_turned_once(tmp_path):
    image = PillowImage.new("RGB", (64, 48), "blue")
    image.paste("red", (0, 0, 32, 24))
    save(tmp_path / "a.heic", image, tags={0x0112: 6, 306: "2021:04:11 15:47:53"})
    dataset = folder(tmp_path)
    np.testing.assert_allclose(dataset.table.points, [[48 + 51.5 / 60, 2.35]])
    assert np.asarray(dataset.table.attributes["date"]).tolist() == ["2021-04-11T15:47:53"]
    (found,) = dataset.images(np.array([0]))
    assert found.shape == (64, 48, 3)
    assert found[4, 44, 0] > 200  # the corner that was the first is the right one now
    assert found[4, 4, 2] > 200


@needs_heic
def test_without_its_decoder_heic_is_counted_with_what_to_install(tmp_path, monkeypatch):
    for name in ("a.heic", "b.jpg"):
        save(tmp_path / "photos" / name, kind="HEIF")
    save(tmp_path / "photos" / "c.jpg")
    monkeypatch.setattr(opening, "decodes_heic", lambda: False)
    formats = tuple(name for name in opening._formats() if name != "HEIF")
    monkeypatch.setattr(opening, "_formats", lambda: formats)
    dataset = folder(tmp_path / "photos")
    command = "pip install 'geobench-geolocation[photos]'"
    assert dataset.table.ids.tolist() == ["c.jpg"]
    ((reason, count),) = dataset.table.broken.items()
    assert command in reason
    assert count == 2
    (tmp_path / "photos" / "c.jpg").unlink()
    with pytest.raises(DataError, match=r"pip install .*\[photos\]"):
        folder(tmp_path / "photos").table  # noqa: B018
    assert find_extra("photos") == find_extra("photos", of="methods") == ["pillow-heif"]


def find_extra(name, of=None):
    """What the project's own metadata say of pillow-heif."""
    import tomllib
    from pathlib import Path

    file = Path(__file__).parents[4] / "pyproject.toml"
    extras = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return [each.split(">")[0] for each in extras[of or name] if "heif" in each]


def test_a_table_counts_heic_without_its_decoder(tmp_path, monkeypatch):
    from geobench_basics.datasets import photo_table

    for name in ("a.heic", "b.jpg"):
        save(tmp_path / name, kind="JPEG")
    file = tmp_path / "t.csv"
    file.write_text("id,lat,lon\na,1,2\nb,3,4\n")
    monkeypatch.setattr(photo_table, "decodes_heic", lambda: False)
    table = TableDataset(TableConfig(file=file, images=tmp_path)).table
    assert table.broken == {opening.NEEDS_DECODER: 1}


def test_photos_beyond_the_limit_are_counted_and_not_decoded(tmp_path, monkeypatch):
    save(tmp_path / "a.jpg", picture((400, 300)))
    save(tmp_path / "b.jpg", picture((500, 300)))
    dataset = folder(tmp_path, most_megapixels=0.12)
    assert dataset.table.ids.tolist() == ["a.jpg"]
    assert dataset.table.broken == {"more than 0.12 megapixels": 1}
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 1000)  # Pillow's own limit is not ours
    assert len(folder(tmp_path).table) == 2
    assert all(isinstance(each, np.ndarray) for each in dataset.images(np.array([0])))
    assert PillowImage.MAX_IMAGE_PIXELS == 1000


def test_two_hundred_megapixels_are_below_the_limit_and_read_small(tmp_path):
    path = tmp_path / "a.jpg"
    PillowImage.new("L", (16_384, 12_288), 128).save(path, quality=10)
    found = read(path)
    assert found.shape == (1536, 2048, 3)
    assert set(found.ravel().tolist()) == {128}


def test_what_a_file_is_decides_its_content_and_not_its_name(tmp_path):
    picture().save(tmp_path / "png.jpg", "PNG")
    picture().save(tmp_path / "jpeg.gif", "JPEG")
    assert read(tmp_path / "png.jpg").shape == read(tmp_path / "jpeg.gif").shape == (24, 32, 3)
    frames = [picture(seed=n) for n in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    expected = np.asarray(by_pillow(tmp_path / "moving.gif"))
    np.testing.assert_array_equal(read(tmp_path / "moving.gif"), expected)


def test_a_file_that_would_run_a_program_is_no_picture(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    found = read_picture(tmp_path / "a.jpg")
    assert found == BrokenPicture("a.jpg: no picture of a known format")


def test_empty_and_cut_files_say_so_without_a_path(tmp_path):
    save(tmp_path / "whole.jpg", picture((2400, 2100)))
    whole = (tmp_path / "whole.jpg").read_bytes()
    for size in (0, 1, 300, len(whole) // 2, len(whole) - 100):
        (tmp_path / "cut.jpg").write_bytes(whole[:size])
        found = read_picture(tmp_path / "cut.jpg")
        assert isinstance(found, BrokenPicture)
        assert str(tmp_path) not in found.reason


KINDS = ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "MPO"]
KINDS += ["AVIF"] * ("AVIF" in opening._formats()) + ["HEIF"] * opening.decodes_heic()


def mutated(data, rng):
    """The same bytes, cut, flipped, overwritten, taken out or put in."""
    found = bytearray(data)
    how = rng.randrange(6)
    if how == 0:
        return bytes(found[: rng.randrange(len(found))])
    head = rng.choice([64, 300, len(found)])
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(max(1, min(head, len(found))))
        if how == 1 and found:
            found[at] ^= 1 << rng.randrange(8)
        elif how == 2:
            found[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\x7f" + b"\xff" * 3])
        elif how == 3:
            del found[at : at + rng.randrange(1, 9)]
        elif how == 4:
            found[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            found[at : at + 9] = found[at // 2 : at // 2 + 9]
    return bytes(found)


def seeds():
    """A sound photo of every format."""
    found = {}
    for kind in KINDS:
        stream = io.BytesIO()
        picture((97, 65)).save(stream, kind, exif=exif_of(tags={306: "2021:04:11"}).tobytes())
        found[kind] = stream.getvalue()
    return found


@pytest.mark.parametrize(
    "count", [pytest.param(40), pytest.param(600, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_mutated_pictures_become_photos_or_counted_reasons(tmp_path, count, capfd):
    rng = random.Random(count)
    for kind, whole in seeds().items():
        root = tmp_path / kind
        save(root / "sound.jpg")
        for number in range(count):
            (root / f"{number:04d}.jpg").write_bytes(mutated(whole, rng))
        begin = time.perf_counter()
        table = folder(root).table
        assert len(table) + sum(table.broken.values()) == table.promised == count + 1
        assert all(np.isfinite(place).all() for place in table.points)
        for path in root.iterdir():
            found = read_picture(path)
            if isinstance(found, BrokenPicture):
                assert str(tmp_path) not in found.reason
            else:
                assert (found.dtype, found.ndim, found.shape[2]) == (np.uint8, 3, 3)
        assert time.perf_counter() - begin < 5 + 0.1 * count
    assert capfd.readouterr().out == ""


def test_how_pictures_are_read_is_in_digests_of_what_has_pictures(tmp_path, monkeypatch):
    file = write_table(tmp_path / "table")

    def digests():
        pictures = {"file": file, "images": file.parent / "images"}
        with_pictures = TableDataset(TableConfig(**pictures)).digest
        return with_pictures, TableDataset(TableConfig(file=file)).digest

    before = digests()
    monkeypatch.setattr(table_module, "READING", "otherwise")
    after = digests()
    assert before[0] != after[0]
    assert before[1] == after[1]
