"""Files of a workspace that are cut in half, changed or removed are named and made again."""

import json
import os
import shutil
from collections import Counter

import numpy as np
import pytest

from struck_runs import board, forget_scores, problems, results, work

pytestmark = pytest.mark.usefixtures("small_shards")


def unwrapped(done):
    """The text without white space: warnings are wrapped at 80 characters, within words, too."""
    return "".join(done.text.split())


def truncated(path):
    """Cut a file in half, as a full disk or a torn write does."""
    os.truncate(path, path.stat().st_size // 2)
    return path


TRUNCATED = {
    "a record": ["runs/*/counted-0-*/record.json"],
    "its answers": ["runs/*/counted-0-*/answer.npz"],
    "its scores": ["runs/*/counted-0-*/energy-1-*.npz"],
    "the truth": ["runs/*/part.npz"],
    "the map": ["runs/striped-*.npz"],
    "the manifest": ["benchmark.json"],
    "the tables": ["table.csv", "curves.csv", "costs.csv", "resolution.csv"],
    "the page": ["README.md"],
}


@pytest.mark.parametrize("names", TRUNCATED.values(), ids=TRUNCATED)
def test_a_truncated_result_is_named_and_made_again(finished, undisturbed, tmp_path, names):
    damaged = [truncated(next(board(tmp_path).glob(name))) for name in names]
    found = problems(tmp_path)
    assert all(any(str(path) in problem for problem in found) for path in damaged)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert work(finished) == work(undisturbed)
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_a_page_that_is_cut_within_a_character_is_made_again(finished, undisturbed, tmp_path):
    page = board(tmp_path) / "README.md"
    content = page.read_bytes()
    page.write_bytes(content[: content.index("↓".encode()) + 1])
    assert problems(tmp_path) == [f"{page} is not what the records give"]
    assert finished("report", "--check", board(tmp_path)).code == 1
    assert finished("run", "benchmarks.yaml").code == 0
    assert problems(tmp_path) == []


@pytest.mark.parametrize("name", ["answer.npz", "energy-1-*.npz", "record.json"])
def test_a_number_that_is_changed_in_a_record_is_not_taken_for_a_result(
    finished, undisturbed, tmp_path, name
):
    path = next(board(tmp_path).glob(f"runs/*/counted-0-*/{name}"))
    if path.suffix == ".npz":
        with np.load(path) as stored:
            arrays = {n: a / 2 if a.dtype.kind == "f" else a for n, a in stored.items()}
        np.savez_compressed(path, **arrays)
    else:
        data = json.loads(path.read_text())
        data["timings"]["fit_seconds"] = 0.001
        path.write_text(json.dumps(data))
    assert any(str(path) in problem for problem in problems(tmp_path))
    assert finished("run", "benchmarks.yaml").code == 0
    assert results(tmp_path) == results(undisturbed.folder)
    assert work(finished) == work(undisturbed)
    assert problems(tmp_path) == []


def test_truncated_shards_are_encoded_again_when_they_are_needed(finished, undisturbed, tmp_path):
    shards = (tmp_path / ".geobench" / "features").glob("*-pooled-*/shard-*")
    for shard, name in zip(shards, ("rows.npy", "values.npy", "broken.json"), strict=True):
        truncated(shard / name)
    assert problems(tmp_path) == []
    forget_scores(tmp_path)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert unwrapped(done).count("itsphotosareencodedagain") == 3
    assert work(finished) == work(undisturbed) + Counter(["encode 128", "encode 128", "encode 44"])
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_damaged_states_are_fitted_again_when_they_are_needed(finished, undisturbed, tmp_path):
    one, two, three = (tmp_path / ".geobench" / "states").glob("*")
    damaged = [truncated(one / "state.npz"), truncated(two / "state.json"), three / "state.npz"]
    np.savez_compressed(three / "state.npz", centre=np.zeros(2))  # whole, and not what was written
    assert problems(tmp_path) == []
    forget_scores(tmp_path)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert all(str(path) in unwrapped(done) for path in damaged)
    assert work(finished) == work(undisturbed) + Counter(["start a 0 75", "start b 0 75"])
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_what_is_hidden_may_be_removed_and_the_run_says_what_it_costs(
    finished, undisturbed, tmp_path
):
    shutil.rmtree(tmp_path / ".geobench")
    forget_scores(tmp_path)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert "striped / counted / seed 0: its state is gone, it is fitted again" in done.out
    assert work(finished) == work(undisturbed) + work(undisturbed)
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []
