"""perf/tune.py: settings are scored by the harness, on photos that no outer split tests."""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import pages
from documented_fields import check_fields
from geobench import ConfigError, config, distance_km, figures
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.records import StoredRecord
from geobench_basics.metrics.distance import geoscore
from pages import Page

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "perf"))

import search  # noqa: E402
import tune  # noqa: E402

BENCHMARK = """\
benchmarks:
  - name: toy-tuning
    dataset: {name: toy-planet, photos: 300}
    encoder: given
    splits:
      - {name: inside, outer: [random, by-group], split: by-group}
    methods: [uniform]
    metrics: [distance, geoscore, nll]
"""
SETTINGS = """\
benchmark: b.yaml
method: prior
base: {candidates: 100}
settings:
  away_km: {low: 100, high: 1600, count: 3, scale: log}
  point: [geoscore, densest]
budget: 4
"""


@dataclass
class Tried:
    """What a search wrote, and where."""

    folder: Path
    said: str

    def rows(self):
        with (self.folder / "prior.csv").open(newline="") as stream:
            return list(csv.DictReader(stream))

    @property
    def board(self):
        return self.folder / "leaderboards/toy-tuning-prior"


def tune_in(folder, *words, code=0):
    before = sys.argv
    sys.argv = ["tune.py", str(folder / "prior.yaml"), "--workspace", str(folder), *words]
    try:
        assert tune.main() == code
    finally:
        sys.argv = before


def written(folder, *, benchmark=BENCHMARK, settings=SETTINGS):
    (folder / "b.yaml").write_text(benchmark)
    (folder / "prior.yaml").write_text(settings)
    return folder / "prior.yaml"


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    written(folder)
    tune_in(folder)
    return Tried(folder, (folder / "prior.md").read_text())


def test_every_setting_is_scored_after_both_trainings(tried):
    rows = tried.rows()
    labels = {row["setting"] for row in rows}
    assert len(labels) == 4 + 1 >= len({(r["away_km"], r["point"]) for r in rows})
    assert {(row["setting"], row["train_share"]) for row in rows} == {
        (label, share) for label in labels for share in ("1", "0.5")
    }
    whole, half = (
        {int(row["train_photos"]) for row in rows if row["train_share"] == share}
        for share in ("1", "0.5")
    )
    assert [round(n / 2) for n in whole] == list(half)
    base = next(row for row in rows if row["setting"] == "base")
    assert (base["away_km"], base["point"]) == ("750", "geoscore")
    for row in rows:
        assert float(row["geoscore.low"]) < float(row["geoscore"]) < float(row["geoscore.high"])
        assert float(row["nll.low"]) < float(row["nll"]) < float(row["nll.high"])
        assert float(row["fit_seconds"]) >= 0
        assert float(row["predict_seconds"]) >= 0
        assert int(row["photos"]) > 0


def test_the_scores_are_those_of_stored_answers_on_photos_that_no_outer_split_tests(tried):
    manifest = Leaderboard(tried.board, installed()).manifest
    (benchmark,) = config.read(tried.folder / "b.yaml", installed())
    dataset, outer = benchmark.dataset.plugin, benchmark.splits[0].plugin.config.outer
    tested = {i for each in outer for p in each.plugin.assign(dataset).parts for i in p.ids}
    shown = {(r["split"], r["part"], r["train_share"], r["setting"]): r for r in tried.rows()}
    assert len(manifest.rows) == len(shown) == 10
    for entry in manifest.rows:
        folder = tried.board / "runs" / entry.folder
        with np.load(folder.parent / "part.npz") as arrays:
            ids, truth = arrays["id"], arrays["truth"]
        assert not tested & set(ids.tolist())
        record = StoredRecord.read(folder)
        assert record is not None
        away = distance_km(record.answers(), truth)
        split, _, part = entry.part.rpartition("/")
        row = shown[(*split.split("@")[:1], part, split.split("@")[1], entry.label)]
        assert float(row["geoscore"]) == pytest.approx(geoscore(away).mean(), rel=1e-4)
        assert float(row["distance.median"]) == pytest.approx(np.median(away), rel=1e-4)
        assert int(row["photos"]) == len(ids)


def test_the_page_says_how_the_best_setting_moves(tried):
    rows = tried.rows()
    for share in ("1", "0.5"):
        here = [row for row in rows if row["train_share"] == share]
        best = max(here, key=lambda row: float(row["geoscore"]))
        among = sum(row["among_the_best"] == "1" for row in here)
        (line,) = [
            line
            for line in tried.said.split("## inside/")[0].splitlines()
            if line.startswith(f"| {best['train_photos']} ")
        ]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1:5] == [
            f"`{best['setting']}`",
            best["away_km"],
            best["point"],
            str(among),
        ]
        for label in {row["setting"] for row in rows}:
            assert f"`{label}`" in tried.said
    assert "- `away_km` among the best: " in tried.said


def test_the_map_of_the_split_says_why_photos_are_left_out(tried):
    board = Leaderboard(tried.board, installed())
    captions = {
        each.name: each.caption for each in figures.planned(board, tables.read(tried.board))
    }
    assert "Left out are `outer` (tested, or not trained on" in captions["split-inside@1"]
    assert "`outer` (" in captions["split-inside@0.5"]
    assert " and `train-share` (" in captions["split-inside@0.5"]


