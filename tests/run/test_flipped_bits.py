"""A bit that has changed in .geobench heals or is named, and no table changes."""

import json
import os
import random
import shutil

import numpy as np
import pytest

import flipped_bits
from command_line import Done
from command_line import ask as typed
from geobench.errors import StoreError
from geobench.features import encode
from geobench.records import Fit, files
from lent_plugins import lent

SHARD = 16
NAMED = {
    "features/*-pooled-*/*/values.npy": "its photos are encoded again",
    "features/*-tokens-*/*/digests.json": "its photos are encoded again",
    "features/*-pooled-*/*/time.json": "how long its features took is not known",
    "states/*/state.json": "the method is fitted again",
    "cache/keeping/*/index/index.npy": "is not as it was made: it is made again",
    "checkpoints/*/begun.json": "how long the fit took before is not known",
    "checks/method-keeping.json": "the method keeping counts as not checked",
    "made/bits.json": "",  # the tables are made again, and are the same
}


def ask(*words):
    done = typed(*words)
    return Done(done.exit_code, done.output, "")


@pytest.fixture(scope="module", autouse=True)
def lent_for_bits():
    """The plugins of the workspace, and shards of a few photos."""
    with pytest.MonkeyPatch.context() as patch, lent(*flipped_bits.PLUGINS):
        patch.setattr(encode, "SHARD", SHARD)
        patch.setenv("COLUMNS", "300")
        yield


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A workspace in which `halted` is to be tried again."""
    folder = tmp_path_factory.mktemp("pristine")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        flipped_bits.make(folder, ask)
    return folder


def two_runs(pristine, place):
    """What two runs make of a copy after some damage: both answers, and tables after each."""

    def made(damage, *, forget):
        folder = place / "workspace"
        os.chdir(place)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(pristine, folder)
        os.chdir(folder)
        if forget:  # what is hidden is then read for every record
            shutil.rmtree(folder / "leaderboards/bits/runs")
        damage(folder)
        found = []
        for _ in range(2):
            found += [ask(*flipped_bits.RUN), flipped_bits.tables(folder)]
            assert "Traceback" not in found[-2].text, found[-2].text
            assert "nobody foresaw" not in found[-2].text, found[-2].text
        return found

    return made


@pytest.fixture
def outcome(pristine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return two_runs(pristine, tmp_path)


@pytest.fixture(scope="module")
def wanted(pristine, tmp_path_factory):
    """The tables of two runs after which nothing is damaged, made of what is hidden."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(pristine)
        made = two_runs(pristine, tmp_path_factory.mktemp("wanted"))
        first, tables, second, later = made(lambda folder: None, forget=True)
    assert (first.code, second.code) == (0, 0), first.text
    assert tables == later
    return tables


def flip(path, bit):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@pytest.mark.parametrize(
    "patterns",
    [NAMED, *(pytest.param([each], marks=pytest.mark.slow) for each in NAMED)],
    ids=["all at once", *NAMED],
)
def test_a_changed_bit_heals_within_the_run_and_is_named(patterns, outcome, wanted, caplog):
    changed = []

    def damage(folder):
        for number, pattern in enumerate(patterns):
            there = sorted((folder / ".geobench").glob(pattern))
            changed.append(there[number % len(there)])
            content = changed[-1].read_bytes()
            # Of a verdict a reason, of a state a unit: nothing but their stamps tells of these.
            words = [content.find(word) for word in (b"it is none", b'photos"') if word in content]
            flip(changed[-1], 8 * (words[0] if words else len(content) // 2))

    first, tables, second, later = outcome(damage, forget=True)
    assert (first.code, tables) == (0, wanted), first.text
    assert (second.code, later) == (0, wanted), second.text
    for pattern, path in zip(patterns, changed, strict=True):
        assert NAMED[pattern] in caplog.text
        named = [path, path.parent] if NAMED[pattern] else []
        assert not named or any(str(each) in caplog.text for each in named)


@pytest.mark.slow
@pytest.mark.parametrize("forget", [False, True], ids=["recorded", "to be run"])
def test_three_hundred_changed_bits_change_no_table(forget, outcome, pristine):
    undamaged = outcome(lambda folder: None, forget=forget)
    kept = [path.relative_to(pristine) for path in flipped_bits.files(pristine)]
    rng = random.Random(0)
    for number in range(300):
        name = kept[number % len(kept)]
        bit = rng.randrange(8 * (pristine / name).stat().st_size)
        found = outcome(lambda folder: flip(folder / name, bit), forget=forget)  # noqa: B023
        assert found[1::2] == undamaged[1::2], (name, bit, found[0].text)
        assert [found[0].code, found[2].code] == [0, 0], (name, bit, found[0].text)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a list": lambda path: path.write_text("[1]"),
    "an object": lambda path: path.write_text('{"sha256": NaN, "checks": 1}'),
    "deep": lambda path: path.write_text("[" * 100_000),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "gone": lambda path: path.unlink(),
}


QUICK = ("an object", "deep", "a folder")


@pytest.mark.parametrize(
    "damage",
    [pytest.param(d, marks=[] if d in QUICK else pytest.mark.slow) for d in DAMAGES],
)
def test_whatever_lies_in_the_place_of_hidden_files_is_made_again(damage, outcome, wanted):
    def everywhere(folder):
        for path in flipped_bits.files(folder):
            if damage != "a folder" or path.parent.name not in ("made", "method"):
                DAMAGES[damage](path)

    first, tables, second, later = outcome(everywhere, forget=True)
    assert (first.code, second.code) == (0, 0), first.text
    assert tables["table.csv"] == later["table.csv"] == wanted["table.csv"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("made/bits.json", "made/bits.json, a folder, lies where a file belongs. Move it away"),
        ("checkpoints/*/method/half.npz", "--force fits it from the beginning"),
    ],
)
def test_a_folder_in_the_place_of_a_file_that_is_not_only_ours_is_named(pattern, said, outcome):
    def damage(folder):
        (path,) = (folder / ".geobench").glob(pattern)
        DAMAGES["a folder"](path)

    first, *_ = outcome(damage, forget=False)
    assert first.code in (1, 2)
    assert said in first.text


