"""One plugin breaks no command: what it does when it is loaded is survived, told of, and named."""

import os
import subprocess
import sys
import time

import pytest

from hostile_plugins import HOSTILE, install
from tiny_benchmark import YAML

# One of each kind, quick ones; all of them, one by one and through three verbs, are slow.
QUICK = [
    *("import-keyboard-interrupt", "import-base-exception", "import-surrogate", "import-ansi"),
    *("import-mute", "hook-system-exit", "hook-group", "exit-at-once", "segfault", "sends-ctrl-c"),
    *("forks-and-stays", "hook-generates", "daemon-prints", "daemon-spins", "exits-at-the-end"),
    *("prints-at-the-end", "print", "os-write", "c-stdio", "original-stdout", "asks"),
    *("prints-for-ever", "closes-stdout", "closes-original", "closes-all-files", "no-stdout"),
    *("strict-warnings", "chdir", "recursion-limit", "seterr", "handles-signals", "alarm"),
    *("blocks-signals", "logging", "fewer-files", "no-print", "no-json", "other-numpy"),
    *("other-geobench", "path-first", "environment", "traces", "excepthook", "eats-memory"),
    *(
        "meta-repr",
        "meta-eq",
        "meta-hash",
        "meta-dir",
        "meta-subclasscheck",
        "raising-version",
        "name-list",
        "name-text",
    ),
    *("kind-list", "version-text", "describe-exits", "doc-number", "module-number", "given-liar"),
    *("requires-odd", "no-module", "codes-in-name", "as-ours", "name-of-megabytes"),
]


def geobench(folder, *words, site, limit=120):
    """The command, as installed: the working folder is not on its path."""
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-P", "-m", "geobench.cli", *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(site / "cache")},
        capture_output=True,
        timeout=limit,
        text=True,
        errors="backslashreplace",
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    for name in QUICK:
        install(place, name)
    return place


@pytest.fixture(scope="module")
def listing(site):
    return geobench(site, "list", site=site, limit=300)


def said_of(name, done):
    """What was said right after each naming of the distribution."""
    text = " ".join((done.stdout + " " + done.stderr).split())
    return " | ".join(part[:300] for part in text.split(f"(hostile-{name} 1.0)")[1:])


def check_said(name, done):
    says = HOSTILE[name].says
    kind, _, what = says.partition(" ")
    text = " ".join((done.stdout + " " + done.stderr).split())
    found = said_of(name, done)
    if kind == "broken":
        named = any(f"(hostile-{name} 1.0)" in part[:600] for part in text.split("broken ")[1:])
        assert named, text
    else:
        assert kind in found
    assert what in found


def test_all_the_rest_is_listed_beside_hostile_plugins(listing):
    assert listing.returncode == 0, listing.stderr
    for name in ("blue-marble", "unseen-cells", "toy-oracle", "geoscore"):
        assert name in listing.stdout
    assert "Traceback" not in listing.stdout + listing.stderr
    assert "\x1b" not in listing.stdout + listing.stderr
    for printed in ("LOUD", "AT THE END", "still here"):
        assert printed not in listing.stdout


@pytest.mark.parametrize("name", [name for name in QUICK if HOSTILE[name].says])
def test_a_hostile_plugin_is_named_with_what_it_did(name, listing):
    check_said(name, listing)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_each_alone_stops_neither_a_listing_nor_a_run_nor_a_verification(name, tmp_path):
    site, work = tmp_path / "site", tmp_path / "work"
    site.mkdir()
    work.mkdir()
    install(site, name)
    (work / "tiny.yaml").write_text(YAML)
    run = ("run", "tiny.yaml", "--only", "uniform", "--no-figures")
    for words in (("list",), run, ("verify", "leaderboards/tiny")):
        begun = time.monotonic()
        done = geobench(work, *words, site=site)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "LOUD" not in done.stdout
        if words == ("list",):
            assert "blue-marble" in done.stdout
            if HOSTILE[name].says:
                check_said(name, done)
        else:
            assert time.monotonic() - begun < 60  # what was probed once is not probed again
