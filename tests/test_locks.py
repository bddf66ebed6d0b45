"""The locks name every file by its hash, agree with one another and fit pyproject.toml."""

import re
import tomllib
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = {"methods": ["methods"], "dev": ["methods", "backbones", "dev"]}
SYSTEMS = [
    {"sys_platform": platform, "platform_machine": machine, "python_version": version}
    for (platform, machine), version in product(
        [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")],
        ["3.11", "3.12", "3.13", "3.14"],
    )
]


def locked(name):
    """Requirement -> its hashes, of a lock; every line is one or the other, or a comment."""
    text = (ROOT / "locks" / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = {}
    for line in lines:
        wanted, *hashes = line.split(" --hash=")
        found[Requirement(wanted)] = [each.strip() for each in hashes]
    return found


LOCKS = {name: locked(name) for name in EXTRAS}
every_lock = pytest.mark.parametrize("name", LOCKS)


@every_lock
def test_every_line_has_one_version_and_hashes(name):
    for wanted, hashes in LOCKS[name].items():
        assert re.fullmatch(r"==[^,*]+", str(wanted.specifier)), wanted
        assert hashes, wanted
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), wanted
        assert wanted.url is None


@every_lock
def test_no_lock_names_where_packages_come_from(name):
    text = (ROOT / "locks" / f"{name}.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)


def fitting(name, system):
    """Package -> version that is installed there."""
    system = {"platform_python_implementation": "CPython", "extra": "", **system}
    system["python_full_version"] = f"{system['python_version']}.0"
    system["os_name"] = "nt" if system["sys_platform"] == "win32" else "posix"
    chosen = [w for w in LOCKS[name] if w.marker is None or w.marker.evaluate(system)]
    found = {canonicalize_name(w.name): str(w.specifier)[2:] for w in chosen}
    assert len(found) == len(chosen)
    return found


@every_lock
def test_everywhere_all_that_is_asked_for_is_locked_in_a_version_that_fits(name):
    extras = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
    asked += [text for extra in EXTRAS[name] for text in extras[extra]]
    for system in SYSTEMS:
        there = fitting(name, system)
        for wanted in map(Requirement, asked):
            if wanted.marker is None or wanted.marker.evaluate(system):
                assert there[canonicalize_name(wanted.name)] in wanted.specifier, (wanted, system)
        assert ("faiss-gpu" in there) == (system["platform_machine"] == "x86_64"), system
        assert ("faiss-cpu" in there) == (system["platform_machine"] != "x86_64"), system


def test_both_locks_have_the_same_versions_and_hashes():
    of_dev = {(w.name, str(w.specifier)): hashes for w, hashes in LOCKS["dev"].items()}
    for wanted, hashes in LOCKS["methods"].items():
        assert of_dev[wanted.name, str(wanted.specifier)] == hashes


def test_make_installs_by_hashes_and_geobench_without_dependencies():
    text = (ROOT / "Makefile").read_text()
    assert "LOCKED := $(PIP) --require-hashes --requirement\n" in text
    assert "EDITABLE := $(PIP) --no-deps --no-build-isolation --editable .\n" in text
    for stamp, name in ((".methods", "methods"), (".dev", "dev")):
        recipe = re.search(rf"^\$\(VENV\)/\{stamp}:(.*\n(?:\t.*\n)+)", text, re.MULTILINE)[1]
        assert f"$(LOCKED) locks/{name}.txt\n\t$(EDITABLE)\n" in recipe
        assert "pyproject.toml locks/" in recipe
    assert len(re.findall(r"\$\(PIP\)", text)) == 2