def test_a_search_goes_on_where_it_was_stopped_and_a_larger_one_tries_what_is_new(tried, capsys):
    before, labels = (
        (tried.folder / "prior.csv").read_bytes(),
        {row["setting"] for row in tried.rows()},
    )
    tune_in(tried.folder, "--dry-run")
    assert "10 recorded" in capsys.readouterr().out
    tune_in(tried.folder)
    assert (tried.folder / "prior.csv").read_bytes() == before
    tune_in(tried.folder, "--budget", "6", "--output", str(tried.folder / "more"))
    assert "10 recorded" in (said := capsys.readouterr().out)
    assert "4 to run" in said
    more = Tried(tried.folder / "more", "")
    assert labels < {row["setting"] for row in more.rows()}
    assert (tried.folder / "prior.csv").read_bytes() == before


def test_a_dry_run_writes_no_table(tmp_path):
    written(tmp_path)
    tune_in(tmp_path, "--dry-run")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == [
        "b.yaml",
        "prior.yaml",
    ]


def test_the_budget_draws_from_the_grid_or_takes_all_of_it(tmp_path):
    def numbers(text):
        path = written(tmp_path, settings=text)
        return list(search.read(path, installed()).settings)[1:]

    assert numbers(SETTINGS.replace("budget: 4", "budget: 6")) == [
        f"setting-{n}" for n in range(1, 7)
    ]
    some = numbers(SETTINGS)
    assert some == numbers(SETTINGS)
    assert len(some) == 4
    others = {tuple(numbers(f"{SETTINGS}seed: {seed}\n")) for seed in range(8)}
    assert len(others) > 1
    large = SETTINGS.replace("count: 3", "count: 1000").replace("low: 100", "low: 1.5")
    assert len(numbers(large)) == 4


def test_a_range_has_its_ends_and_whole_numbers_between_whole_numbers(tmp_path):
    def values(text):
        path = written(tmp_path, settings=SETTINGS.replace("{low: 100, high: 1600, count: 3", text))
        return search.read(path, installed()).search.settings["away_km"]

    assert values("{low: 100, high: 1600, count: 3") == [100, 400, 1600]
    assert values("{low: 10, high: 1000.5, count: 3") == [10, 100, 1000.5]
    assert values("{low: 1, high: 3, count: 5") == [1, 2, 3]


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("point:", "pont:", r"prior.yaml:6: method prior has no key 'pont'. Did you mean point"),
        ("densest]", "dense]", r"prior.yaml:6: point: "),
        ("method: prior", "method: priors", r"prior.yaml:2: .*priors"),
        ("candidates", "candidate", r"prior.yaml:3: method prior has no key 'candidate'"),
        ("budget: 4", "budget: 0", r"prior.yaml:7: budget: .*greater than or equal to 1"),
        ("budget", "bugdet", r"prior.yaml:7: the file has no key 'bugdet'. Did you mean budget"),
        ("[geoscore, densest]", "densest", r"prior.yaml:4: .*neither a list of values nor a range"),
        ("low: 100", "low: 5000", r"prior.yaml:4: .*low < high"),
        ("benchmark: b.yaml", "benchmark: c.yaml", r"prior.yaml:1: .*c.yaml does not exist"),
        ("method: prior", "method: prior\nname: other", r"prior.yaml:3: name: other .*toy-tuning"),
    ],
)
def test_a_fault_in_a_file_of_settings_names_its_line(tmp_path, old, new, wrong):
    assert old in SETTINGS
    path = written(tmp_path, settings=SETTINGS.replace(old, new))
    with pytest.raises(ConfigError, match=wrong):
        search.read(path, installed())


def test_a_benchmark_whose_test_photos_a_board_may_test_is_refused(tmp_path, capsys):
    written(tmp_path, benchmark=BENCHMARK.replace("- {name", "- random\n      - {name", 1))
    tune_in(tmp_path, code=2)
    said = " ".join(capsys.readouterr().out.split())
    assert "the split random of toy-tuning is not `inside`" in said
    assert not (tmp_path / "leaderboards").exists()


@pytest.mark.parametrize("path", sorted(ROOT.glob("perf/tuning/*.yaml")), ids=lambda p: p.stem)
def test_a_committed_file_of_settings_can_be_run(path):
    trial = search.read(path, installed())
    assert trial.benchmark.name == f"blue-marble-tuning-{path.stem}"
    assert len(trial.settings) == min(trial.search.budget, trial.search.grid) + 1
    assert [split.label for split in trial.benchmark.splits] == [
        f"inside@{share:g}" for share in trial.search.train_shares
    ]


def test_every_key_of_a_file_of_settings_is_documented():
    documented, *_ = pages.tables(Page.read("docs/benchmarks.md").section("Tuning"))
    check_fields(documented, search.Search.model_fields)


def test_the_script_says_how_it_is_used(capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        tune_in(tmp_path, "--help")
    assert left.value.code == 0
    assert "perf/tuning/im2gps.yaml" in capsys.readouterr().out
