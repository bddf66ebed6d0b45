"""Damaged distributions of others: nothing stops, each is named once, what is sound is found."""

import json
import shutil

import pytest

from command_line import FAULTY, Command
from geobench import distributions
from tiny_benchmark import YAML

PLUGIN = """
import geobench

class Shire(geobench.Split):
    "By shire."
    name = "shire"
    def draw(self, dataset): ...
    @property
    def parts(self): ...

@geobench.hookimpl
def register_splits():
    return [Shire]
"""

DAMAGED = {
    "no METADATA": {"entry_points.txt": b"[console_scripts]\na = b:c\n", "RECORD": b"b.py,,\n"},
    "an empty METADATA": {"METADATA": b"", "RECORD": b"b.py,,\n"},
    "entry points that are no text": {
        "METADATA": b"Metadata-Version: 2.1\nName: odd\nVersion: 1\n",
        "entry_points.txt": b"[geobench]\n\xff\xfe = \x00\n",
    },
    "a line without an equals sign": {
        "METADATA": b"Metadata-Version: 2.1\nName: odd\nVersion: 1\n",
        "entry_points.txt": b"[geobench]\nno equals sign\n[broken\n",
    },
    "nothing at all": {},
    "a plugin without METADATA": {"entry_points.txt": b"[geobench]\nshire = shire\n"},
    "a plugin that exits": {
        "METADATA": b"Metadata-Version: 2.1\nName: odd\nVersion: 1\n",
        "entry_points.txt": b"[geobench]\nexits = exits\n",
    },
}


@pytest.fixture(params=DAMAGED, ids=lambda name: name)
def beside(request, tmp_path):
    """The command, beside a damaged distribution."""
    package = tmp_path / "package"
    facts = package / "odd-1.0.dist-info"
    facts.mkdir(parents=True)
    for name, content in DAMAGED[request.param].items():
        (facts / name).write_bytes(content)
    (package / "shire.py").write_text(PLUGIN)
    (package / "exits.py").write_text("raise SystemExit(7)\n")
    return Command(tmp_path, (package, FAULTY))


def test_nothing_stops_and_the_damage_is_said_once(beside, request):
    name = request.node.callspec.params["beside"]
    listed = beside("list")
    assert listed.code == 0
    assert "Traceback" not in listed.text
    assert "faulty" in listed.out
    said = "odd-1.0.dist-info is damaged" in listed.err
    assert listed.err.count("odd-1.0.dist-info") == (1 if said else 0)
    if name == "a plugin without METADATA":
        assert said
        assert "shire By shire" in " ".join(listed.out.split()), listed.out
    if name == "a plugin that exits":
        assert "broken exits (odd 1): exits does not import: SystemExit: 7" in listed.out
    if name.startswith(("entry points", "a line")):
        assert said or "broken" in listed.out


def test_a_run_records_its_environment_all_the_same(beside):
    (beside.folder / "tiny.yaml").write_text(YAML)
    done = beside("run", "tiny.yaml", "--only", "uniform")
    assert done.code == 0, done.text
    assert "Traceback" not in done.text
    (path,) = beside.folder.glob("leaderboards/tiny/runs/*/uniform-*/record.json")
    packages = json.loads(path.read_text())["environment"]["packages"]
    assert {"geobench-geolocation", "numpy", "scipy"} <= set(packages)
    shutil.rmtree(beside.folder / ".geobench")


def test_what_is_found_one_by_one_is_what_is_found_at_once(monkeypatch):
    modules = {name: set(each) for name, each in distributions.names_of_modules().items()}
    entries = {(e.name, e.value) for e in distributions.plugin_entry_points()}

    def broken(**_):
        raise ValueError("one of them")

    monkeypatch.setattr(distributions.metadata, "entry_points", broken)
    monkeypatch.setattr(distributions.metadata, "packages_distributions", broken)
    assert {(e.name, e.value) for e in distributions.plugin_entry_points()} == entries
    found = distributions.names_of_modules()
    assert {"numpy", "scipy", "rich"} <= set(found) & set(modules)
    assert set(found["numpy"]) == modules["numpy"]
