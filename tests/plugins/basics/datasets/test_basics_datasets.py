"""The folder and table datasets, and the encoder for features that a dataset brings."""

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL.TiffImagePlugin import IFDRational

from geobench import BrokenPicture, ConfigError, DataError, Features, Strings
from geobench_basics.datasets.exif import Location, location_of
from geobench_basics.datasets.folder import FolderConfig, FolderDataset
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.encoders import GivenEncoder

Rational = IFDRational


def photo(path, gps=None, *, orientation=1, size=(6, 4)):
    """Write a picture whose top left corner is red, with these EXIF values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[0, 0] = (255, 0, 0)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    if gps is not None:
        exif.get_ifd(0x8825).update(gps)
    PillowImage.fromarray(pixels).save(path, exif=exif)


def at(lat, lon, north="N", east="E"):
    return {1: north, 2: lat, 3: east, 4: lon}


DEGREES = at((Rational(43), Rational(28), Rational(28, 10)), (Rational(11), 53, Rational(6, 10)))


def folder(path, **config):
    return FolderDataset(FolderConfig(root=path, **config))


def test_degrees_minutes_and_seconds_are_read_with_their_signs(tmp_path):
    photo(tmp_path / "b" / "a.jpg", DEGREES)
    minutes = at((0, Rational(2227800, 100000), 0), (36, Rational(3385, 1000), 0), "S", "W")
    photo(tmp_path / "a.png", minutes)
    table = folder(tmp_path).table
    assert table.ids.tolist() == ["a.png", "b/a.jpg"]
    expected = [
        [-0.3713, -(36 + 3.385 / 60)],
        [43 + 28 / 60 + 2.8 / 3600, 11 + 53 / 60 + 0.6 / 3600],
    ]
    np.testing.assert_allclose(table.points, expected, rtol=0, atol=1e-12)
    assert table.promised == 2
    assert table.broken == {}
    assert table.sizes is not None
    assert table.sizes.tolist() == [(tmp_path / name).stat().st_size for name in table.ids]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({}, "no GPS in its EXIF"),
        ({0: b"\2\2\0\0"}, "GPS without coordinates"),
        (at((Rational(0, 0),) * 3, (1, 0, 0)), "GPS coordinates that are no numbers"),
        (at(("?", 0, 0), (1, 0, 0)), "GPS coordinates that are no numbers"),
        (at((1, -3, 0), (1, 0, 0)), "GPS coordinates that are no numbers"),
        ({2: (1, 0, 0), 4: (1, 0, 0)}, "GPS without hemisphere"),
        (at((91, 0, 0), (1, 0, 0)), "GPS coordinates off the globe"),
        (at((1, 0, 0), (180, 1, 0)), "GPS coordinates off the globe"),
    ],
)
def test_a_gps_block_without_a_place_says_why(block, reason):
    assert location_of(block) == BrokenPicture(reason)


@pytest.mark.parametrize(
    ("north", "east"), [("S\0", "W\0"), (b"S\0", b"W"), ("s", "w"), (" S", "West")]
)
def test_a_hemisphere_may_be_padded_or_bytes(north, east):
    assert location_of(at((10.5,), 20, north, east)) == Location(-10.5, -20.0)


def test_photos_without_a_place_are_counted_by_reason(tmp_path, caplog):
    photo(tmp_path / "good.jpg", DEGREES)
    photo(tmp_path / "none.jpg")
    photo(tmp_path / "nan.jpg", at((Rational(0, 0),) * 3, (Rational(0, 0),) * 3))
    photo(tmp_path / "version.jpg", {0: b"\2\3\0\0"})
    (tmp_path / "damaged.jpg").write_bytes(b"no picture")
    (tmp_path / "dangling.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "notes.txt").write_text("no picture either")
    table = folder(tmp_path).table
    assert table.ids.tolist() == ["good.jpg"]
    assert table.promised == 6
    assert table.broken == {
        "not a readable picture": 2,
        "GPS coordinates that are no numbers": 1,
        "no GPS in its EXIF": 1,
        "GPS without coordinates": 1,
    }
    assert "2 photos: not a readable picture (first: damaged.jpg)" in caplog.text


def test_a_folder_without_a_single_place_is_an_error_that_counts(tmp_path):
    with pytest.raises(DataError, match="no picture files"):
        folder(tmp_path).table  # noqa: B018
    photo(tmp_path / "none.jpg")
    with pytest.raises(DataError, match=r"none of 1 pictures .*1 no GPS in its EXIF"):
        folder(tmp_path).table  # noqa: B018


def test_photos_of_a_folder_can_be_one_group(tmp_path):
    for name in ("a.jpg", "walk/b.jpg", "walk/c.jpg"):
        photo(tmp_path / name, DEGREES)
    assert folder(tmp_path).table.groups.tolist() == ["a.jpg", "walk/b.jpg", "walk/c.jpg"]
    by_folder = folder(tmp_path, group="folder")
    assert by_folder.table.groups.tolist() == [".", "walk", "walk"]
    assert by_folder.digest != folder(tmp_path).digest


# Where the first pixel of the file belongs, by orientation (EXIF 2.32, table 6).
CORNERS = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1)}
CORNERS[8] = (-1, 0)


@pytest.mark.parametrize("orientation", list(CORNERS))
def test_pixels_are_turned_upright(tmp_path, orientation):
    photo(tmp_path / "a.png", DEGREES, orientation=orientation)
    (image,) = folder(tmp_path).images(np.array([0]))
    assert isinstance(image, np.ndarray)
    assert image.dtype == np.uint8
    assert image.shape == ((4, 6, 3) if orientation < 5 else (6, 4, 3))
    assert image[CORNERS[orientation]].tolist() == [255, 0, 0]


def test_a_picture_that_cannot_be_read_says_so_and_the_next_one_follows(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        photo(tmp_path / name, DEGREES, size=(64, 64))
    dataset = folder(tmp_path)
    assert len(dataset.table) == 2
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[:-300])
    first, second = dataset.images(np.array([0, 1]))
    assert isinstance(first, BrokenPicture)
    assert first.reason.startswith("a.jpg: OSError")
    assert isinstance(second, np.ndarray)


def test_grey_transparent_and_sixteen_bit_pictures_become_eight_bit_rgb(tmp_path):
    csv = tmp_path / "t.csv"
    csv.write_text("id,lat,lon\ndeep,1,2\ngrey,1,2\nglass,1,2\n")
    deep = np.array([[0, 256, 65535]], np.uint16)
    PillowImage.fromarray(deep).save(tmp_path / "deep.png")
    PillowImage.new("L", (2, 2), 7).save(tmp_path / "grey.png")
    PillowImage.new("RGBA", (2, 2), (1, 2, 3, 4)).save(tmp_path / "glass.png")
    images = list(TableDataset(TableConfig(file=csv, images=tmp_path)).images(np.arange(3)))
    assert [np.asarray(image).dtype for image in images] == [np.uint8] * 3
    assert np.asarray(images[0])[0].tolist() == [[0] * 3, [1] * 3, [255] * 3]
    assert np.asarray(images[1])[0, 0].tolist() == [7, 7, 7]
    assert np.asarray(images[2])[0, 0].tolist() == [1, 2, 3]


def table(path, text, **config):
    file = path / "photos.csv"
    file.write_bytes(text.encode())
    return TableDataset(TableConfig(file=file, **config))


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "header", ["id,lat,lon", "IMG_ID,LAT,LON", "Image-Id,Latitude,Longitude", "file,lat,lng"]
)
def test_columns_are_found_by_their_usual_names(tmp_path, header, end, separator):
    text = end.join([header, "007,-16.663606,145.563537", "9007199254740993,31.893581,-85.1"])
    dataset = table(tmp_path, "\ufeff" + text.replace(",", separator) + end)
    assert dataset.table.ids.tolist() == ["007", "9007199254740993"]
    assert dataset.table.groups.tolist() == ["007", "9007199254740993"]
    assert dataset.table.points.tolist() == [[-16.663606, 145.563537], [31.893581, -85.1]]
    assert dataset.table.attributes == {}
    assert dataset.table.part is None
    assert dataset.provides == frozenset()
    with pytest.raises(DataError, match="images: FOLDER"):
        next(dataset.images(np.array([0])))


def test_namibia_is_no_missing_value_and_nothing_else_is_guessed(tmp_path):
    text = (
        "id,lat,lon,country,scene,altitude,count,code,text,none,big\n"
        '1,1,2,NA,1,0.5,3,01,"a,b",,9007199254740993\n'
        "2,3,4,,2,,4,02,null,,\n"
        "3,5,6,N/A,3,nan,5,10,nan,,1\n"
    )
    attributes = table(tmp_path, text).table.attributes
    assert attributes["country"].tolist() == ["NA", "", "N/A"]
    assert attributes["scene"].tolist() == [1, 2, 3]
    assert attributes["scene"].dtype == np.int64
    np.testing.assert_array_equal(attributes["altitude"], [0.5, np.nan, np.nan])
    assert attributes["code"].tolist() == ["01", "02", "10"]
    assert attributes["text"].tolist() == ["a,b", "null", "nan"]
    assert attributes["none"].tolist() == ["", "", ""]
    # With a missing value it would have to be a float, which cannot hold it.
    assert attributes["big"].tolist() == ["9007199254740993", "", "1"]
    assert list(attributes) == text.split("\n")[0].split(",")[3:]


def test_group_and_part_are_found_and_an_unknown_author_is_no_group(tmp_path):
    text = "id,lat,lon,AUTHOR,Split\na,1,2,x@N00,train\nb,1,2,,test\nc,1,2,,\n"
    found = table(tmp_path, text).table
    assert found.groups.tolist() == ["x@N00", "b", "c"]
    assert found.part is not None
    assert found.part.tolist() == ["train", "test", ""]


@pytest.mark.parametrize("nothing", ["nan", "NaN", "None", "null", "<NA>", " nan "])
def test_what_programs_write_for_nothing_is_no_group(tmp_path, nothing):
    text = f"id,lat,lon,user\na,1,2,{nothing}\nb,1,2,{nothing}\nc,1,2,Nan\nd,1,2,Nan\n"
    assert table(tmp_path, text).table.groups.tolist() == ["a", "b", "Nan", "Nan"]


def test_the_configuration_says_what_tables_are_sliced_by(tmp_path):
    rows = "".join(f"{n},1,2,{n % 7},{n % 3},x\n" for n in range(50))
    text = f"id,lat,lon,cell,Year,land\n{rows}"
    assert table(tmp_path, text).table.sliced == ("Year", "land")
    chosen = table(tmp_path, text, sliced=["land", "cell"]).table
    assert chosen.sliced == ("cell", "land")
    assert table(tmp_path, text, sliced=["year"]).table.sliced == ("Year",)
    assert table(tmp_path, text, sliced=[]).table.sliced == ()
    assert list(chosen.attributes) == ["cell", "Year", "land"]


def test_slices_by_a_column_that_is_no_attribute_are_an_error_that_names_it(tmp_path):
    text = "id,lat,lon,cell,year\na,1,2,3,2001\n"
    with pytest.raises(ConfigError, match="sliced says 'yaer', and there is no such column"):
        _ = table(tmp_path, text, sliced=["yaer"]).table
    with pytest.raises(ConfigError, match=r"sliced says 'cell'.*The attributes are: year\."):
        _ = table(tmp_path, text, sliced=["cell"], attributes=["year"]).table


@pytest.mark.parametrize(
    ("header", "names", "key"),
    [
        ("id,lat,latitude,lon", "lat and latitude", "lat_column"),
        ("id,lat,lng,long", "lng and long", "lon_column"),
        ("id,image_id,lat,lon", "id and image_id", "id_column"),
        ("file,path,lat,lon", "file and path", "image_column"),
        ("id,lat,lon,sequence,creator_id", "sequence and creator_id", "group_column"),
        ("id,lat,lon,part,split", "part and split", "part_column"),
    ],
)
def test_ambiguous_columns_are_an_error_that_names_them_and_the_key(tmp_path, header, names, key):
    row = ",".join("1" for _ in header.split(","))
    with pytest.raises(ConfigError, match=f"columns {names} could each .*{key}: "):
        table(tmp_path, f"{header}\n{row}\n").load()
    chosen = names.split(" ")[-1]
    assert len(table(tmp_path, f"{header}\n{row}\n", **{key: chosen}).table) == 1


def test_a_column_that_is_not_there_is_an_error_that_lists_the_others(tmp_path):
    text = "id,breite,lon\n1,2,3\n"
    with pytest.raises(ConfigError, match=r"the latitude .*lat_column.*id, breite, lon"):
        table(tmp_path, text).load()
    with pytest.raises(ConfigError, match=r"'briete'.*Did you mean breite\?"):
        table(tmp_path, text, lat_column="briete").load()
    assert table(tmp_path, text, lat_column="Breite").table.points.tolist() == [[2, 3]]


def test_bad_coordinates_are_counted_and_all_bad_is_an_error(tmp_path):
    text = 'id,lat,lon\na,1,+2\nb,"48,5",2\nc,90.5,2\nd,,\ne,nan,2\nf,inf,2\n,1,1\ng, -3.5e1,-190\n'
    found = table(tmp_path, text).table
    assert found.ids.tolist() == ["a", "g"]
    assert found.points.tolist() == [[1, 2], [-35, 170]]
    assert found.promised == 8
    assert found.broken == {
        "no id": 1,
        "coordinates that are no numbers": 4,
        "coordinates off the globe": 1,
    }
    with pytest.raises(DataError, match=r"none of 1 rows .*1 coordinates off the globe"):
        table(tmp_path, "id,lat,lon\n1,200,3\n").load()
    with pytest.raises(DataError, match="none of 0 rows"):
        table(tmp_path, "id,lat,lon\n").load()


def test_a_repeated_id_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DataError, match=r"first: a\)"):
        table(tmp_path, "id,lat,lon\na,1,2\na,1,2\n").table  # noqa: B018


@pytest.mark.parametrize("text", ["", "id,lat,lon\n1,2\n", "id,lat,lat\n1,2,3\n"])
def test_a_file_that_is_no_table_is_one_readable_error(tmp_path, text):
    with pytest.raises(DataError, match=r"photos\.csv"):
        table(tmp_path, text).load()


def test_pictures_are_found_by_id_or_file_with_or_without_ending(tmp_path):
    images = tmp_path / "images"
    for index, name in enumerate(
        ["00/1.jpg", "00/2.jpg", "a/b/3.JPG", "4.png", "5.jpg", "5.png", "x/6.jpg", "y/6.jpg"]
    ):
        photo(images / name, size=(index + 1, 1))
    text = "id,lat,lon\n" + "".join(
        f"{name},1,2\n" for name in ["1", "2.jpg", "a/b/3", "./4", "5", "6.jpg", "x/6.jpg", "7"]
    )
    dataset = table(tmp_path, text, images=images)
    assert dataset.provides == {"images"}
    assert dataset.table.ids.tolist() == ["1", "2.jpg", "a/b/3", "./4", "x/6.jpg"]
    assert dataset.table.broken == {"picture missing": 1, "several pictures of that name": 2}
    widths = [np.asarray(image).shape[1] for image in dataset.images(np.array([0, 1, 2, 3, 4]))]
    assert widths == [1, 2, 3, 4, 7]
    assert dataset.table.sizes is not None
    assert dataset.table.sizes[0] == (images / "00/1.jpg").stat().st_size
    named = table(tmp_path, "id,file,lat,lon\nz,00\\1.jpg,1,2\n4,gone.jpg,1,2\n", images=images)
    assert [np.asarray(image).shape[1] for image in named.images(np.arange(2))] == [1, 4]
    assert named.table.attributes == {}


def test_parquet_gives_the_same_table_as_csv(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet

    content = pa.table(
        {
            "Id": pa.array([4065883540137904, 7], pa.int64()),
            "Latitude": pa.array([1.5, -2.25], pa.float32()),
            "Longitude": pa.array([3.0, 4.0], pa.float64()),
            "country": pa.array(["NA", None]).dictionary_encode(),
            "creator_id": pa.array([111336221091714.0, None]),
            "height": pa.array([512, None], pa.int32()),
            "image": pa.array([{"bytes": b"", "path": "x"}] * 2),
        }
    )
    file = tmp_path / "photos.parquet"
    pyarrow.parquet.write_table(content, file)
    from_parquet = TableDataset(TableConfig(file=file))
    text = (
        "Id,Latitude,Longitude,country,creator_id,height\n"
        "4065883540137904,1.5,3,NA,111336221091714,512\n7,-2.25,4,,,\n"
    )
    assert from_parquet.digest == table(tmp_path, text).digest
    assert from_parquet.table.groups.tolist() == ["111336221091714", "7"]
    assert from_parquet.table.attributes["country"].tolist() == ["NA", ""]


def test_ids_that_a_float_has_rounded_are_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet

    file = tmp_path / "photos.parquet"
    pyarrow.parquet.write_table(pa.table({"id": [1e17], "lat": [1.0], "lon": [2.0]}), file)
    with pytest.raises(DataError, match="Write such ids as text"):
        TableDataset(TableConfig(file=file)).load()


def test_attributes_can_be_chosen_and_what_is_published_too(tmp_path):
    text = "id,lat,lon,country,url\n1,2,3,NA,http://x\n"
    dataset = table(tmp_path, text, attributes=["country"], publishes="scores")
    assert list(dataset.table.attributes) == ["country"]
    assert dataset.publishes == "scores"
    assert table(tmp_path, text).publishes == "coordinates"
    with pytest.raises(ConfigError, match=r"attributes says 'contry'.*Did you mean country"):
        table(tmp_path, text, attributes=["contry"]).load()


def test_half_a_million_rows_load_as_columns(tmp_path):
    count = 500_000
    numbers = np.arange(count)
    text = "id,lat,lon,sequence,country\n" + "".join(
        f"{10**15 + i},{i % 90},{i % 180},{i // 10},NA\n" for i in numbers
    )
    found = table(tmp_path, text).table
    assert len(found) == count
    assert {found.ids.dtype.kind, found.groups.dtype.kind} == {"U"}
    assert isinstance(found.attributes["country"], Strings)
    assert np.asarray(found.attributes["country"]).dtype == "<U2"
    assert found.ids[-1] == str(10**15 + count - 1)


@pytest.mark.parametrize("kind", [FolderDataset, TableDataset])
def test_the_tiny_samples_have_places_and_pictures(tmp_path, kind):
    from geobench import distance_km
    from geobench_basics.sample import COUNT, sample_points

    dataset = kind(kind.tiny(tmp_path))
    assert len(dataset.table) == COUNT
    assert dataset.table.broken == {}
    assert distance_km(dataset.table.points, sample_points()).max() < 0.01
    assert all(np.asarray(image).shape == (32, 32, 3) for image in dataset.images(np.arange(COUNT)))
    assert len(np.unique(dataset.table.groups)) == COUNT // 3


def test_given_features_pass_through_as_they_are():
    encoder = GivenEncoder()
    pooled, tokens = np.ones((2, 3), np.float64), np.ones((2, 4, 5), np.float16)
    both = encoder.encode(Features(pooled, tokens), tokens=True)
    assert both.pooled is not None
    assert both.tokens is not None
    assert both.pooled.dtype == both.tokens.dtype == np.float32
    assert encoder.encode(both, tokens=False).tokens is None
    with pytest.raises(DataError, match="no tokens"):
        encoder.encode(Features(both.pooled), tokens=True)
    with pytest.raises(DataError, match="not pictures"):
        encoder.prepare(np.zeros((1, 1, 3), np.uint8))
