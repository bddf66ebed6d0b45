"""Boards of strangers, or damaged ones: every verb ends in results or in a sentence."""

import json
import os
import shutil
import time

import numpy as np
import pytest

import geobench
from geobench.board import worst
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.errors import DataError, GeobenchError, StoreError
from geobench.records import files
from mutated_boards import mutate

VERBS = {
    "check": ("report", "--check"),
    "verify": ("verify",),
    "worst": ("worst", "--json", "-m", "prior"),
    "compare": ("compare", "--json", "prior", "toy-oracle"),
}


def asked(ask, verb, board):
    head, *words = VERBS[verb]
    where = [board, *words] if verb == "compare" else [*words, board]
    return ask(head, *where)


def sound(answer):
    """Whether a command ended with results or with a sentence."""
    assert answer.code in (0, 1, 2)
    assert "Traceback" not in answer.text
    assert "nobody foresaw" not in answer.text, answer.text
    assert answer.code == 0 or answer.text.strip()
    return answer


def tried(board, ask, seed, outside, verbs):
    what = mutate(board, seed, outside)
    kept = {path: path.lstat() for path in outside.rglob("*")}
    for verb in verbs:
        began = time.process_time()
        try:
            if verb == "load":
                geobench.load(board)
            else:
                sound(asked(ask, verb, board))
        except GeobenchError:
            pass
        assert time.process_time() - began < 5, (verb, what)
    assert {path: path.lstat() for path in outside.rglob("*")} == kept, what


