"""How ids of answers meet those of photos: only where one is meant, and no other."""

import unicodedata

import numpy as np
import pytest

from geobench.names import meet


def met(written, known):
    found = meet(np.array(written), np.array(known))
    return found.ids.tolist(), found.remarks


@pytest.mark.parametrize(
    ("written", "known", "how"),
    [
        (["a.jpg", "b.JPEG"], ["a", "b"], "without file ending: a.jpg is a"),
        (["a", "b"], ["a.jpg", "b.png"], "without file ending: a is a.jpg"),
        (["x/a.jpg", "y/b.jpg"], ["a.jpg", "b.jpg"], "without folder: x/a.jpg is a.jpg"),
        (["a.jpg", "b.jpg"], ["x/a.jpg", "x/y/b.jpg"], "without folder: a.jpg is x/a.jpg"),
        (["x\\a.jpg", "b.jpg"], ["a", "b"], "without folder and file ending"),
        (["a.png", "b.png"], ["x/a.jpg", "x/b.jpg"], "without folder and file ending"),
    ],
)
def test_ids_meet_without_folder_and_ending_and_it_is_said(written, known, how):
    ids, remarks = met(written, known)
    assert ids == known
    assert any(how in remark for remark in remarks)


def test_names_meet_whichever_way_accents_were_typed():
    known = [unicodedata.normalize("NFD", "München"), unicodedata.normalize("NFC", "Århus")]
    written = [unicodedata.normalize("NFC", "München"), unicodedata.normalize("NFD", "Århus")]
    assert met(written, known)[0] == known
    assert met([f"x/{name}.jpg" for name in written], known)[0] == known


def test_an_id_as_written_needs_no_remark_and_keeps_its_photo():
    assert met(["a", "b", "a"], ["b", "a", "c"]) == (["a", "b", "a"], [])
    assert met(["a", "b.jpg"], ["a", "a.jpg", "b"])[0] == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "known"),
    [
        (["a.jpg", "a.png"], ["a", "b"]),  # two answers could be of one photo
        (["a"], ["a.jpg", "a.png"]),  # two photos could be meant
        (["x/a"], ["y/a", "z/a"]),
        (["a", "a.jpg"], ["a", "b"]),  # the photo has its answer
        (["12.5"], ["12", "13"]),  # no ending of a file
        (["1.2", "7"], ["1", "2"]),
        (["007"], ["7"]),  # ids are text
    ],
)
def test_what_is_ambiguous_stays_as_it_is_written(written, known):
    assert met(written, known)[0] == written


def test_every_row_of_a_photo_meets_it():
    assert met(["b.jpg", "a.jpg", "b.jpg"], ["a", "b"])[0] == ["b", "a", "b"]
