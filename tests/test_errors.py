"""What an error says is told in one line, whatever it holds and whoever raised it."""

import json

import pytest

from geobench.errors import DataError, said_by, sentence, storable, unforeseen, words_of


class _SilentError(Exception):
    def __str__(self):
        raise MemoryError


class _LeavingError(Exception):
    def __str__(self):
        raise SystemExit(3)


@pytest.mark.parametrize(
    "error", [_SilentError(), _LeavingError()], ids=["MemoryError", "SystemExit"]
)
def test_an_error_whose_text_raises_is_named_by_its_kind(error):
    for said in (words_of(error), said_by(error), unforeseen(error), sentence(error)):
        assert "cannot be had" in said
    assert type(error).__name__ in said_by(error)


def test_a_text_of_megabytes_is_cut_and_what_is_cut_is_counted():
    said = words_of(ValueError("a" * 5_000_000), most=100)
    assert said == "a" * 100 + "… (4,999,900 letters more)"


def test_half_a_character_is_kept_as_its_code():
    said = said_by(ValueError("x\ud800y"))
    assert said == "ValueError: x\\ud800y"
    assert json.loads(json.dumps(said).encode("utf-8").decode("utf-8")) == said


def test_a_short_text_is_told_as_it_is():
    assert storable("Qaanaaq", 10) == "Qaanaaq"
    assert said_by(DataError("is empty", where="photos.csv")) == "photos.csv: is empty"
    assert words_of(ValueError("two\nlines")) == "two lines"
