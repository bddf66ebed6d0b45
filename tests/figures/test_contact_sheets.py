"""Titles of contact sheets: within the picture, and never upon each other or upon a map."""

import re
import time
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from geobench import readable
from geobench.board.worst import Wrong
from geobench.figures import draw_contact_sheet
from geobench.figures.fitted import fitted, wrapped

ARROW, ELLIPSIS = "\N{RIGHTWARDS ARROW}", "\N{HORIZONTAL ELLIPSIS}"
LLANFAIR = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
TOWNS = {
    "short": ["Omaha, US", "Nîmes, FR"],
    "long": ["San Cristóbal de las Casas, MX", "Petropavlovsk-Kamchatskiy, RU"],
    "longest": [f"{LLANFAIR} near Menai Bridge, GB", f"{LLANFAIR} upon the Strait, AU"],
    "of one letter": ["W" * 200, "i" * 500],
    "with signs": ["$x$, US", r"\frac{$, {}, [bold]FR"],
    "none": ["", ""],
}


def sheet(
    towns, *, count=7, title="near, seed 3 on official/test: the farthest of 60 answers", **keys
):
    truth, answer = np.array([10.0, 20.0]), np.array([-40.0, 150.0])
    found = [
        Wrong(f"p{n}", 19_999.0 - n, truth, answer, towns[n % 2], towns[(n + 1) % 2])
        for n in range(count)
    ]
    keys = {"stamp": "board, digest 0123456789ab", "on_earth": False, **keys}
    return found, draw_contact_sheet(found, title=title, **keys)


def pixels(photo):
    return np.zeros((8, 12, 3), np.uint8)


