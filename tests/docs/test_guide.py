"""docs/write-a-plugin.md: its code is the example's or runs, its tables are the kit's checks."""

import csv
import importlib
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import geobench as public
import geobench_torch
from command_line import ask
from geobench import Context, Method, geo
from geobench.loading import KINDS
from geobench.testing import kit
from geobench.testing.bridge import Bridge

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/write-a-plugin.md").read_text()
EXAMPLE = ROOT / "examples/geobench-antipode"
MODULES = {
    "trip": "dataset",
    "by_hemisphere": "split",
    "mean_colour": "encoder",
    "named_colour": "encoder",
    "right_hemisphere": "metric",
    "within_reach": "metric",
    "second_opinion": "method",
    "landmarks": "method",
    "small_network": "method",
}
"""The modules that the guide shows whole, and the kind of what each brings."""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def section(title):
    """What is between a heading and the next of the same level or above."""
    level, rest = re.search(rf"^(#+) {title}\n(.*)", GUIDE, re.DOTALL | re.MULTILINE).groups()
    return re.split(rf"^#{{1,{len(level)}}} ", rest, flags=re.MULTILINE)[0]


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """The modules of the guide and of the example, importable: name -> plugin class."""
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    found = {"geobench_antipode": importlib.import_module("geobench_antipode").Antipode}
    for text in blocks("python"):
        named = re.match(r"# (\w+)\.py\n", text)
        if named and named[1] != "lazy_bells":  # which brings no plugin
            (tmp_path / f"{named[1]}.py").write_text(text)
            module = importlib.import_module(named[1])
            (found[named[1]],) = getattr(module, f"register_{MODULES[named[1]]}s")()
    assert set(found) == {"geobench_antipode", *MODULES}
    yield found
    for name in found:
        del sys.modules[name]


def test_the_files_of_the_guide_are_those_of_the_example():
    assert blocks("toml") == [(EXAMPLE / "pyproject.toml").read_text()]
    assert blocks("yaml") == [(EXAMPLE / "benchmarks.yaml").read_text()]
    tests = (EXAMPLE / "tests/test_antipode.py").read_text()
    (shown,) = re.findall(r"```python\n(.*?)```", section("Test it"), re.DOTALL)
    assert tests.startswith(shown)
    tree = re.findall(r"^  (\S+)", section("The folder"), re.MULTILINE)
    assert tree
    assert all((EXAMPLE / name).exists() for name in tree)


def test_the_pieces_of_the_method_are_the_whole_module():
    blocks = re.findall(r"```python\n(.*?)```", section("The method"), re.DOTALL)
    pieces = [block for block in blocks if not block.startswith("# ")]
    assert lines("\n".join(pieces)) == lines((EXAMPLE / "geobench_antipode.py").read_text())


def test_the_lazy_density_of_the_guide_is_one():
    names = {}
    (text,) = [block for block in blocks("python") if block.startswith("# lazy_bells.py")]
    exec(text, names)
    density = names["bells"](geo.uniform(30, np.random.default_rng(0)))
    assert density.density_comes_with_draws
    drawn = density.sample_and_log_prob(5, np.random.default_rng(1))
    np.testing.assert_array_equal(drawn.points, density.sample(5, np.random.default_rng(1)))
    np.testing.assert_allclose(drawn.log_prob, density.log_prob(drawn.points))
    bridges = [Bridge.of(density, np.random.default_rng(seed)).p_value for seed in (2, 3)]
    assert max(bridges) > 0.001


@pytest.mark.parametrize("name", MODULES)
def test_the_kit_passes_the_other_examples(modules, name):
    verdict = kit.examine(modules[name])
    assert [o for o in verdict.outcomes if o.status == "failed"] == []
    assert verdict.counts["passed"] > 3


