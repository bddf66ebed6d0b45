"""Small picture files that would keep a decoder busy for minutes are left out at once."""

import io
import os
import random
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image as PillowImage

from geobench import BrokenPicture
from geobench_basics.datasets import bombs
from geobench_basics.datasets.exif import read_shot
from geobench_basics.datasets.pictures import read_picture
from own_photos import folder, save


def jpeg(*, width=64, height=64, scans=1, before=b"", progressive=True, components=1):
    """A grey JPEG of one value, by ITU T.81: the same empty scan any number of times."""
    frame = b"".join(bytes([n + 1, 0x11, 0]) for n in range(components))
    head = struct.pack(">HBHHB", 8 + 3 * components, 8, height, width, components)
    tables = b"\xff\xc4\x00\x14\x00\x01" + bytes(15) + b"\0"
    tables += b"\xff\xc4\x00\x15\x10\x01\x01" + bytes(14) + b"\xe0\0"
    first = b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x00"
    more = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x00\x00"
    if not progressive:
        more = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00"
    return (
        b"\xff\xd8"
        + before
        + b"\xff\xdb\x00\x43\x00"
        + b"\x01" * 64
        + (b"\xff\xc2" if progressive else b"\xff\xc0")
        + head
        + frame
        + tables
        + first
        + more * (scans - 1)
        + b"\xff\xd9"
    )


def chunk(kind, content=b""):
    length, check = struct.pack(">I", len(content)), zlib.crc32(kind + content)
    return length + kind + content + struct.pack(">I", check)


def png(*, width=8, height=8, before=b"", kind=2, bits=8):
    """A black PNG, by ISO 15948."""
    row = bytes(1 + width * bits // 8 * {0: 1, 2: 3, 6: 4}[kind])
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    pixels = zlib.compressobj(9)
    body = b"".join(pixels.compress(row) for _ in range(height)) + pixels.flush()
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + before + chunk(b"IDAT", body) + chunk(b"IEND")


def tiff(*, strips, order="<"):
    """A grey TIFF of 16 x 16 pixels, by TIFF 6.0, whose strips all lie at the same place."""
    tags = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, strips, 200), (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, strips, 200)]
    head = b"II*\0\x08\0\0\0" if order == "<" else b"MM\0*\0\0\0\x08"
    if order == ">":  # a short number stands at the left of its four bytes
        tags = [(tag, kind, count, v << 16 if kind == 3 else v) for tag, kind, count, v in tags]
    entries = b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags)
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(4 + 4 * strips + 300)


def gif(*, blocks):
    head = b"GIF89a" + struct.pack("<HH", 8, 8) + b"\x80\0\0" + bytes(6)
    return head + b"!\xfe" + b"\x01a" * blocks + b"\0" + b",\0\0\0\0\x08\0\x08\0\0\x02\x02L\x01\0;"