def boxes(figure):
    """Text -> where it stands in the picture, as it is drawn; no two texts are alike."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    return {t.get_text(): t.get_window_extent(renderer) for t in figure.texts if t.get_text()}


def check_no_overprint(figure):
    found = boxes(figure)
    for text, box in found.items():
        assert box.x0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y0 >= 0, text
        assert box.y1 <= figure.bbox.y1, text
        for axes in figure.axes:
            assert not box.overlaps(axes.get_window_extent()), text
    for (text, box), (other, beside) in combinations(found.items(), 2):
        assert not box.overlaps(beside), f"{text!r} and {other!r}"


@pytest.mark.parametrize("show", [None, pixels], ids=["maps alone", "with photos"])
@pytest.mark.parametrize("kind", TOWNS)
def test_titles_are_beside_each_other_whatever_the_towns_are_called(kind, show):
    found, figure = sheet(TOWNS[kind], show=show)
    check_no_overprint(figure)
    titles = [text for text in boxes(figure) if text[0].isdigit()]
    assert len(titles) == len(found)
    for number, (wrong, title) in enumerate(zip(found, titles, strict=True), 1):
        # No number is cut, and of each name both ends are there.
        assert title.startswith(f"{number}. ")
        assert title.endswith(f"{readable.number(wrong.error_km)} km")
        if not wrong.near_truth:
            assert title == f"{number}. {readable.number(wrong.error_km)} km"
            continue
        truth, answer = title.removeprefix(f"{number}. ").split(ARROW)
        names = truth.strip(), answer.strip().rpartition(": ")[0]
        for name, whole in zip(names, (wrong.near_truth, wrong.near_answer), strict=True):
            begin, cut, end = name.partition(ELLIPSIS)
            assert name == whole or (begin and cut and end)
            assert whole.startswith(begin)
            assert whole.endswith(end)


@pytest.mark.parametrize("kind", ["short", "long"])
def test_names_for_which_two_lines_have_room_are_written_whole(kind):
    _, figure = sheet(TOWNS[kind], show=pixels)
    written = "".join(boxes(figure))
    assert ELLIPSIS not in written
    assert all(name in written for name in TOWNS[kind])


LABELS = {
    "words": "a very long label of a method " * 20,
    "one word": "a" * 130 + "b" * 130,
    "wide": "W" * 400,
    "signs": "{name: [$bold]} " * 8,
}


@pytest.mark.parametrize("kind", LABELS)
def test_a_long_label_takes_lines_and_covers_nothing(kind):
    title = f"{LABELS[kind]} on official/test: the farthest of 60 answers"
    stamp = f"{'board-' * 60}, digest 0123456789ab"
    _, figure = sheet(TOWNS["long"], title=title, stamp=stamp)
    check_no_overprint(figure)
    (head,) = [text for text in boxes(figure) if text.startswith(LABELS[kind][:10])]
    assert head.endswith("answers")
    assert head.count("\n") == 2
    (corner,) = [text for text in boxes(figure) if text.startswith("board-board-")]
    assert corner.endswith(", digest 0123456789ab")


def test_a_sheet_of_no_photos_says_so():
    _, figure = sheet(TOWNS["short"], count=0)
    assert "no photos" in boxes(figure)
    check_no_overprint(figure)


def test_a_text_that_fits_is_whole_and_a_longer_one_keeps_as_much_of_both_ends_as_it_may():
    assert fitted("0123456789", lambda text: len(text) <= 10) == "0123456789"
    assert fitted("0123456789", lambda text: len(text) <= 7) == f"012{ELLIPSIS}789"
    assert fitted("0123456789", lambda text: len(text) <= 6) == f"012{ELLIPSIS}89"
    assert fitted("0123456789", lambda text: False) == ELLIPSIS


def test_a_text_of_any_length_is_measured_in_no_time():
    start = time.perf_counter()
    for text in ("a b" * 50_000, "\u4eac\u90fd" * 50_000, "i" * 150_000):
        lines = wrapped(text, 8.3, size=11, bold=True)
        assert len(lines) == 3
        assert ELLIPSIS in "".join(lines)
    assert time.perf_counter() - start < 5


def test_lines_are_broken_between_words_and_hold_all_of_them():
    words = [f"word{number}" for number in range(40)]
    lines = wrapped(" ".join(words), 3.0, size=9, most=99)
    assert len(lines) > 3
    assert " ".join(lines).split() == words
    assert wrapped("a few words", 3.0, size=9) == ["a few words"]
    (one,) = wrapped(" ".join(words), 3.0, size=9, most=1)
    assert one.startswith("word0 ")
    assert one.endswith("word39")


def test_a_sheet_shows_no_more_photos_than_a_picture_can_be_high(monkeypatch):
    monkeypatch.setattr("geobench.figures.contact.MOST", 5)
    _, figure = sheet(TOWNS["short"], show=pixels)
    titles = [text for text in boxes(figure) if text[0].isdigit()]
    assert [title.partition(".")[0] for title in titles] == ["1", "2", "3", "4", "5"]
    assert len(figure.axes) == 10


@pytest.mark.parametrize("show", [None, pixels])
@pytest.mark.parametrize("words", ["a church", "x" * 30_000, "word " * 300, "$x$ {}", "", "\n"])
def test_what_is_said_stands_below_its_map_and_upon_nothing(words, show):
    truth, answer = np.array([10.0, 20.0]), np.array([-40.0, 150.0])
    found = [
        Wrong(f"p{n}", 19_000.0 - n, truth, answer, "Omaha, US", "Nîmes, FR", n % 2 == 0, words)
        for n in range(5)
    ]
    found[1] = Wrong("p", 3.0, truth, answer, "Omaha, US", "Nîmes, FR", None, None)
    # No two texts of the check are alike.
    found = [
        wrong if wrong.explanation is None else Wrong(*_head(wrong), f"{place}{wrong.explanation}")
        for place, wrong in enumerate(found)
    ]
    check_no_overprint(
        draw_contact_sheet(found, title="loud", stamp="board", on_earth=False, show=show)
    )


@pytest.mark.parametrize("show", [None, pixels])
@pytest.mark.parametrize("size", [10, 60, 100, 249, 250, 251, 400, 30_000])
def test_what_is_said_is_shortened_once_at_its_end_and_what_is_left_out_is_counted(size, show):
    words = "".join(f"word{n} " for n in range(6000))[:size].strip()
    truth, answer = np.array([10.0, 20.0]), np.array([-40.0, 150.0])
    found = [Wrong("p", 3.0, truth, answer, "Omaha, US", "Nîmes, FR", True, words)]
    figure = draw_contact_sheet(found, title="t", stamp="s", on_earth=False, show=show)
    (text,) = (text for text in boxes(figure) if text.startswith("word0"))
    assert text.count("\n") < 2
    line = text.replace("\n", " ")
    begin, cut, end = line.partition(ELLIPSIS)
    assert ELLIPSIS not in end
    if not cut:
        assert line == words
        return
    assert words.replace(" ", "").startswith(begin.replace(" ", ""))
    (left_out,) = re.findall(r"^ \(([\d,]+) letters more\)$", end)
    assert int(left_out.replace(",", "")) == len(words) - len(begin) or words[len(begin)] == " "
    assert len(begin) > 60


def test_a_short_text_is_whole():
    for words in ("a church", "", "word " * 15):
        truth, answer = np.array([10.0, 20.0]), np.array([-40.0, 150.0])
        found = [Wrong("p", 3.0, truth, answer, "Omaha, US", "Nîmes, FR", True, words)]
        figure = draw_contact_sheet(found, title="t", stamp="s", on_earth=False)
        assert not [text for text in boxes(figure) if ELLIPSIS in text]


@pytest.mark.parametrize("towns", [*TOWNS.values()])
@pytest.mark.parametrize("show", [None, pixels])
def test_of_a_photo_that_was_declined_no_answer_is_shown(towns, show):
    truth, answer = np.array([10.0, 20.0]), np.array([-10.0, -160.0])
    found = [
        Wrong("p", 20_015.1, truth, answer, *towns, False, "I decline"),
        Wrong("q", 19_000.0, truth, answer, *towns, True, "it is"),
    ]
    figure = draw_contact_sheet(found, title="t", stamp="s", on_earth=False, show=show)
    check_no_overprint(figure)
    declined, answered = sorted(text for text in boxes(figure) if text[0].isdigit())
    assert declined.endswith("not answered")
    assert "km" not in declined.replace(towns[0], "")
    assert ARROW not in declined
    assert answered.endswith("19,000 km")
    assert "I decline" in boxes(figure)
    maps = {axes.get_label(): axes for axes in figure.axes}
    markers = {
        name: [line.get_marker() for line in maps[name].lines if line.get_marker() in ("o", "x")]
        for name in ("map-0", "map-1")
    }
    assert markers == {"map-0": ["o"], "map-1": ["o", "x"]}


def _head(wrong):
    places = (wrong.truth, wrong.answer, wrong.near_truth, wrong.near_answer)
    return (wrong.id, wrong.error_km, *places, wrong.answered)