def test_all_examples_run_together(modules, tmp_path, geobench):
    information = tmp_path / "geobench_guide-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: geobench-guide\nVersion: 1.0\n"
    )
    points = "".join(f"{name} = {name}\n" for name in modules)
    (information / "entry_points.txt").write_text(f"[geobench]\n{points}")
    geobench.extra = (tmp_path, EXAMPLE)
    (tmp_path / "journey").mkdir()
    modules["trip"].tiny(tmp_path / "journey")
    (tmp_path / "b.yaml").write_text(
        "benchmarks: [{name: guide, dataset: {name: trip, root: journey}, encoder: mean-colour, "
        "splits: [by-hemisphere], methods: [uniform, antipode], "
        "metrics: [right-hemisphere, geoscore, nll]}, "
        "{name: more, dataset: {name: toy-planet, photos: 300}, encoder: given, splits: [random], "
        "methods: [prior, landmarks, {name: second-opinion, retriever: toy-nearest}], "
        "metrics: [within-reach]}]"
    )
    done = geobench("run", "b.yaml", PYTHONDONTWRITEBYTECODE="1")
    assert done.code == 1, done.text
    assert "landmarks has no weights at landmarks" in " ".join(done.text.split())
    check_more(tmp_path / "leaderboards/more")
    table = public.load(tmp_path / "leaderboards/guide")
    assert set(table.part) == {"by-hemisphere/south"}
    hits = table[(table.summary == "right-hemisphere") & (table.average == "photo")]
    value = hits[hits["slice"] == "all"].set_index("label").value
    # What has seen northern places only answers with the north, which is always wrong here.
    assert value["antipode"] == 0
    assert 0 < value["uniform"] < 1


def check_more(board):
    """The board of the guide's second opinion, with its curve and its comparison."""
    table = public.load(board)
    whole = table[(table["slice"] == "all") & (table.average == "photo")]
    value = whole.set_index(["label", "summary"]).value
    assert value["second-opinion", "km.against-prior"] < 0  # nearer than without a look
    assert set(table[table.label == "landmarks"].status) == {"absent"}
    with (board / "curves.csv").open(newline="") as stream:
        curve = [row for row in csv.DictReader(stream) if row["curve"] == "within-reach"]
    shares = [float(row["value"]) for row in curve if row["label"] == "second-opinion"]
    assert len(shares) == 5
    assert shares == sorted(shares)


def test_the_functions_of_geo_that_the_guide_names_exist():
    rows = re.findall(r"^\| `geo\.(\w+)\(([^)]*)\)` \|", section("What geo has"), re.MULTILINE)
    assert len(rows) > 10
    for name, arguments in rows:
        takes = list(inspect.signature(getattr(geo, name)).parameters)
        assert takes[: len(arguments.split(", "))] == arguments.split(", "), name
    asked = re.findall(r"`\.(\w+)\(", section("What geo has"))
    assert asked
    assert all(callable(getattr(geo.Places, name)) for name in asked)


@pytest.mark.parametrize("kind", KINDS)
def test_every_check_of_the_kit_is_listed_with_its_promise(kind):
    listed = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", section(f"Of an? {kind}"), re.MULTILINE)
    assert listed == [(check.name, check.description) for check in kit.checks_of(kind)]


def test_every_command_and_flag_of_the_guide_exists():
    verbs = set(re.findall(r"^geobench (\w+)", "\n".join(blocks("sh")), re.MULTILINE))
    verbs |= set(re.findall(r"`geobench (\w+)", GUIDE))
    texts = {}
    for verb in verbs:
        done = ask(verb, "--help")
        assert done.exit_code == 0, verb
        texts[verb] = done.output
    flags = set(re.findall(r"`(--[a-z-]+)", GUIDE))
    assert flags >= {"--expect", "--json", "--force", "--limit", "--workspace"}
    assert [flag for flag in flags if not any(flag in text for text in texts.values())] == []


def test_the_names_that_the_guide_explains_exist():
    told = set(re.findall(r"^\| `(\w+)` \|", section("The method"), re.MULTILINE))
    assert told >= {"name", "predicts", "wants", "version"}
    assert [name for name in told if name not in dir(Method) + ["name"]] == []
    given = set(re.findall(r"`context\.(\w+)", section("What the context gives")))
    fields = {name for name in dir(Context) if not name.startswith("_")}
    assert given <= fields
    # How the harness fills a context is no matter for a method.
    inner = {"known_ids", "cache_root", "deadline", "track", "fitted", "facts"}
    assert fields - inner == given
    classes = re.findall(r"\| `(\w+)\(", section("Which prediction to return"))
    assert len(classes) == 6
    assert all(issubclass(getattr(public, name), public.Prediction) for name in classes)


def test_the_names_of_geobench_torch_are_all_explained():
    told = re.findall(r"^\| `(\w+)` \|", section("The names of geobench_torch"), re.MULTILINE)
    assert sorted(told) == geobench_torch.__all__


def test_the_links_of_the_guide_lead_somewhere():
    headings = re.findall(r"^#+ (.+)$", GUIDE, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(([^)]+)\)", GUIDE)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors, link
        else:
            assert (ROOT / "docs" / link.partition("#")[0]).exists(), link
