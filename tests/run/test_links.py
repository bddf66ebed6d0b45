"""Links in a workspace or a leaderboard: each door refuses them, and a reader's files stay."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from geobench import drafts
from geobench.errors import LinkError
from geobench.run import states
from geobench_basics.methods.uniform import UniformMethod
from lent_plugins import lent

YAML = """\
benchmarks:
  - name: tiny
    dataset: {name: toy-planet, photos: 120}
    encoder: given
    splits: [random]
    methods: [prior, {name: im2gps, k: 3}]
    metrics: [distance, nll]
    samples: 2
    photos: 10
"""
EARTH = YAML.replace("toy-planet, photos: 120", "blue-marble").replace("given", "im2gps")
OLD = time.time() - 8 * 24 * 3600
RUN = ("run", "tiny.yaml", "--no-figures")
REFUSED = "is a link, and nothing is written or deleted through one. Put a real file or folder"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished workspace with pictures, made once; nobody writes to it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(YAML)
    command = [sys.executable, "-m", "geobench.cli", "run", "tiny.yaml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def workspace(finished, tmp_path, monkeypatch):
    """A copy of it, in which the commands are typed."""
    shutil.copytree(finished, tmp_path / "workspace")
    monkeypatch.chdir(tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture
def mine(tmp_path):
    """A reader's own folder, with much in it that looks like what geobench removes."""
    folder = tmp_path / "mine"
    for name in (
        "thesis.tex",
        "cost.png",
        "table.csv",
        ".env.template",
        "0123456789abcdef/a",
        "shard-0/a",
    ):
        drafts.write_file(folder / name, "mine")
    with drafts.scratch(folder) as place:
        (place / "a").write_text("mine")
        place.parent.rename(folder / place.parent.name.replace("a", "b"))
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (OLD, OLD))
    return folder


def state(folder):
    """Every file and folder, with its time and content; links are not followed."""
    paths = [Path(top, name) for top, below, files in os.walk(folder) for name in below + files]
    found = {}
    for path in sorted(paths):
        plain = path.is_file() and not path.is_symlink()
        content = path.read_bytes() if plain else b""
        found[str(path.relative_to(folder))] = (path.lstat().st_mtime_ns, content)
    return found


def put_link(place, target):
    """Replace a file or a folder by a link."""
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


RECORD = "leaderboards/tiny/runs/{task}/{record}"
LINKED = [
    ".geobench/drafts",
    ".geobench/locks",
    ".geobench/states",
    ".geobench/states/{state}",
    ".geobench/checkpoints",
    ".geobench/checkpoints/{state}",
    ".geobench/checkpoints/{state}/method",
    ".geobench/cache",
    ".geobench/features",
    ".geobench/features/{store}",
    ".geobench/features/{store}.lock",
    ".geobench/locks/board-tiny.lock",
    "leaderboards/tiny",
    "leaderboards/tiny/figures",
    "leaderboards/tiny/runs",
    "leaderboards/tiny/runs/{task}",
    RECORD,
    "leaderboards/tiny/table.csv",
    "leaderboards/tiny/README.md",
    "leaderboards/tiny/benchmark.json",
    "leaderboards/tiny/.gitignore",
]


def named(workspace, pattern):
    """A path of a finished workspace whose names hold digests."""
    runs = workspace / "leaderboards/tiny/runs"
    (record, *_) = runs.glob("*/im2gps-*")
    fit = json.loads((record / "record.json").read_text())["fit_key"]
    (store,) = (path for path in (workspace / ".geobench/features").iterdir() if path.is_dir())
    about = {"task": record.parent.name, "record": record.name, "state": fit, "store": store.name}
    return workspace / pattern.format(**about)


@pytest.mark.parametrize("pattern", LINKED)
def test_a_run_refuses_a_link_and_leaves_its_target_alone(pattern, workspace, mine, ask):
    place = named(workspace, pattern)
    put_link(place, mine / "thesis.tex" if place.suffix else mine)
    before = state(mine)
    for words in ((*RUN, "--force"), RUN, (*RUN, "--dry-run")):
        answer = ask(*words)
        assert state(mine) == before
        if "{store}" in pattern and "--force" not in words:
            continue  # nothing is missing, so that nothing is encoded
        if "board-tiny.lock" in pattern and "--dry-run" in words:
            continue  # a plan takes no lock
        assert answer.code in (1, 2), answer.text
        assert f"{place}: {REFUSED}" in answer.text, answer.text
        assert "Traceback" not in answer.text


