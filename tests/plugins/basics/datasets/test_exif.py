"""What EXIF says: places that are none, dates, cameras; and the split by date on one's own."""

import math
import struct

import numpy as np
import pytest
from PIL.TiffImagePlugin import IFDRational

from geobench import BrokenPicture
from geobench_basics.datasets.exif import Location, camera_of, date_of, location_of
from geobench_basics.splits.temporal import TemporalSplit
from own_photos import folder, save


def at(lat, lon=(2.0, 21.0, 0.0)):
    return {1: "N", 2: lat, 3: "E", 4: lon}


@pytest.mark.parametrize(
    "lat",
    [
        (48.0, 75.0, 0.0),
        (48.0, 30.0, 61.0),
        (48.0, 60.01, 0.0),
        (48.0, -0.5, 0.0),
        (48.0, 30.0, -1.0),
        (48.0, 30.0, math.nan),
        (math.inf, 0.0, 0.0),
        (math.nan, 0.0, 0.0),
        (IFDRational(48, 0), 0.0, 0.0),
        (48.0, IFDRational(3, 0), 0.0),
        (48.0, 1.0, 1.0, 1.0),
        (),
        b"48",
        (b"4", b"5", b"6"),
        ("north", 0.0, 0.0),
        None,
        10**400,
    ],
)
@pytest.mark.parametrize("axis", ["lat", "lon"])
def test_degrees_minutes_and_seconds_that_cannot_be_are_no_place(lat, axis):
    block = at(lat) if axis == "lat" else at((48.0, 0.0, 0.0), lat)
    assert location_of(block) == BrokenPicture("GPS coordinates that are no numbers")


def test_sixty_minutes_or_seconds_are_a_rounded_number():
    assert location_of(at((48.0, 60.0, 0.0), (2.0, 59.0, 60.0))) == Location(49.0, 3.0)


def test_a_negative_place_is_off_the_globe():
    assert location_of(at((-48.0, 0.0, 0.0))) == BrokenPicture("GPS coordinates off the globe")


def test_latitude_0_longitude_0_is_a_place_only_where_that_is_said(tmp_path):
    save(tmp_path / "a.jpg")
    save(tmp_path / "zero.jpg", lat=(0.0, 0.0, 0.0), lon=(0.0, 0.0, 0.0))
    save(tmp_path / "equator.jpg", lat=(0.0, 0.0, 0.0))
    table = folder(tmp_path).table
    assert table.ids.tolist() == ["a.jpg", "equator.jpg"]
    assert table.broken == {"GPS at latitude 0, longitude 0, where there is no fix": 1}
    assert len(folder(tmp_path, null_island=True).table) == 3


TAKEN, DIGITIZED, OFFSET = 0x9003, 0x9004, 0x9011


@pytest.mark.parametrize(
    ("tags", "more", "date"),
    [
        ({306: "2021:04:11 15:47:53"}, {}, "2021-04-11T15:47:53"),
        ({306: "2023:01:01 00:00:00"}, {TAKEN: "2021:04:11 15:47:53"}, "2021-04-11T15:47:53"),
        ({}, {TAKEN: "0000:00:00 00:00:00", DIGITIZED: "2021:04:11"}, "2021-04-11"),
        ({}, {TAKEN: "2021:04:11 15:47:53\0", OFFSET: "+02:00"}, "2021-04-11T15:47:53+02:00"),
        ({}, {TAKEN: b"2021:04:11 15:47:53", OFFSET: "   :  "}, "2021-04-11T15:47:53"),
        ({}, {TAKEN: "2021-04-11T15:47"}, "2021-04-11T15:47:00"),
        ({}, {TAKEN: "    :  :     :  :  "}, ""),
        ({}, {TAKEN: "2021:02:31 10:00:00"}, ""),
        ({}, {TAKEN: "2021:04:11 25:61:00"}, ""),
        ({306: 7}, {TAKEN: (1, 2)}, ""),
        ({}, {}, ""),
    ],
)
def test_dates_are_iso_texts_or_unknown(tags, more, date):
    assert date_of(tags, more) == date


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 40D", "Canon EOS 40D"),
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("Apple", "iPhone 15", "Apple iPhone 15"),
        ("Acme\0\0", " X1 \n", "Acme X1"),
        (b"Acme", None, "Acme"),
        (None, None, ""),
        ("A" * 500, "", "A" * 80),
    ],
)
def test_a_camera_is_its_maker_once_and_its_model(make, model, camera):
    assert camera_of({271: make, 272: model}) == camera


def test_date_and_camera_are_attributes_where_photos_have_them(tmp_path):
    save(tmp_path / "a.jpg", tags={271: "Acme", 306: "2021:04:11 15:47:53"})
    save(tmp_path / "b.jpg")
    dataset = folder(tmp_path)
    found = {name: np.asarray(column).tolist() for name, column in dataset.table.attributes.items()}
    assert found == {"date": ["2021-04-11T15:47:53", ""], "camera": ["Acme", ""]}
    assert dataset.table.sliced == ("camera",)
    bare = folder(tmp_path, attributes=())
    assert bare.table.attributes == {}
    assert bare.digest != dataset.digest
    (tmp_path / "a.jpg").unlink()
    assert folder(tmp_path).table.attributes == {}
    assert folder(tmp_path).digest == folder(tmp_path, attributes=()).digest


def test_photos_of_ones_own_are_split_by_date(tmp_path):
    for n in range(24):
        tags = {306: f"{2000 + n}:06:01 12:00:00"} if n != 5 else {}
        save(tmp_path / f"{n:02d}.jpg", lat=(40.0 + n, 0.0, 0.0), tags=tags)
    drawn = TemporalSplit().draw(folder(tmp_path))
    later = next(part for part in drawn.parts if part.name == "later")
    assert sorted(later.ids.tolist()) == ["21.jpg", "22.jpg", "23.jpg"]
    assert drawn.left_out["no date"].tolist() == [5]


def test_exif_that_is_damaged_is_counted_or_has_no_place(tmp_path):
    save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    start = whole.index(b"Exif\0\0") + 6
    for n, where in enumerate(range(start, start + 40)):
        for value in (0, 255):
            damaged = whole[:where] + struct.pack("B", value) + whole[where + 1 :]
            (tmp_path / f"{n:02d}-{value}.jpg").write_bytes(damaged)
    table = folder(tmp_path).table
    assert len(table) + sum(table.broken.values()) == table.promised == 81
