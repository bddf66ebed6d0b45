"""A small benchmarks.yaml, run, extended, limited, broken: as a user would meet it."""

import csv
import re
import shutil

import numpy as np
import pytest

from command_line import Command

YAML = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 240}
    encoder: given
    splits: [unseen-cells, {name: random, label: at-random}]
    methods: [uniform, prior, toy-oracle, COUNTED]
    metrics: [distance, geoscore, energy, nll]
    samples: 4
    photos: 20
    chunk: 16
    seeds: [0, 1]
"""


def write(folder, text=YAML, counted="counted"):
    path = folder / "benchmarks.yaml"
    path.write_text(text.replace("COUNTED", counted))
    return path


def board(folder):
    return folder / "leaderboards" / "small"


def table(folder):
    return read(board(folder) / "table.csv")


def read(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def files(folder):
    """Every file of the records: modification time and content."""
    runs = board(folder) / "runs"
    paths = [path for path in runs.rglob("*") if path.is_file()]
    return {str(p.relative_to(runs)): (p.stat().st_mtime_ns, p.read_bytes()) for p in paths}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A finished workspace, made once."""
    folder = tmp_path_factory.mktemp("template")
    done = Command(folder)("run", write(folder))
    assert done.code == 0, done.text
    return folder


@pytest.fixture
def finished(template, tmp_path):
    """A copy of the finished workspace, and the command in it."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path)


def test_a_run_says_what_it_does_what_it_wrote_and_where_to_look(finished, tmp_path):
    done = finished("run", "benchmarks.yaml", "--workspace", "elsewhere")
    assert "split unseen-cells: train" in done.out
    assert "counted predicts Prediction: no nll for it" in done.out
    assert "at-random / counted / seed 1: done" in done.out
    assert "to read: elsewhere/leaderboards/small/README.md" in done.out
    assert (tmp_path / "elsewhere/leaderboards/small/README.md").exists()
    same = board(tmp_path / "elsewhere") / "table.csv"
    assert same.read_bytes() == (board(tmp_path) / "table.csv").read_bytes()


def test_a_second_run_skips_every_training_and_touches_no_record(finished, tmp_path):
    before, fits = files(tmp_path), finished.fits()
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0
    assert "12 recorded" in done.out
    assert files(tmp_path) == before
    assert finished.fits() == fits


def test_a_deterministic_method_is_fitted_once_whatever_the_seeds_say(finished, tmp_path):
    rows = [r for r in table(tmp_path) if r["summary"] == "geoscore"]
    seeds = {(r["label"], r["seeds"]) for r in rows}
    assert seeds >= {("prior", "1"), ("counted", "2"), ("oracle-training-place", "1")}


def test_one_training_serves_all_parts(finished):
    starts = [line for line in finished.fits() if line.startswith("start")]
    assert len(starts) == len(set(starts)) == 4  # two splits, two seeds


def test_a_metric_added_scores_from_the_states_and_touches_no_file(finished, tmp_path):
    before = files(tmp_path)
    fits = [line for line in finished.fits() if line.startswith("start")]
    write(tmp_path, YAML.replace("nll]", "nll, spread, height]"))
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert [line for line in finished.fits() if line.startswith("start")] == fits
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    added = set(after) - set(before)
    assert added
    assert all("/spread-1-" in name for name in added)  # height is computed from the answers
    assert {"spread", "height"} <= {row["summary"] for row in table(tmp_path)}
    assert finished("verify", board(tmp_path)).code == 0


def test_a_point_metric_added_runs_no_method(finished, tmp_path):
    before, fits = files(tmp_path), finished.fits()
    write(tmp_path, YAML.replace("nll]", "nll, height]"))
    done = finished("run", "benchmarks.yaml")
    assert "12 recorded" in done.out
    assert files(tmp_path) == before
    assert finished.fits() == fits
    assert any(r["summary"] == "height" for r in table(tmp_path))


def test_a_new_label_runs_nothing(finished, tmp_path):
    before, fits = files(tmp_path), finished.fits()
    write(tmp_path, counted="{name: counted, label: renamed}")
    done = finished("run", "benchmarks.yaml")
    assert "12 recorded" in done.out
    assert files(tmp_path) == before
    assert finished.fits() == fits
    labels = {r["label"] for r in table(tmp_path)}
    assert "renamed" in labels
    assert "counted" not in labels


def test_a_changed_split_runs_again_and_the_old_records_stay_unshown(finished, tmp_path):
    before = files(tmp_path)
    write(tmp_path, YAML.replace("[unseen-cells,", "[{name: unseen-cells, seed: 7},"))
    done = finished("run", "benchmarks.yaml")
    assert "6 recorded, 6 to run" in done.out
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    parts = {r["part"] for r in table(tmp_path)}
    assert parts == {"unseen-cells/seen", "unseen-cells/unseen", "at-random/test"}
    shown = (board(tmp_path) / "benchmark.json").read_text()
    old = {name.split("/")[0] for name in before if name.startswith("unseen-cells-unseen")}
    assert len(old) == 1
    assert old.pop() not in shown


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("fit", "RuntimeError: no convergence"),
        ("predict", "RuntimeError: no answer"),
        ("rows", "method faulty answered"),
        ("nan", "are not finite"),
        ("latitude", "latitude 95"),
        ("type", "returned a ndarray"),
        ("deadline", "deadline"),
    ],
)
def test_a_method_that_goes_wrong_fails_its_own_training_alone(geobench, tmp_path, fault, sentence):
    text = YAML.replace("seeds: [0, 1]", "seeds: [0]\n    deadline: 3")
    text = text.replace("[unseen-cells, {name: random, label: at-random}]", "[unseen-cells]")
    write(tmp_path, text, counted=f"{{name: faulty, label: broken, fault: {fault}}}, counted")
    done = geobench("run", "benchmarks.yaml")
    assert done.code == 1
    failures = [line for line in done.out.splitlines() if line.startswith("FAILED")]
    assert len(failures) == 1
    assert "method broken" in failures[0]
    assert sentence in failures[0]
    rows = table(tmp_path)
    broken = [r for r in rows if r["label"] == "broken"]
    assert {r["status"] for r in broken} == {"deadline" if fault == "deadline" else "failed"}
    assert all(r["value"] == "" and sentence in r["note"] for r in broken)
    assert {r["part"] for r in broken} == {"unseen-cells/seen", "unseen-cells/unseen"}
    good = [r for r in rows if r["label"] in ("uniform", "prior", "toy-oracle", "counted")]
    assert {r["status"] for r in good} == {"ok"}
    assert sentence in (board(tmp_path) / "README.md").read_text()
    assert "failed before, to run again" in geobench("run", "benchmarks.yaml", "--dry-run").out
    assert geobench("verify", board(tmp_path)).code == 0


def test_a_method_that_fails_on_one_part_keeps_the_other(geobench, tmp_path):
    write(tmp_path, counted="{name: faulty, fault: seen}")
    assert geobench("run", "benchmarks.yaml").code == 1
    status = {r["part"]: r["status"] for r in table(tmp_path) if r["label"] == "faulty"}
    assert status == {
        "unseen-cells/seen": "failed",
        "unseen-cells/unseen": "ok",
        "at-random/test": "ok",
    }


def test_a_metric_that_raises_fails_its_own_rows_alone_and_is_tried_again(geobench, tmp_path):
    write(tmp_path, YAML.replace("nll]", "nll, spread, height]"))
    done = geobench("run", "benchmarks.yaml", BREAK_METRIC="1")
    assert done.code == 1
    assert "metric spread: RuntimeError: no spread today" in done.out
    assert "metric height: RuntimeError: no height today" in done.out
    statuses = {(r["summary"], r["status"]) for r in table(tmp_path) if r["label"] == "counted"}
    assert ("geoscore", "ok") in statuses
    assert ("height", "failed") in statuses
    assert ("geoscore", "failed") not in statuses
    before = {name: found for name, found in files(tmp_path).items() if "failed" not in name}
    done = geobench("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert {r["status"] for r in table(tmp_path)} == {"ok", "ceiling"}
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before


def test_a_summary_that_raises_fails_its_own_rows_alone(finished, tmp_path):
    write(tmp_path, YAML.replace("nll]", "nll, torn]"))
    done = finished("run", "benchmarks.yaml")
    assert done.code == 1
    assert "summary torn: KeyError: 'no-such-column'" in done.out
    statuses = {(row["summary"], row["status"]) for row in table(tmp_path)}
    assert {status for summary, status in statuses if summary == "torn"} == {"failed"}
    assert {status for summary, status in statuses if summary != "torn"} == {"ok", "ceiling"}


def test_an_encoder_that_raises_is_named_and_other_benchmarks_go_on(geobench, tmp_path):
    bad = YAML.replace("encoder: given", "encoder: torn-encoder").replace("COUNTED", "counted")
    good = YAML.replace("benchmarks:\n", "").replace("name: small", "name: sound")
    (tmp_path / "benchmarks.yaml").write_text(bad + good.replace("COUNTED", "counted"))
    done = geobench("run", "benchmarks.yaml")
    assert done.code == 1
    assert "benchmark small: encoder torn-encoder on dataset toy-planet" in done.out
    assert "RuntimeError: out of ink" in done.out
    assert "Traceback" not in done.text
    assert (tmp_path / "leaderboards/sound/table.csv").exists()


def test_a_damaged_manifest_is_written_again(finished, tmp_path):
    before = (board(tmp_path) / "table.csv").read_bytes()
    (board(tmp_path) / "benchmark.json").write_text("")
    assert finished("verify", board(tmp_path)).code == 2
    assert finished("run", "benchmarks.yaml").code == 0
    assert (board(tmp_path) / "table.csv").read_bytes() == before
    assert finished("verify", board(tmp_path)).code == 0


def test_a_component_is_fitted_once_and_shared_with_an_equal_row(geobench, tmp_path):
    counted = "counted, {name: outer, inner: {name: counted, tag: a}}"
    write(tmp_path, YAML.replace("seeds: [0, 1]", "seeds: [3]"), counted=counted)
    done = geobench("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    starts = [line for line in geobench.fits() if line.startswith("start")]
    assert len(starts) == len(set(starts)) == 2  # one for each split
    rows = {
        (r["part"], r["label"]): r["value"] for r in table(tmp_path) if r["summary"] == "geoscore"
    }
    for part in {part for part, _ in rows}:
        assert rows[part, "outer"] == rows[part, "counted"]


def test_the_same_seed_gives_the_same_bytes(finished, tmp_path):
    before = {n: f[1] for n, f in files(tmp_path).items() if n.endswith(".npz")}
    done = finished("run", "benchmarks.yaml", "--force")
    assert done.code == 0, done.text
    after = {n: f[1] for n, f in files(tmp_path).items() if n.endswith(".npz")}
    assert after == before


def test_a_limited_run_is_written_apart_and_not_ranked(finished, tmp_path):
    before = files(tmp_path)
    done = finished("run", "benchmarks.yaml", "--limit", "10")
    assert done.code == 0, done.text
    assert files(tmp_path) == before
    apart = tmp_path / "leaderboards" / "small.limit-10"
    rows = read(apart / "table.csv")
    assert {r["rank_low"] for r in rows} == {""}
    assert max(int(r["photos"]) for r in rows) == 10


def test_only_runs_what_it_names_and_a_dry_run_nothing(geobench, tmp_path):
    write(tmp_path)
    assert "12 to run" in geobench("run", "benchmarks.yaml", "--dry-run").out
    assert not board(tmp_path).exists()
    assert geobench("run", "benchmarks.yaml", "--only", "prior").code == 0
    assert {r["label"] for r in table(tmp_path)} == {"prior", "oracle-training-place"}
    assert "Incomplete" in (board(tmp_path) / "README.md").read_text()
    done = geobench("run", "benchmarks.yaml", "--only", "priro")
    assert done.code == 2
    assert "neither such a method nor such a benchmark" in done.err


@pytest.mark.parametrize("what", ["score", "table", "page", "truth", "record", "sample"])
def test_one_changed_digit_is_found_and_named(finished, tmp_path, what):
    records = sorted(board(tmp_path).rglob("nll-3-*.npz"))
    target = {
        "score": records[0],
        "table": board(tmp_path) / "table.csv",
        "page": board(tmp_path) / "README.md",
        "truth": records[0].parents[1] / "part.npz",
        "record": records[0].parent / "record.json",
        "sample": records[0].parent / "answer.npz",
    }[what]
    if target.suffix == ".npz":
        with np.load(target) as stored:
            arrays = dict(stored)
        name = {"score": "nll", "truth": "truth", "sample": "sample"}[what]
        index = np.unravel_index(np.nanargmax(np.abs(arrays[name])), arrays[name].shape)
        arrays[name][index] = np.nextafter(
            arrays[name][index], np.float64(0), dtype=arrays[name].dtype
        )
        np.savez_compressed(target, **arrays)
    elif what == "table":
        lines = target.read_text().splitlines()
        cells = lines[3].split(",")
        cells[9] = cells[9][:-1] + str((int(cells[9][-1]) + 1) % 10)
        target.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]) + "\n")
    elif what == "page":
        digit = re.search(r"\*\*[\d,.]*(\d)\*\*", target.read_text())
        text, place = target.read_text(), digit.start(1)
        target.write_text(text[:place] + str((int(digit[1]) + 1) % 10) + text[place + 1 :])
    else:
        target.write_text(target.read_text().replace('"chunk": 16', '"chunk": 17'))
    done = finished("verify", board(tmp_path))
    assert done.code == 1
    named = target.parent.name if what in ("score", "record", "sample") else target.name
    assert named in done.out
    if what == "table":
        assert "row unseen-cells/seen / all / toy-oracle / distance.mean" in done.out