VERBS = {
    "run": (*RUN, "--force"),
    "dry run": (*RUN, "--dry-run"),
    "score": ("score", "truth.csv", "answers.csv", "--name", "scored", "--no-figures"),
    "report": ("report", "tiny"),
    "report in svg": ("report", "tiny", "--format", "svg"),
    "report --check": ("report", "tiny", "--check"),
    "verify": ("verify", "tiny"),
    "worst": ("worst", "tiny", "--method", "prior", "--csv", "worst.csv"),
    "compare": ("compare", "tiny", "prior", "im2gps", "--csv", "csv", "--photos", "photos.csv"),
    "map": ("map", "tiny.yaml"),
    "data": ("data", "toy-planet", "--config", "photos=120", "--output", "audit"),
    "list": ("list",),
}
PLACES = [
    *LINKED,
    "leaderboards/scored",
    "scored.yaml",
    "worst.csv",
    "photos.csv",
    "audit/report.md",
]
PLACES += [f".geobench/{name}" for name in ("made", "made/tiny.json", "checks")]
PLACES += [f"leaderboards/tiny/{name}" for name in ("runs/{task}/part.npz", "figures/cost.png")]
PLACES += [f"{RECORD}/{name}" for name in ("record.json", "answer.npz", "map.npz")]


def refusals_of_all_verbs(place, ask, mine, verbs=VERBS):
    """Type every verb before a link and see that nothing beyond it changes; which refuse it."""
    points = "id,latitude,longitude\n" + "".join(f"p{n},{n},{n}\n" for n in range(20))
    for name in ("truth.csv", "answers.csv"):
        Path(name).write_text(points)
    before, found = state(mine), []
    for verb in verbs:
        answer = ask(*VERBS[verb])
        assert state(mine) == before, verb
        assert "Traceback" not in answer.text, answer.text
        assert "nobody foresaw" not in answer.text, answer.text
        if REFUSED in answer.text:
            assert place.is_symlink(), verb
            assert answer.code in (1, 2)
            found.append(verb)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PLACES)
def test_no_verb_changes_what_a_link_leads_to(pattern, workspace, mine, ask):
    place = named(workspace, pattern)
    put_link(place, mine / "thesis.tex" if place.suffix else mine)
    refusals_of_all_verbs(place, ask, mine)


def test_verbs_that_write_little_refuse_a_link_where_they_would(workspace, mine, ask):
    place = workspace / ".geobench/locks"
    put_link(place, mine)
    verbs = ("score", "worst", "compare", "map", "data", "list")
    assert refusals_of_all_verbs(place, ask, mine, verbs) == ["score", "map"]


class Keeps(UniformMethod):
    """Keeps a folder in the cache, and a file among its checkpoints."""

    name = "keeps"

    def fit(self, train, val, context):
        assert context.checkpoint is not None
        drafts.write_file(context.checkpoint / "half.txt", "half way")
        context.cache("index", lambda folder: drafts.write_file(folder / "a", "whole"))


@pytest.fixture
def keeps():
    """The method is installed."""
    with lent(Keeps):
        yield


KEPT = [f"cache/keeps{name}" for name in ("", "/{fit}", "/{fit}/index", "/{fit}/index.lock")]
KEPT += [f"checkpoints/{{fit}}/{name}" for name in ("begun.json", "method/half.txt")]


