"""A third-party package, built and installed as by a stranger, in an environment without torch."""

import json
import shutil

import pytest

import geobench
from environments import ROOT, build, environment, install, links_to_packages, succeeded

EXAMPLE = ROOT / "examples" / "geobench-antipode"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An environment with wheels of geobench and of the example, installed by pip."""
    folder = tmp_path_factory.mktemp("stranger")
    package, wheels = folder / "geobench-antipode", folder / "wheels"
    shutil.copytree(EXAMPLE, package, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    wheels.mkdir()
    made = [build(source, wheels) for source in (ROOT, package)]
    links_to_packages(folder / "packages")
    found = environment(folder / "venv", folder / "packages", at=package)
    install(found, *made)
    return found


@pytest.fixture(scope="module")
def checked(stranger):
    """What `geobench check antipode` printed."""
    return succeeded(stranger("geobench", "check", "antipode"))


@pytest.fixture(scope="module")
def board(stranger, checked):
    """The leaderboard of the example's own benchmarks.yaml."""
    succeeded(stranger("geobench", "run", "benchmarks.yaml"))
    return stranger.folder / "leaderboards" / "antipode"


def test_the_environment_has_no_torch_and_a_geobench_of_its_own(stranger):
    code = (
        "import geobench, importlib.util as u, sys; "
        "assert not any(u.find_spec(name) for name in ('torch', 'faiss')); "
        "assert geobench.__file__.startswith(sys.prefix), geobench.__file__"
    )
    succeeded(stranger("python", "-c", code))


def test_list_shows_the_package_and_its_method(stranger):
    lines = succeeded(stranger("geobench", "list")).splitlines()
    words = [line.split() for line in lines]
    assert ["antipode", "geobench-antipode", "1.0"] in words
    assert any(line.startswith("antipode ") and "Ridge regression" in line for line in lines)
    assert not [line for line in lines if line.startswith(("broken", "clash"))]


def test_the_kit_passes_it_without_torch(stranger, checked):
    kept = json.loads((stranger.folder / ".geobench/checks/method-antipode.json").read_text())
    assert kept["plugin"] == "method:antipode"
    assert kept["passed"] is True
    assert set(kept["counts"]) <= {"passed", "skipped"}
    assert kept["counts"]["passed"] > 10
    assert all(check["check"] in checked for check in kept["checks"])


def test_its_scores_are_better_than_by_chance(board):
    table = geobench.load(board)
    rows = table[(table.summary == "geoscore") & (table["slice"] == "all")]
    value = rows[rows.average == "photo"].set_index("label").value
    assert value["antipode"] > value["uniform"]


def test_its_records_say_that_it_was_checked_and_those_of_others_that_they_were_not(board):
    records = [json.loads(path.read_text()) for path in board.glob("runs/*/*/record.json")]
    said = {record["fit"]["method"]["name"]: record["check"] for record in records}
    assert said["antipode"]["passed"] > 10
    assert said["antipode"]["failed"] == {}
    assert said["uniform"] == "not checked"


def test_verify_finds_every_number_right(stranger, board):
    said = succeeded(stranger("geobench", "verify", board))
    assert "every number is what the records give" in said


def test_its_own_tests_pass_there(stranger):
    said = succeeded(stranger("python", "-m", "pytest", "-q", "-W", "error", "tests"))
    assert "passed" in said
    assert "failed" not in said