@pytest.mark.parametrize("seed", range(12))
def test_a_mutated_board_ends_in_results_or_a_sentence(seed, board, ask, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    verb = list(VERBS)[seed % len(VERBS)]
    tried(board, ask, seed, outside, (verb, "load"))


@pytest.mark.slow
@pytest.mark.parametrize("tenth", range(10))
def test_a_thousand_mutated_boards_end_in_results_or_a_sentence(tenth, board, ask, tmp_path):
    for seed in range(1000 + 100 * tenth, 1100 + 100 * tenth):
        copy, outside = tmp_path / "mutated", tmp_path / "outside"
        shutil.copytree(board, copy)
        outside.mkdir()
        tried(copy, ask, seed, outside, (*VERBS, "load"))
        shutil.rmtree(copy)
        shutil.rmtree(outside)


def changed(board, *way, to):
    path = board / "benchmark.json"
    data = json.loads(path.read_text())
    place = data
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = to
    path.write_text(json.dumps(data))


ESCAPES = ["..", "../x", "/etc/passwd", "a/b/c", "C:\\x", "a\0b", "x" * 300, ".hidden", ""]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize(
    "way",
    [
        ("parts", "random/test", "folder"),
        ("rows", 0, "folder"),
        ("maps", "random", "file"),
        ("figures", 0, "file"),
    ],
    ids=lambda way: way[0],
)
def test_no_name_leads_out_of_a_board(way, name, board):
    changed(board, *way, to=f"figures/{name}" if way[0] == "figures" else name)
    if way[0] == "figures":  # what is no picture is told of, and is none
        found = Leaderboard(board, installed()).manifest
        assert len(found.pictures) == len(found.figures) - 1
        return
    with pytest.raises(StoreError, match=r"benchmark\.json: has a wrong .*no name of a file"):
        Leaderboard(board, installed())


@pytest.mark.parametrize(
    ("way", "to", "said"),
    [
        (("rows", 0, "part"), "other/test", "a row is of the part other/test"),
        (("parts", "random/test", "twin_of"), "other/test", "which has other photos"),
        (("rows", 0, "label"), "<b>bold</b>", "no label"),
        (("parts", "random/test", "resampled", "block_rows"), 10**9, "block_rows"),
        (("benchmark", "samples"), -1, "samples"),
        (("rows", 0, "seed"), 10**20, "seed"),
    ],
)
def test_what_does_not_go_together_in_a_manifest_is_said(way, to, said, board, ask):
    changed(board, *way, to=to)
    for verb in ("check", "worst"):
        answer = sound(asked(ask, verb, board))
        assert answer.code == 2
        assert said in answer.text


def test_twenty_thousand_radii_are_refused_at_once(board, ask):
    changed(board, "benchmark", "metrics", 1, "config", "radii_km", to=list(range(1, 20_001)))
    answer = sound(asked(ask, "check", board))
    assert answer.code == 2
    assert "at most 100 radii" in answer.text
    assert "Correct the metric in the benchmark's configuration" in answer.text


def test_metrics_that_ask_for_too_many_numbers_are_refused(board, ask):
    path = board / "benchmark.json"
    metric = json.loads(path.read_text())["benchmark"]["metrics"][1]
    metric["config"]["radii_km"] = [float(radius) for radius in range(1, 101)]
    changed(board, "benchmark", "metrics", to=[metric] * 6)
    answer = sound(asked(ask, "check", board))
    assert answer.code == 2
    assert "summaries, of at most 500" in answer.text


@pytest.mark.parametrize("name", ["runs", "part", "record"])
def test_nothing_of_a_board_is_read_through_a_link(name, board, ask, tmp_path):
    record = next(board.glob("runs/*/prior-*"))
    place = {"runs": board / "runs", "part": record.parent, "record": record}[name]
    shutil.move(place, tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    answer = sound(asked(ask, "worst", board))
    assert answer.code == 2
    assert f"{place}: is a link, and nothing of a leaderboard is read through one" in answer.text


@pytest.mark.parametrize("verb", ["check", "verify"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link"])
def test_what_lies_in_the_place_of_a_picture_is_not_read(kind, verb, board, ask, tmp_path):
    path = sorted(board.glob("figures/*"))[0]
    shutil.move(path, tmp_path / "same")
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(tmp_path / "same")
    answer = sound(asked(ask, verb, board))
    assert answer.code == 1
    assert f"{path} is not the picture that benchmark.json names" in answer.text


ARRAYS = {
    "part.npz": ("truth", np.full((20, 2), 91.0), "the array truth holds what is no place"),
    "answer.npz": ("answer", np.zeros((3, 2)), "damaged"),
    "nll-*.npz": ("mask", np.zeros(3, np.uint8), "the array mask is of uint8"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_go_together_are_a_sentence(name, board, ask):
    path = next(iter(board.glob(f"runs/*/toy-oracle-*/{name}")), None)
    path = path or next(board.glob(f"runs/*/{name}"))
    array, other, said = ARRAYS[name]
    arrays = files.read_arrays(path)
    arrays[array] = other if name != "part.npz" else np.full(arrays[array].shape, 91.0)
    files.write_arrays(path, arrays)  # by someone who knows how
    answer = sound(asked(ask, "check", board))
    assert answer.code == 2
    assert said in answer.text


def test_no_path_that_a_board_names_is_looked_at(board, tmp_path):
    (tmp_path / "secret").mkdir()
    changed(board, "benchmark", "dataset", "name", to="folder")
    changed(board, "benchmark", "dataset", "config", to={"root": str(tmp_path / "secret")})
    changed(board, "parts", "random/test", "dataset", "name", to="folder")
    changed(board, "parts", "random/test", "dataset", "publishes", to="pictures")
    loaded = Leaderboard(board, installed())
    with pytest.raises(DataError, match=r"root: .*names no file or folder of this machine"):
        worst.pictures(loaded, "random/test", installed(), settings={})
    told = {"root": str(tmp_path / "secret")}  # by who reads the board
    with pytest.raises(DataError) as refused:
        worst.pictures(loaded, "random/test", installed(), settings=told)
    assert "names no file" not in str(refused.value)


def test_load_names_the_column_of_what_is_no_number(board):
    path = board / "table.csv"
    path.write_text(path.read_text().replace(",13,0,", ",many,0,").replace(",20,0,", ",many,0,"))
    with pytest.raises(StoreError, match=r"table\.csv: holds what is no number in the column"):
        geobench.load(board)