BOMBS = {
    "many scans": (lambda: jpeg(scans=10_500), "more than 10,000 scans of its pixels"),
    "scans of one component": (
        lambda: jpeg(scans=10_500, progressive=False, components=3),
        "more than 10,000 scans of its pixels",
    ),
    "few scans of many pixels": (
        lambda: jpeg(width=16_000, height=15_000, scans=30) + bytes(1 << 20),
        "more than 25 scans of its pixels",
    ),
    "segments": (lambda: jpeg(before=b"\xff\xfe\0\x02" * 700), "more than 600 pieces"),
    "padding": (lambda: b"\xff\xd8" + b"\xff" * 100_000, "bytes without end"),
    "nothing": (lambda: b"\xff\xd8\xff" + bytes(100_000), "bytes without end"),
    "chunks": (lambda: png(before=chunk(b"aaAa") * 100_100), "more than 100,000 chunks"),
    "pixels of nothing": (
        lambda: png(width=16_000, height=4_000, kind=0),
        "more than 400 values of pixels to a byte of its file",
    ),
    "strips": (lambda: tiff(strips=200_100), "more than 200,000 strips or tiles"),
    "strips of Motorola": (lambda: tiff(strips=200_100, order=">"), "more than 200,000 strips"),
    "blocks": (lambda: gif(blocks=100_100), "more than 100,000 blocks before its first picture"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_left_out_at_once_with_the_reason(bomb, tmp_path):
    content, reason = BOMBS[bomb]
    (tmp_path / "a.jpg").write_bytes(content())
    started = time.process_time()
    found = read_picture(tmp_path / "a.jpg")
    assert time.process_time() - started < 1
    assert isinstance(found, BrokenPicture)
    assert reason in found.reason


@pytest.mark.parametrize(
    "content",
    [
        jpeg(scans=12),
        jpeg(scans=3, progressive=False, components=3),
        jpeg(before=b"\xff\xe2\0\x10" + bytes(14)) + bytes(1 << 18),  # a film after the picture
        jpeg(before=b"\xff\xfe\0\x02" * 300),
        png(before=chunk(b"aaAa") * 2_000),
        tiff(strips=16),
        tiff(strips=16, order=">"),
    ],
)
def test_what_programs_write_is_read_as_before(content, tmp_path):
    (tmp_path / "a.jpg").write_bytes(content)
    assert isinstance(read_picture(tmp_path / "a.jpg"), np.ndarray)


def test_a_large_picture_of_one_colour_is_read_where_its_file_is_as_long_as_a_photos(tmp_path):
    PillowImage.new("RGB", (8_000, 7_000), "teal").save(tmp_path / "a.jpg")
    assert isinstance(read_picture(tmp_path / "a.jpg"), np.ndarray)


def test_bombs_in_a_folder_are_counted_with_their_reason(tmp_path):
    save(tmp_path / "a.jpg")
    for name in ("b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(png(before=chunk(b"aaAa") * 100_100))
    assert folder(tmp_path).table.broken == {"more than 100,000 chunks": 2}


def test_only_formats_of_photos_are_tried(tmp_path):
    heads = [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"%PDF-1.4\n", b"8BPS\0\1"]
    for head in [*heads, b"icns" + bytes(64), b"/* XPM */\n", b"<svg/>", b"Image type: RGB\r\n"]:
        (tmp_path / "a.jpg").write_bytes(head + bytes(2_000))
        found = read_picture(tmp_path / "a.jpg")
        assert found.reason == "a.jpg: no picture of a known format"


def test_a_picture_that_has_become_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    found = read_picture(tmp_path / "a.jpg")
    assert found.reason == "a.jpg: no file, but a pipe, a socket or a device"


def samples():
    pixels = np.random.default_rng(1).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    for kind in ("JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "PPM"):
        stream = io.BytesIO()
        PillowImage.fromarray(pixels).save(stream, kind)
        yield stream.getvalue()
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, "JPEG", progressive=True)
    yield stream.getvalue()
    yield tiff(strips=16)


def mutated(content, rng):
    """A file with bytes changed, numbers made huge, and pieces cut, doubled or moved."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(changed) or 1)
        kind = rng.randrange(5)
        if kind == 0:
            changed[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            huge = rng.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\xff\xff"])
            changed[place : place + 4] = huge
        elif kind == 2:
            del changed[place : place + rng.choice([1, 8, 200])]
        elif kind == 3:
            changed[place:place] = changed[place : place + 60] * rng.choice([1, 2, 50])
        else:
            changed[place:place] = rng.choice([b"\xff\xda", b"Exif\0\0II*\0", b"\xff\xe1\xff\xff"])
    return bytes(changed)


def test_mutated_pictures_are_read_or_left_out_within_seconds(tmp_path):
    rng, path, out = random.Random(20), tmp_path / "a.jpg", 0
    for content in samples():
        for _ in range(30):
            path.write_bytes(mutated(content, rng))
            started = time.process_time()
            shot = read_shot(path, most_megapixels=300, null_island=False)
            found = read_picture(path)
            assert time.process_time() - started < 5
            assert isinstance(shot, BrokenPicture)
            out += isinstance(found, BrokenPicture)
    assert out > 50


def test_the_scans_of_a_file_are_counted_as_they_are_written(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(scans=25))
    bombs.refuse_scans(tmp_path / "a.jpg", pixels=240_000_000)
    with pytest.raises(bombs.TooCostlyError, match="more than 24 scans"):
        bombs.refuse_scans(tmp_path / "a.jpg", pixels=250_000_000)