@pytest.mark.parametrize("pattern", KEPT)
@pytest.mark.usefixtures("keeps")
def test_what_a_method_keeps_is_written_through_no_link(pattern, workspace, mine, ask):
    changed = YAML.replace("[prior, {name: im2gps, k: 3}]", "[keeps]")
    (workspace / "tiny.yaml").write_text(changed.replace("tiny", "kept"))
    assert ask(*RUN).code == 0
    runs = workspace / "leaderboards/kept/runs"
    (record,) = runs.glob("*/keeps-*/record.json")
    fit = json.loads(record.read_text())["fit_key"]
    shutil.rmtree(runs)
    shutil.rmtree(workspace / ".geobench/states" / fit)
    shutil.rmtree(workspace / ".geobench/cache")
    place = workspace / ".geobench" / pattern.format(fit=fit)
    put_link(place, mine / "thesis.tex" if place.suffix else mine)
    before = state(mine)
    answer = ask(*RUN)
    assert answer.code == 1, answer.text
    assert f"{place}: {REFUSED}" in answer.text, answer.text
    assert state(mine) == before


def test_a_fit_begins_no_checkpoint_through_a_link(mine, tmp_path):
    folder = tmp_path / "kept"
    put_link(folder / "method", mine)
    before = state(mine)
    with pytest.raises(LinkError, match="is a link, and nothing is written"):
        states._spent(folder)
    assert (state(mine), list(folder.iterdir())) == (before, [folder / "method"])


@pytest.mark.parametrize("place", [".geobench", "leaderboards"])
def test_a_link_that_a_repository_brought_is_refused_by_every_door_that_writes_there(
    place, workspace, mine, ask
):
    if place == "leaderboards":
        shutil.copytree(workspace / place / "tiny", mine / "tiny")
    put_link(workspace / place, mine)
    before = state(mine)
    for command in (["init"], ["add", "--force", place]):
        subprocess.run(["git", *command], check=True, capture_output=True)
    doors = [RUN, (*RUN, "--dry-run"), ("check", "uniform")]
    if place == "leaderboards":
        doors += [("report", "tiny"), ("report", "leaderboards/tiny")]
    for words in doors:
        answer = ask(*words)
        assert (answer.code, state(mine)) == (2, before), answer.text
        assert f"{workspace / place}: is a link that git tracks" in answer.text


def test_scratch_disks_may_hold_what_a_workspace_makes(workspace, ask, tmp_path):
    for name in (".geobench", "leaderboards"):
        (workspace / name).rename(tmp_path / name.strip("."))
        (workspace / name).symlink_to(tmp_path / name.strip("."), target_is_directory=True)
    for words in ((*RUN, "--force"), ("report", "tiny"), ("verify", "tiny")):
        answer = ask(*words)
        assert answer.code == 0, answer.text
    assert not list(tmp_path.rglob(".geobench-draft-*"))


def test_what_a_reader_keeps_below_leaderboards_is_left_alone(workspace, mine, ask):
    for place in ("leaderboards", "leaderboards/tiny", ".geobench"):
        shutil.copytree(mine / "0123456789abcdef", workspace / place / ".config.settings")
        for name in (".env.template", ".table.csv.0123abcd"):
            shutil.copy2(mine / ".env.template", workspace / place / name)
    shutil.copytree(mine, workspace / ".geobench/drafts/old")
    put_link(workspace / "leaderboards/another", mine)
    kept = {n: s for n, s in state(workspace).items() if "." in n.removeprefix(".geobench")}
    kept = {n: s for n, s in kept.items() if ".config" in n or ".env" in n or "0123abcd" in n}
    before = state(mine)
    for words in (RUN, ("report", "tiny"), ("verify", "tiny")):
        assert ask(*words).code == 0
    assert len(kept) > 10
    assert kept.items() <= state(workspace).items()
    assert state(mine) == before


