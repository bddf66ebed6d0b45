"""Which column plays which role: by its usual names, as truth and as answers."""

import unicodedata

import numpy as np
import pytest

from geobench import ConfigError, names
from geobench_basics import columns
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.methods.answers import read_answers


def write(folder, header, *rows):
    file = folder / "places.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return file


TRUE = [
    *[("True_LAT", "True_LON"), ("gt_lat", "gt_lng"), ("lat_true", "lon_true")],
    *[("ground_truth_latitude", "ground_truth_longitude"), ("LAT", "LON")],
    *[("Latitude", "Longitude"), ("gps_lat", "gps_lon"), ("latitude.true", "longitude.true")],
]
ANSWERED = [
    *[("pred_lat", "pred_lon"), ("p_lat", "p_lon"), ("latitude_pred", "longitude_pred")],
    *[("PredictedLatitude", "PredictedLongitude"), ("lat", "lng"), ("GPS Latitude", "GPS Long")],
]


@pytest.mark.parametrize(("lat", "lon"), TRUE)
def test_true_places_are_found_by_the_names_under_which_they_are_published(tmp_path, lat, lon):
    file = write(tmp_path, f"IMG_ID,{lat},{lon}", "a,1,2")
    assert TableDataset(TableConfig(file=file)).table.points.tolist() == [[1, 2]]


@pytest.mark.parametrize(("lat", "lon"), ANSWERED)
def test_answers_are_found_by_the_names_under_which_they_are_published(tmp_path, lat, lon):
    file = write(tmp_path, f"IMG_ID,{lat},{lon}", "a,1,2")
    assert read_answers(file).points.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "header",
    [
        "id,lat,lon,pred_lat,pred_lon",
        "id,True_LAT,True_LON,p_lat,p_long",
        "id,gt_lat,gt_lng,lat,lon",
    ],
)
def test_a_file_with_truth_and_answers_gives_each_where_it_is_asked_for(tmp_path, header):
    file = write(tmp_path, header, "a,1,2,3,4")
    assert TableDataset(TableConfig(file=file)).table.points.tolist() == [[1, 2]]
    assert read_answers(file).points.tolist() == [[3, 4]]


def test_true_places_go_before_plain_ones_and_answers_are_never_the_truth(tmp_path):
    both = write(tmp_path, "id,lat,lon,true_lat,true_lon", "a,1,2,3,4")
    assert TableDataset(TableConfig(file=both)).table.points.tolist() == [[3, 4]]
    with pytest.raises(ConfigError, match=r"no column is named like the latitude .*lat_column"):
        TableDataset(TableConfig(file=write(tmp_path, "id,pred_lat,pred_lon", "a,1,2"))).load()
    with pytest.raises(ConfigError, match="no column is named like the latitude of the answers"):
        read_answers(write(tmp_path, "id,true_lat,true_lon", "a,1,2"))


def test_latitude_and_longitude_are_of_one_kind(tmp_path):
    file = write(tmp_path, "id,true_lat,lat,lon,gps_lat,gps_lon", "a,9,1,2,5,6")
    assert TableDataset(TableConfig(file=file)).table.points.tolist() == [[1, 2]]
    chosen = TableConfig(file=file, lat_column="GPS_lat")
    assert TableDataset(chosen).table.points.tolist() == [[5, 6]]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("id,true_lat,gt_lat,true_lon", "true_lat and gt_lat"),
        ("id,lat,latitude,lon", "lat and latitude"),
    ],
)
def test_two_columns_of_one_kind_are_an_error_that_names_them_and_the_key(tmp_path, header, names):
    file = write(tmp_path, header, "a,1,2,3")
    with pytest.raises(ConfigError, match=f"columns {names} could each be .*lat_column: "):
        TableDataset(TableConfig(file=file)).load()


def test_two_columns_of_answers_are_an_error_until_the_configuration_says_which(tmp_path):
    file = write(tmp_path, "id,pred_lat,est_lat,pred_lon", "a,1,2,3")
    with pytest.raises(ConfigError, match=r"columns pred_lat and est_lat .*lat_column: pred_lat"):
        read_answers(file)
    assert read_answers(file, lat_column="est_lat").points.tolist() == [[2, 3]]


def test_columns_of_answers_can_be_named(tmp_path):
    file = write(tmp_path, "name,breite,x,part", "a,1,2,seen")
    answers = read_answers(file, id_column="Name", lat_column="breite", lon_column="X")
    assert answers.ids.tolist() == ["a"]
    assert answers.points.tolist() == [[1, 2]]
    with pytest.raises(ConfigError, match=r"id_column says 'nmae'.*Did you mean name"):
        read_answers(file, id_column="nmae", lat_column="breite", lon_column="x")


def test_answers_without_ids_go_by_the_names_of_their_pictures(tmp_path):
    file = write(tmp_path, "Filename,lat,lon", "a.jpg,1,2")
    assert read_answers(file).ids.tolist() == ["a.jpg"]
    with pytest.raises(ConfigError, match=r"columns file and path .*id_column: file"):
        read_answers(write(tmp_path, "file,path,lat,lon", "a,b,1,2"))


def test_composed_and_decomposed_accents_meet():
    composed, decomposed = "Zürich", unicodedata.normalize("NFD", "Zürich")
    assert composed != decomposed
    assert names.meeting_form(decomposed) == names.meeting_form(composed) == composed
    mixed = np.array([decomposed, composed, "plain"])
    assert columns.meeting_forms(mixed).tolist() == [composed, composed, "plain"]
    plain = np.array(["a", "b"])
    assert columns.meeting_forms(plain) is plain
