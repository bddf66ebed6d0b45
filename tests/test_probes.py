"""What is kept of a probe: it is asked once of each code, and again when that changes."""

import json
import os
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from geobench import PluginError, probes
from geobench.catalogue import load, try_again
from hostile_plugins import METRIC, install


def found(folder):
    """The one distribution in a folder, as it is now."""
    (each,) = distributions(path=[str(folder)])
    return probes.suspect(each, list(each.entry_points))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of the path with one plugin, and a folder of the user's of its own."""
    place = tmp_path / "site"
    place.mkdir()
    install(place, "chdir")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(place)
    return place


@pytest.fixture
def tried(monkeypatch):
    """What was tried: nothing is, each is said to hang."""
    calls = []

    def probe(new):
        calls.extend(new)
        return [(each, "it hangs") for each in new]

    monkeypatch.setattr(probes, "_probe", probe)
    return calls


def test_what_was_tried_is_tried_no_more_until_it_is_asked_for(site, tried):
    for _ in range(3):
        assert probes.outcomes([found(site)]) == ["it hangs"]
    assert len(tried) == 1
    probes.outcomes([found(site)], anew=True)
    assert len(tried) == 2


@pytest.mark.parametrize("changed", ["RECORD", "code", "entry points"])
def test_changed_code_is_tried_again(site, tried, changed):
    probes.outcomes([found(site)])
    info = site / "hostile_chdir-1.0.dist-info"
    path = {
        "RECORD": info / "RECORD",
        "code": site / "hostile_chdir.py",
        "entry points": info / "entry_points.txt",
    }[changed]
    path.write_text(path.read_text() + {"entry points": "more = json\n"}.get(changed, "\n"))
    probes.outcomes([found(site)])
    assert len(tried) == 2


def test_an_edit_of_the_same_size_is_seen_in_a_folder_that_is_worked_on(site, tried, tmp_path):
    beside = tmp_path / "checkout" / "src" / "another_package.py"
    beside.parent.mkdir(parents=True)
    beside.write_text("x = 1\n")
    told = {"url": (tmp_path / "checkout").as_uri(), "dir_info": {"editable": True}}
    (site / "hostile_chdir-1.0.dist-info" / "direct_url.json").write_text(json.dumps(told))
    probes.outcomes([found(site)])
    probes.outcomes([found(site)])
    assert len(tried) == 1
    beside.write_text("x = 2\n")
    os.utime(beside, ns=(1, 1))
    probes.outcomes([found(site)])
    assert len(tried) == 2


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b"\xff\x00", b'{"outcomes": 5, "sha256": 5}'])
def test_a_damaged_file_of_outcomes_is_made_anew(site, tried, tmp_path, damage):
    probes.outcomes([found(site)])
    path = tmp_path / "cache" / "geobench" / "plugins.json"
    path.write_bytes(damage)
    assert probes.outcomes([found(site)]) == ["it hangs"]
    assert len(tried) == 2
    probes.outcomes([found(site)])
    assert len(tried) == 2


def test_a_changed_outcome_is_not_believed(site, tried, tmp_path):
    probes.outcomes([found(site)])
    path = tmp_path / "cache" / "geobench" / "plugins.json"
    path.write_text(path.read_text().replace("it hangs", "it hinges"))
    assert probes.outcomes([found(site)]) == ["it hangs"]


def test_a_folder_that_cannot_be_written_stops_nothing(site, tried, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", "/proc/nowhere"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(place))
        assert probes.outcomes([found(site)]) == ["it hangs"]


def test_a_relative_folder_of_outcomes_counts_as_none(site, tried, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    probes.outcomes([found(site)])
    assert not (tmp_path / "here").exists()
    assert (tmp_path / "home" / ".cache" / "geobench" / "plugins.json").exists()


def test_plugins_of_this_distribution_are_never_tried(tried):
    assert load().of_kind("metric")
    assert "geobench-geolocation" not in [
        each.entries[0].dist.name for each in tried if each.entries[0].dist
    ]


def test_where_no_process_can_be_started_plugins_are_loaded_untried(site, monkeypatch, caplog):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert probes.outcomes([found(site)]) == [""]
    assert "loaded untried" in caplog.text


def test_what_was_refused_is_loaded_once_it_is_mended_and_asked_for(tmp_path, monkeypatch):
    """A licence that is missing ends the process: neither RECORD nor code change when it comes."""
    licence, log = tmp_path / "licence", tmp_path / "log"
    site = tmp_path / "site"
    info = site / "licensed-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: licensed\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[geobench]\nlicensed = licensed\n")
    check = f"import os\nwith open({str(log)!r}, 'a') as s: s.write('imported\\n')\n"
    check += f"os.path.exists({str(licence)!r}) or os._exit(3)\n"
    (site / "licensed.py").write_text(check + METRIC)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(site)
    catalogue = load()
    (broken,) = [each for each in catalogue.broken if each.source.distribution == "licensed"]
    assert "its import ends the process (exit code 3)" in broken.reason
    assert "`geobench check licensed` tries it again" in broken.reason
    licence.touch()
    assert [each.source.distribution for each in load().broken] == ["licensed"]
    assert log.read_text().count("imported") == 1
    with pytest.raises(PluginError):
        catalogue.find("metric", "bystander")
    assert try_again(catalogue)
    assert catalogue.find("metric", "bystander").name == "bystander"
    assert not catalogue.broken
    assert not try_again(catalogue)


def test_a_module_of_the_working_folder_hides_nothing_that_is_installed(ask, tmp_path, monkeypatch):
    for name in ("scipy", "pillow_heif", "own_words"):
        (tmp_path / f"{name}.py").write_text(
            f"from pathlib import Path\nPath('{name}-ran').touch()\n" + METRIC
        )
    monkeypatch.chdir(tmp_path)
    path = [each for each in sys.path if each not in ("", str(tmp_path))]
    monkeypatch.setattr(sys, "path", path)
    for name in ("no-such-name", "scipy.Bystander"):
        assert ask("check", name).code == 2
        assert str(tmp_path) not in sys.path
    assert "passed" in ask("check", "own_words.Bystander").out
    assert sys.path[-1] == str(tmp_path)
    assert sorted(each.name for each in Path().glob("*-ran")) == ["own_words-ran"]
