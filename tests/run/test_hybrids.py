"""Methods made of others: nested, of another package, killed, by name, and with several seeds."""

import json
import shutil
import signal
from collections import Counter

import pytest

from command_line import FAULTY, HYBRIDS, Command
from geobench.catalogue import installed
from geobench.pages.verification import verify
from geobench.records import files

YAML = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 200}
    encoder: given
    splits: [striped]
    methods:
      - uniform
      - pair
      - name: pair
        label: nested
        first: {name: pair, second: {name: counted, tag: b}}
        second: {name: toy-nearest, k: 1}
    metrics: [distance, energy]
    samples: 2
    seeds: [0, 1]
"""


def command(folder):
    return Command(folder, extra=(FAULTY, HYBRIDS))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "b.yaml").write_text(YAML)
    run = command(folder)
    done = run("run", "b.yaml")
    assert done.code == 0, done.text
    return run


@pytest.fixture
def fresh(tmp_path):
    (tmp_path / "b.yaml").write_text(YAML)
    return command(tmp_path)


def starts(run):
    return Counter(line for line in run.fits() if line.startswith("start"))


def answers(folder):
    """Every array and table of the leaderboard without a clock in it."""
    paths = [*folder.rglob("answer.npz"), *folder.rglob("energy-*.npz"), *folder.rglob("table.csv")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths if "draft" not in str(p)}


@pytest.mark.parametrize("name", ["pair", "nested"])
def test_a_hybrid_of_others_and_of_another_packages_passes_the_kit(tmp_path, name):
    done = command(tmp_path)("check", f"method:{name}", "--json")
    found = json.loads(done.out)
    bad = {c["check"]: c["reason"] for c in found["checks"] if c["status"] == "failed"}
    assert (done.code, bad) == (0, {})


def test_every_training_is_one_for_each_seed_and_is_shared(undisturbed):
    # `counted` is stochastic, and so are pairs of it; the nearest photos are found once.
    assert starts(undisturbed) == {
        **{f"start pair {seed} 50": 3 for seed in (0, 1)},  # pair, the inner, the outer
        **{f"start inner {seed} 50": 1 for seed in (0, 1)},
        **{f"start b {seed} 50": 1 for seed in (0, 1)},
    }
    rows = files.read_json(undisturbed.folder / "leaderboards/small/benchmark.json")["rows"]
    seeds = Counter((row["label"], row["part"]) for row in rows)
    assert seeds["nested", "striped/third"] == seeds["pair", "striped/fourth"] == 2


def test_a_leaderboard_of_hybrids_is_verified_and_recorded(undisturbed):
    before = undisturbed.fits()
    assert undisturbed("verify", "small").code == 0
    done = undisturbed("run", "b.yaml")
    assert "6 recorded" in done.out, done.text
    assert undisturbed.fits() == before


# Where the process dies, and what is fitted again because of it.
PHASES = {
    "fitting the component of another package": (
        "faulty.fitting",
        "inner",
        1,
        ["start inner 0 50"],
    ),
    "fitting the component of a component": ("faulty.fitting", "b", 2, ["start b 1 50"]),
    "a component that is not stored": ("os.rename", r"/states/\w+$", 4, ["start inner 0 50"]),
    "components that are stored, their method not": (
        *("os.rename", r"/states/\w+$", 5),
        ["start pair 0 50"],
    ),
    "answering through a component": ("faulty.answering", "inner", 1, []),
    "a record that is not in place": ("os.rename", r"/pair-1-\w+$", 2, []),
}


@pytest.mark.parametrize(("event", "where", "nth", "again"), PHASES.values(), ids=PHASES)
def test_a_run_that_is_killed_goes_on_with_the_components_that_are_stored(
    fresh, undisturbed, tmp_path, event, where, nth, again
):
    struck = json.dumps({"event": event, "where": where, "nth": nth})
    killed = fresh("run", "b.yaml", STRIKE=struck)
    assert killed.code == -signal.SIGKILL, killed.text
    done = fresh("run", "b.yaml")
    assert done.code == 0, done.text
    assert answers(tmp_path) == answers(undisturbed.folder)
    lost = starts(fresh) - starts(undisturbed)
    assert set(lost) <= set(starts(undisturbed))
    assert lost == Counter(again)
    assert verify(tmp_path / "leaderboards/small", installed()) == []


def test_a_component_whose_state_is_gone_is_fitted_again_alone(undisturbed, tmp_path):
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    run = command(tmp_path)
    states = list((tmp_path / ".geobench/states").glob("*"))
    for state in states:
        if "centre" in files.read_arrays(state / "state.npz"):
            shutil.rmtree(state)
    for path in tmp_path.rglob("energy-*.npz"):
        path.unlink()
    done = run("run", "b.yaml")
    assert done.code == 0, done.text
    assert starts(run) - starts(undisturbed) == Counter(
        {f"start {tag} {seed} 50": 1 for tag in ("inner", "b") for seed in (0, 1)}
    )
    assert answers(tmp_path) == answers(undisturbed.folder)


def test_a_component_by_name_that_is_not_installed_is_told_where_it_is_asked_for(fresh, tmp_path):
    listed = fresh("list")
    assert listed.code == 0
    assert any(line.startswith("lonely ") for line in listed.out.splitlines())
    (tmp_path / "b.yaml").write_text(YAML.replace("- uniform\n", "- name: lonely\n", 1))
    done = fresh("run", "b.yaml")
    assert done.code == 2
    said = " ".join(done.text.split())
    assert "b.yaml:7" in said
    assert "lonely" in said
    assert "nowhere-to-be-found" in said
    assert "Traceback" not in said
    assert not (tmp_path / "leaderboards").exists()
    checked = fresh("check", "lonely")
    assert checked.code != 0
    assert "nowhere-to-be-found" in " ".join(checked.text.split())


def test_a_field_that_was_added_leaves_what_is_recorded(fresh, tmp_path):
    (tmp_path / "b.yaml").write_text(YAML.replace("- uniform\n", "- grown\n", 1))
    assert fresh("run", "b.yaml", "--only", "grown").code == 0
    before = starts(fresh)
    records = sorted((tmp_path / "leaderboards").rglob("grown-*/record.json"))
    assert "extra" not in files.read_json(records[0])["method"]["config"]
    states = {path.name for path in (tmp_path / ".geobench/states").iterdir()}
    done = fresh("run", "b.yaml", "--dry-run", "--only", "grown", GROWN="yes")
    assert "2 recorded" in done.out, done.text
    done = fresh("run", "b.yaml", "--only", "grown", GROWN="yes")
    assert "2 recorded" in done.out, done.text
    assert starts(fresh) == before
    assert sorted((tmp_path / "leaderboards").rglob("grown-*/record.json")) == records
    assert {path.name for path in (tmp_path / ".geobench/states").iterdir()} == states
    board = tmp_path / "leaderboards/small"
    manifest = files.read_json(board / "benchmark.json")
    way = ["methods", 0, "config", "extra"]
    assert manifest["benchmark"]["methods"][0]["config"]["extra"] == 0
    assert way in manifest["left_out"]
    assert verify(board, installed()) == []  # without a class that has this field
    for change, said in (
        (lambda ways: [w for w in ways if w != way], "is not of its digest"),
        (lambda ways: [*ways, ["methods", 0, "config", "tag"]], "is not of its digest"),
        (lambda ways: [*ways, ["methods", 0, "config", "nothing"]], "left_out names a field"),
        (lambda ways: [*ways, ["methods", 9, "config", "tag"]], "left_out names a field"),
        (lambda ways: [*ways, []], "left_out names a field"),
    ):
        tampered = manifest | {"left_out": change(manifest["left_out"])}
        files.write_json(board / "benchmark.json", tampered)
        assert any(said in problem for problem in verify(board, installed()))
    (tmp_path / "b.yaml").write_text(YAML.replace("- uniform\n", "- {name: grown, extra: 1}\n", 1))
    done = fresh("run", "b.yaml", "--dry-run", "--only", "grown", GROWN="yes")
    assert "2 to run" in done.out, done.text
