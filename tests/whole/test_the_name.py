"""Another distribution named geobench in the same folder: what is said, and the remedy typed."""

import base64
import hashlib
import shlex
import subprocess
import zipfile

import pytest

import geobench
import geobench_geolocation
from environments import ROOT, build, environment, install, links_to_packages, succeeded

THEIRS = {
    "geobench/__init__.py": "from geobench.dataset import Dataset\n",
    "geobench/dataset.py": "class Dataset:\n    pass\n",
    "geobench/task.py": "",
}
FACTS = {
    "geobench-1.0.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: geobench\nVersion: 1.0.0\n",
    "geobench-1.0.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\n"
    "Root-Is-Purelib: true\nTag: py3-none-any\n",
}


def recorded(name, text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(text)}"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Wheels of both, this one and theirs, and a folder of links to all other packages."""
    folder = tmp_path_factory.mktemp("wheels")
    theirs = folder / "geobench-1.0.0-py3-none-any.whl"
    record = "geobench-1.0.0.dist-info/RECORD"
    with zipfile.ZipFile(theirs, "w") as wheel:
        lines = [recorded(*each) for each in (THEIRS | FACTS).items()]
        for name, text in (
            THEIRS | FACTS | {record: "\n".join([*lines, f"{record},,", ""])}
        ).items():
            wheel.writestr(name, text)
    links_to_packages(folder / "packages")
    return {"ours": build(ROOT, folder), "theirs": theirs, "packages": folder / "packages"}


@pytest.fixture
def stranger(wheels, tmp_path):
    """An environment in which neither is installed."""
    return environment(tmp_path / "venv", wheels["packages"], at=tmp_path)


def remove(stranger, name):
    succeeded(stranger("python", "-m", "pip", "uninstall", "--yes", name))


def follow(stranger, said):
    """Type the command that stands in what was said, without the package index."""
    command = said.split("Type: ", 1)[1].split(". Who needs", 1)[0]
    done = subprocess.run(
        command, shell=True, env={"PIP_NO_INDEX": "1", "PIP_NO_COMPILE": "1"}, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert shlex.split(command)[0] == str(stranger.bin / "python")


def sound(stranger):
    listed = stranger("geobench", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    imported = stranger("python", "-W", "error", "-c", "import geobench; print(geobench.Method)")
    assert (imported.returncode, imported.stderr) == (0, "")


def test_ours_alone_says_nothing(stranger, wheels):
    install(stranger, wheels["ours"])
    sound(stranger)


@pytest.mark.parametrize("verb", ["list", "run", "--version"])
def test_theirs_over_ours_is_said_and_mended(verb, stranger, wheels):
    install(stranger, wheels["ours"])
    install(stranger, wheels["theirs"])
    done = stranger("geobench", verb)
    assert done.returncode == 2
    assert "geobench 1.0.0 (GEO-Bench, another project) has overwritten 1 file" in done.stderr
    assert "such as geobench/__init__.py" in done.stderr
    assert done.stderr.count("\n") == 1
    follow(stranger, done.stderr)
    sound(stranger)


def test_ours_over_theirs_works_and_is_said_and_mended(stranger, wheels):
    install(stranger, wheels["theirs"])
    install(stranger, wheels["ours"])
    done = stranger("geobench", "list")
    assert done.returncode == 0
    assert done.stdout.startswith("plugin")
    assert done.stderr.startswith("warning: geobench 1.0.0 (GEO-Bench, another project) and geobe")
    assert done.stderr.count("\n") == 1
    imported = stranger("python", "-c", "import geobench; print(geobench.Method)")
    assert imported.returncode == 0
    assert "SharedFolder: geobench 1.0.0 (GEO-Bench, another project) and" in imported.stderr
    follow(stranger, imported.stderr)
    sound(stranger)


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_what_their_removal_took_away_is_said_and_mended(first, stranger, wheels):
    for name in sorted(["ours", "theirs"], key=lambda name: name != first):
        install(stranger, wheels[name])
    remove(stranger, "geobench")
    done = stranger("geobench", "list")
    assert done.returncode == 2
    assert (
        "1 file of geobench-geolocation are missing or changed, such as geobench/__init__.py"
        in (done.stderr)
    )
    follow(stranger, done.stderr)
    sound(stranger)


def test_a_file_of_ours_that_is_missed_only_later_is_said_too(stranger, wheels):
    install(stranger, wheels["ours"])
    place = next((stranger.bin.parent / "lib").glob("python*/site-packages/geobench"))
    (place / "commands" / "listing.py").unlink()
    done = stranger("geobench", "list")
    assert done.returncode == 2
    assert "1 file of geobench-geolocation are missing or changed" in done.stderr
    follow(stranger, done.stderr)
    sound(stranger)


def test_theirs_before_a_checkout_of_ours_is_said(stranger, wheels):
    install(stranger, wheels["theirs"])
    place = next((stranger.bin.parent / "lib").glob("python*/site-packages"))
    (place / "checkout.pth").write_text(f"{ROOT}\n{ROOT / 'plugins'}\n")
    done = stranger("python", "-c", "import geobench_geolocation as own; own.main()", "list")
    assert done.returncode == 2
    assert f"finds {place / 'geobench'} and not {ROOT / 'geobench'}" in done.stderr
    assert f"install --editable {ROOT}" in done.stderr


def test_a_distribution_of_that_name_with_other_files_is_no_trouble(tmp_path):
    facts = tmp_path / "geobench-2.0.dist-info"
    facts.mkdir()
    (facts / "RECORD").write_text("geobench-2.0.dist-info/METADATA,,\nother/__init__.py,,\n")
    assert geobench_geolocation.trouble(place=tmp_path) == ""
    (facts / "RECORD").write_text("geobench/__init__.py,,\n")
    assert "geobench 2.0 (GEO-Bench" in geobench_geolocation.trouble(place=tmp_path)


def test_nothing_is_said_of_this_environment():
    assert geobench_geolocation.trouble(thorough=True) == ""
    assert geobench.__version__