def test_a_dry_run_writes_and_deletes_nothing_at_all(workspace, ask, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (shard,) = (workspace / ".geobench/features").glob("*/shard-*")
    (shard / "rows.npy").write_bytes(b"")
    with drafts.scratch(workspace / "leaderboards/tiny") as place:
        left = place.parent.rename(place.parent.with_name(".geobench-draft-" + "0" * 32))
    for path in [*left.rglob("*"), left]:
        os.utime(path, (OLD, OLD))
    (workspace / "earth.yaml").write_text(EARTH)
    before = state(tmp_path)
    for words in (RUN, (*RUN, "--force"), ("run", "earth.yaml")):
        answer = ask(*words, "--dry-run")
        assert answer.code == 0, answer.text
        assert state(tmp_path) == before
    shutil.rmtree(workspace / ".geobench")
    shutil.rmtree(workspace / "leaderboards")
    before = state(tmp_path)
    assert ask(*RUN, "--dry-run").code == 0
    assert state(tmp_path) == before


@pytest.mark.parametrize("where", ["in a workspace", "elsewhere"])
@pytest.mark.parametrize(
    "name",
    ["figures", "runs", "table.csv", "curves.csv", "costs.csv", "resolution.csv", "README.md"]
    + ["benchmark.json", ".gitignore"],
)
def test_a_report_refuses_a_leaderboard_with_a_link_in_it(
    name, where, workspace, mine, ask, tmp_path
):
    board = workspace / "leaderboards/tiny"
    if where == "elsewhere":
        board = board.rename(tmp_path / "downloaded")
    if (board / name).exists():
        (board / name).rename(mine / name)
    (board / name).symlink_to(mine / name)
    before, there = state(mine), state(board)
    for words in ((), ("--format", "svg")):
        answer = ask("report", board, *words)
        assert answer.code == 2
        assert f"{board / name}: {REFUSED}" in answer.text
        assert (state(mine), state(board)) == (before, there)
    for words in (("verify", board), ("report", board, "--check")):
        answer = ask(*words)
        read = name != ".gitignore"
        assert bool(answer.code) == read, answer.text
        assert ("is a link" in answer.text and str(board / name) in answer.text) == read
        assert (state(mine), state(board)) == (before, there)


def test_a_leaderboard_may_be_typed_as_a_link(workspace, ask, tmp_path):
    (tmp_path / "link").symlink_to(workspace / "leaderboards/tiny")
    (workspace / "leaderboards/tiny/table.csv").unlink()
    assert ask("report", tmp_path / "link").code == 0
    assert (workspace / "leaderboards/tiny/table.csv").exists()
    assert (tmp_path / "link").is_symlink()


def test_report_and_verify_name_a_file_that_they_do_not_know_and_do_not_fail(workspace, ask):
    board = workspace / "leaderboards/tiny"
    for name in ("mine.png", "sub/mine.png"):
        drafts.write_file(board / "figures" / name, "mine")
    for words in (("report", board), ("verify", board), ("report", board, "--check")):
        answer = ask(*words)
        assert answer.code == 0, answer.text
        for name in ("mine.png", "sub"):
            text = "is no picture that benchmark.json names; it is left alone"
            assert f"{board / 'figures' / name} {text}" in answer.text
    assert (board / "figures/sub/mine.png").read_text() == "mine"


OUTPUTS = {
    "worst": (("worst", "tiny", "--method", "prior"), "worst-tiny-random-test-prior.png"),
    "compare": (
        ("compare", "tiny", "prior", "im2gps"),
        "compare-tiny-random-test-prior-im2gps.png",
    ),
    "data": (("data", "toy-planet", "--config", "photos=120"), "report.md"),
}


@pytest.mark.parametrize(("words", "name"), OUTPUTS.values(), ids=OUTPUTS)
def test_an_output_may_go_to_a_link_that_is_typed_and_through_no_other(
    words, name, workspace, mine, ask, tmp_path
):
    (tmp_path / "disk").mkdir()
    output = tmp_path / "output"
    output.symlink_to(tmp_path / "disk", target_is_directory=True)
    assert ask(*words, "--output", output).code == 0
    assert (tmp_path / "disk" / name).stat().st_size > 100
    put_link(tmp_path / "disk" / name, mine / "thesis.tex")
    before = state(mine)
    answer = ask(*words, "--output", output)
    assert answer.code == 2
    assert f"{output / name}: {REFUSED}" in answer.text
    assert state(mine) == before
    assert (output / name).is_symlink()


@pytest.mark.parametrize("name", ["checks", "checks/method-uniform.json"])
def test_a_check_keeps_its_outcome_through_no_link(name, mine, ask, tmp_path):
    place = tmp_path / "workspace/.geobench" / name
    put_link(place, mine / "thesis.tex" if place.suffix else mine)
    before = state(mine)
    answer = ask("check", "uniform", "--workspace", tmp_path / "workspace")
    assert answer.code == 2
    assert f"{place}: {REFUSED}" in answer.text
    assert state(mine) == before