@pytest.mark.parametrize("below", ["", "method"])
def test_a_file_in_the_place_of_a_folder_of_a_training_is_replaced(below, outcome, wanted):
    def damage(folder):
        (checkpoint,) = (folder / ".geobench/checkpoints").iterdir()
        (state,) = (folder / ".geobench/states").iterdir()
        for place in (state, checkpoint / below):
            shutil.rmtree(place)
            place.write_text("")

    first, tables, *_ = outcome(damage, forget=True)
    assert (first.code, tables) == (0, wanted), first.text


def test_a_failure_of_a_clock_that_was_ahead_is_tried_again(outcome, wanted):
    def ahead(folder):
        (record,) = folder.glob("leaderboards/bits/runs/*/halted-*/record.json")
        os.utime(record, (4e9, 4e9))

    first, tables, *_ = outcome(ahead, forget=False)
    assert (first.code, tables) == (0, wanted), first.text


def test_a_run_by_force_tries_pictures_again_that_were_broken(pristine, tmp_path, monkeypatch):
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def mended(self, indices):
        return (np.full((2, 2, 3), row, np.uint8) for row in indices.tolist())

    monkeypatch.setattr(flipped_bits.GalleryDataset, "images", mended)
    manifest = tmp_path / "leaderboards/bits/benchmark.json"
    for words, unread in (((), {"no bytes in 9": 1}), (("--force",), None)):
        done = ask(*flipped_bits.RUN, *words)
        assert done.code == 0, done.text
        assert json.loads(manifest.read_text())["dataset"].get("unread") == unread


def test_a_state_of_another_training_is_none(outcome, wanted, caplog):
    def exchange(folder):
        (state,) = (folder / ".geobench/states").iterdir()
        state.rename(state.with_name(state.name[::-1]))
        shutil.copytree(state.with_name(state.name[::-1]), state)
        data = json.loads((state / "state.json").read_text())
        del data["stamp"]
        data["fit_key"] = "0" * 64
        files.write_json(state / "state.json", data)

    first, tables, *_ = outcome(exchange, forget=True)
    assert first.code == 0
    assert "the method is fitted again" in caplog.text
    assert tables == wanted


CHANGED = {
    "a unit": ('"photos"', '"pxotos"'),
    "a number": ('"fit_seconds": ', '"fit_seconds": 1'),
    "no number, without a stamp": ('"stamp"', '"facts": {"a": [NaN, "s"]}, "device"'),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_details_of_a_fit_that_are_not_what_was_written_are_no_state(change, pristine, tmp_path):
    (path,) = (pristine / ".geobench/states").glob("*/state.json")
    text = path.read_text()
    assert Fit.read(path).is_whole()
    assert change[0] in text
    (tmp_path / "state.json").write_text(text.replace(*change, 1))
    if "NaN" in change[1]:
        with pytest.raises(StoreError, match="NaN"):
            Fit.read(tmp_path / "state.json")
    else:
        assert not Fit.read(tmp_path / "state.json").is_whole()


def test_a_state_of_an_earlier_version_is_restored(outcome, caplog):
    def unstamp(folder):
        (path,) = (folder / ".geobench/states").glob("*/state.json")
        data = json.loads(path.read_text())
        del data["stamp"]
        files.write_json(path, data)

    first, *_ = outcome(unstamp, forget=True)
    assert first.code == 0
    assert "fitted again" not in caplog.text
