"""Reasons on a page: they say what is wrong, and never with which file, in whose folder."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geobench.reasons import counted, fault, named_for_all, together, traceback
from planted_album import Album

PLACES = [
    "/home/anna/photos/IMG_0001.jpg",
    "/home/Anna Maria/My Photos/summer in Rome.HEIC",
    "/home/anna/photos/2021/0001",
    "/data/anna's photos/a.png",
    "~/anna/x.jpg",
    "~anna/x.jpg",
    "C:\\Users\\anna\\Pictures\\a.jpg",
    "D:/Eigene Bilder/anna/Rom",
    "\\\\server\\anna\\a.tif",
    "file:///home/anna/a.jpg",
    "https://pictures.org/anna/1234567.jpg?size=b",
    "anna/rome/IMG_0001.jpg",
    "anna.jpeg",
    "DSC01234.NEF",
]
SENTENCES = [
    "{}",
    "{}: UnidentifiedImageError: cannot identify image file '{}'",
    "OSError: image file {} is truncated",
    "[Errno 2] No such file or directory: '{}'",
    'cannot open "{}": it is empty',
    "b'{}' is no picture",
    "nothing in ({}), which is odd",
    "{} was not there",
]
STAY = [
    "no GPS in its EXIF",
    "GPS coordinates off the globe",
    "coordinates that are no numbers",
    "several pictures of that name",
    "not a readable picture",
    "picture missing",
    "at (0, 0)",
    "pixels of mode I;16 have no range",
    "latitude 91.5, which is beyond the poles",
    "JPEG2000 codestream: damaged",
    "HEIC needs pillow-heif: pip install 'geobench[photos]'",
    "EXIF/GPS missing and/or damaged",
    "KeyError: 'lat'",
    "date of 2021:04:11 15:47:53",
]
NAMES = re.compile(r"anna|maria|rom|summer|photos|server|pictures|0001|1234|[\\/]", re.IGNORECASE)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_reason_names_a_file_a_folder_or_a_user(place, sentence):
    (said,) = together([sentence.replace("{}", place)])
    assert not NAMES.search(said), said
    assert said


@pytest.mark.parametrize("reason", STAY)
def test_what_names_no_file_stays_as_it_is(reason):
    assert together([reason]) == [reason]


def test_what_is_wrong_is_still_said():
    cut = "walk/IMG 1.jpg: OSError: image file is truncated (12 bytes not processed)"
    assert together([cut]) == ["OSError: image file is truncated (12 bytes not processed)"]
    memory = "cannot identify image file <_io.BytesIO object at 0x7f3c12ab90>"
    assert together([memory]) == ["cannot identify image file <_io.BytesIO>"]


def test_reasons_that_differ_in_names_and_numbers_are_one():
    broken = {f"p {n}.jpg: truncated ({n} bytes not processed)": 2 for n in range(30)}
    broken |= {f"cannot open '/home/anna/p{n}.jpg'": 1 for n in range(9)}
    assert counted(broken) == {"truncated (N bytes not processed)": 60, "cannot open": 9}


def test_a_photo_is_not_named_by_its_id_whatever_that_looks_like():
    reasons = ["the beach is empty", "Wanderung 3 is empty", "7 is empty", "x is empty (7 of 7)"]
    photos = ["walks/the beach.jpg", "Wanderung 3", "7", "x7"]
    assert together(reasons, photos) == ["is empty", "is empty", "is empty", "x is empty (7 of 7)"]
    assert together(["photograph lost"], ["photo"]) == ["photograph lost"]


@given(st.dictionaries(st.text(max_size=60), st.integers(1, 9), max_size=6))
def test_no_photo_is_lost_by_counting_reasons_together(broken):
    found = counted(broken)
    assert sum(found.values()) == sum(broken.values())
    assert all(why.strip() for why in found if why)
    assert counted(found) == found or sum(counted(found).values()) == sum(broken.values())


@pytest.mark.parametrize("unit", ["'", "/", "a/", "/a b ", "x.jpg ", "'a/", "_1", "\\", "(", "~/"])
def test_long_reasons_are_cut_and_take_no_time(unit):
    (said,) = together([unit * 5000])
    assert len(said) < 200


def test_a_dataset_has_reasons_that_may_be_shown():
    broken = {f"/home/anna/p{n}.jpg: gone": 1 for n in range(5)}
    assert Album([[1, 2]], promised=6, broken=broken).table.broken == {"gone": 5}


def test_what_is_no_count_is_left_to_the_kit():
    odd = {"gone": "many"}
    assert counted(odd) == odd
    assert counted({"": 3}) == {"": 3}


@pytest.mark.parametrize("place", [p for p in PLACES if p[0] in "/~CD\\f"])
@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_fault_names_a_file_without_its_folder(place, sentence):
    said = fault(sentence.replace("{}", place))
    name = place.replace("\\", "/").rpartition("/")[2]
    assert name in said
    assert not re.search(r"[\\/]", said.replace("file:", "")), said
    assert not re.search(r"\b(home|maria|users|server)\b", said, re.IGNORECASE), said


@pytest.mark.parametrize(
    "text",
    [
        *STAY,
        "79 of unseen-cells/seen have no row (first: a/b.jpg)",
        "see https://pictures.org/anna/1.jpg?size=b, 3 km / h, 1/2 and `split/part`",
        "data/answers.csv: line 3 has no id",
        "",
    ],
)
def test_a_fault_without_folders_of_a_machine_stays_as_it_is(text):
    assert fault(text) == text


@pytest.mark.parametrize("photo", ["the beach", "7", "a/b c.jpg", "Rom, Forum", "DSC1", "o'neil"])
@pytest.mark.parametrize(
    "sentence",
    [
        "photo {} is odd",
        "{}: is odd",
        "it is odd ({})",
        "it is odd (first: {}; {} (2); {})",
        "'{}' is odd",
        'it is odd, such as "{}".',
        "it is odd: [{}]",
        "it is odd, as is {}",
    ],
)
def test_where_photos_may_not_be_named_a_fault_names_none(photo, sentence):
    text = "method gpt_4o_7: " + sentence.replace("{}", photo)
    said = fault(text, head="method gpt_4o_7: ", is_photo=photo.__eq__)
    assert said.startswith("method gpt_4o_7: ")
    rest = said.removeprefix("method gpt_4o_7: ")
    assert "is odd" in rest
    assert photo not in rest


@pytest.mark.parametrize("unit", ["'", "/", "a/", "/a b ", "x.jpg ", "'a/", "_1", "\\", "(", "~/"])
def test_long_faults_take_no_time(unit):
    assert len(fault(unit * 5000, is_photo=lambda text: False)) < 200
    assert isinstance(fault(unit * 5000), str)


TRACEBACK = """Traceback (most recent call last):
  File "/home/anna/work/own/method.py", line 3, in fit
    raise ValueError(photo)
ValueError: no answer to the beach
  File "the beach.py", line 3, in the beach
see /home/anna/x/the beach.csv and password=hunter2

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/a/b.py", line 9, in run
RuntimeError: 'the beach' is odd"""


def test_a_traceback_says_where_in_which_module_and_of_no_folder():
    said = traceback(TRACEBACK)
    assert 'File "method.py", line 3, in fit' in said
    assert 'File "dist-packages/a/b.py", line 9, in run' in said
    assert "see the beach.csv and password=(secret)" in said
    assert "raise ValueError(photo)" in said
    assert "anna" not in said
    assert len(said.splitlines()) == len(TRACEBACK.splitlines())


def test_where_photos_may_not_be_named_a_traceback_names_none():
    said = traceback(TRACEBACK, is_photo="the beach".__eq__)
    assert "beach" not in said
    assert "anna" not in said
    assert "hunter2" not in said
    assert 'File "method.py", line 3, in fit' in said
    assert "ValueError: no answer to N" in said
    assert "RuntimeError: is odd" in said


def test_a_long_line_of_a_traceback_is_cut_and_that_is_said():
    said = traceback("ValueError: " + "a" * 10_000)
    assert len(said) < 4_100
    assert "(6,012 letters more)" in said


def test_a_fact_is_named_without_a_photo_and_none_is_lost():
    names = ["worst photo IMG_0001", "worst photo IMG_0002", "train photos"]
    found = named_for_all(names, {"IMG_0001", "IMG_0002", "train"}.__contains__)
    assert list(found.values()) == ["worst photo N", "worst photo N (2)", "train photos"]
