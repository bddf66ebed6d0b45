"""What reaches a terminal: in any encoding, of any width, whatever names hold, whoever prints."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.markup import escape

import geobench
from command_line import Command
from geobench import catalogue
from geobench.board.tables import Row
from geobench.commands import columns, console, terminal
from geobench.readable import printable
from geobench.records.workspace import Workspace
from tiny_benchmark import YAML

LOUD = '''
import atexit
import ctypes
import os

import numpy as np

import geobench

print("loud: imported")
os.write(1, b"loud: from below\\n")
atexit.register(print, "loud: at the end")


class Loud(geobench.Dataset):
    """Photos whose making is talked about."""

    name = "loud"

    def load(self):
        print("loud: loading")
        ctypes.CDLL(None).puts(b"loud: from C")
        ids = [f"{number}" for number in range(40)]
        places = np.array([(number, 2.0 * number) for number in range(40)])
        return geobench.Table(ids=np.array(ids), points=places, groups=np.array(ids))


@geobench.hookimpl
def register_datasets():
    print("loud: registered")
    return [Loud]
'''


@pytest.fixture
def loud(tmp_path):
    """The command, beside a plugin that prints wherever it can."""
    package = tmp_path / "package"
    facts = package / "loud-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[geobench]\nloud = loud\n")
    (package / "loud.py").write_text(LOUD)
    return Command(tmp_path, (package,))


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp932", "utf-16"])
def test_a_run_goes_to_its_end_in_whatever_encoding_it_is_printed(encoding, tmp_path):
    (tmp_path / "b.yaml").write_text(YAML + YAML.removeprefix("benchmarks:\n").replace("tiny", "b"))
    command = [sys.executable, "-m", "geobench.cli", "run", "b.yaml", "--no-figures"]
    done = subprocess.run(
        [*command, "--only", "uniform"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode(encoding)
    assert "README.md in leaderboards/b" in said
    assert ("geoscore ^" in said) == (encoding not in ("utf-16", "cp932"))


def test_no_file_is_read_or_written_in_the_encoding_of_the_place(tmp_path):
    (tmp_path / "tiny.yaml").write_text(YAML)
    strict = ["-X", "warn_default_encoding", "-W", "always::EncodingWarning"]
    ours = tuple(f"{Path(geobench.__file__).parents[1]}/{name}" for name in ("geobench", "plugins"))
    for words in (["run", "tiny.yaml"], ["verify", "tiny"], ["report", "tiny"], ["list"]):
        done = subprocess.run(
            [sys.executable, *strict, "-m", "geobench.cli", *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
            capture_output=True,
        )
        warned = [each for each in done.stderr.decode().splitlines() if each.startswith(ours)]
        assert (done.returncode, warned) == (0, []), words  # matplotlib has some of its own
        assert done.stdout.isascii()


def test_names_that_an_encoding_lacks_still_differ(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.prepare()
    terminal.say("京都 → 東京, \udcff")
    assert stream.buffer.getvalue() == b"\\u4eac\\u90fd -> \\u6771\\u4eac, \\udcff\n"


def test_what_plugins_print_does_not_stand_in_json(loud):
    done = loud("data", "loud", "--split", "random", "--json")
    assert done.code == 0
    assert json.loads(done.out)["dataset"]
    for said in ("imported", "from below", "registered", "loading", "from C", "at the end"):
        assert f"loud: {said}" in done.err


def test_what_a_checked_plugin_prints_does_not_stand_in_json(loud):
    done = loud("check", "dataset:loud", "--json")
    assert json.loads(done.out)["checks"]
    assert "loud: loading" in done.err


ODD = "a [red]b[/red] [/] [bold] :smile: \\"


@pytest.mark.parametrize("width", [20, 60, 200])
def test_columns_show_names_as_they_are_and_numbers_whole(width):
    screen = Console(file=io.StringIO(), width=width)
    rows = [[ODD, "12,345.6", "done"], ["x" * 150, "0.00012", "to run"]]
    columns.show(screen, ["[label]" * 9, "geoscore ↑", ""], rows, numbers=(1,), whole=(2,))
    said = screen.file.getvalue()
    assert "".join(said.split()).count("x") == 150
    for number in ("12,345.6", "0.00012", "to run"):
        assert number in said
    if width == 200:
        assert ODD in said


def test_standings_keep_every_digit_beside_long_labels():
    long = ["x" * 140, "y" * 140]
    rows = [
        Row("b", "s/" + "p" * 90, "all", "photo", label, "m", name, unit, "higher", value=12345.0)
        for label in long
        for name, unit in (("geoscore", "points"), ("distance.median", "km"))
    ]
    for width in (40, 80, 120):
        screen = Console(file=io.StringIO(), width=width)
        console.standings(screen, rows)
        said = screen.file.getvalue()
        assert said.count("12,345") == 4
        assert "…" not in said
        assert (said.count("x"), said.count("y")) == (140, 140)


def test_what_a_run_says_is_no_markup():
    screen = Console(file=io.StringIO(), width=200)
    console.ConsoleReporter(screen).say(ODD)
    assert screen.file.getvalue() == ODD + "\n"


def test_an_error_that_nobody_foresaw_is_one_sentence(ask, workspace, monkeypatch):
    def broken(self, root):
        raise ZeroDivisionError("of\nnothing")

    monkeypatch.chdir(workspace)
    monkeypatch.setattr(Workspace, "__init__", broken)
    answer = ask("run", "tiny.yaml", "--dry-run")
    assert answer.code == 2
    assert answer.err.startswith("error: ZeroDivisionError: of nothing (test_terminals.py:")
    assert answer.err.count("\n") == 1
    monkeypatch.setenv("GEOBENCH_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        ask("run", "tiny.yaml", "--dry-run")


def test_an_error_of_the_system_names_its_file_and_what_to_do(ask, workspace, monkeypatch):
    def full(self, root):
        raise OSError(28, "No space left on device", "/far/away")

    monkeypatch.chdir(workspace)
    monkeypatch.setattr(Workspace, "__init__", full)
    answer = ask("run", "tiny.yaml", "--dry-run")
    assert answer.err.startswith(
        "error: /far/away: no space left on device. Make room on this disk"
    )


ODD_IDS = ["\x1b[31mred", "tab\tbed", "bell\x07", "back\rward", "\x9b2Jgone", "\u202eolleh", "\x7f"]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_no_text_of_a_user_moves_the_cursor(odd, capsys, caplog):
    shown = odd.encode("unicode_escape").decode()
    heads = (f"head {odd}", "n")
    for place in (terminal.screen(), terminal.complaints()):
        columns.show(place, heads, [(odd, "1")], numbers=(1,))
        console.ConsoleReporter(place).say(f"of {odd}")
        place.print(f"[bold]{escape(odd)}", highlight=False)
    terminal.say(odd)
    terminal.say(odd, error=True)
    for said in capsys.readouterr():
        assert said.count(shown) == 5
        assert not set(said) & set("\x1b\t\x07\r\x9b\u202e\x7f")


def test_what_can_be_printed_is_printed_as_it_is():
    for text in ("two\nlines", "京都", "na\u00efve", "👩\u200d🚀", "a\\x1b", "non\u00a0breaking"):
        assert printable(text) == text


@pytest.mark.parametrize(
    "verb", [("worst", "tiny", "-m", "prior"), ("compare", "tiny", "prior", "uniform")]
)
def test_json_stays_json_where_plugins_print_when_they_are_loaded(
    verb, ask, workspace, monkeypatch
):
    whole = catalogue.installed

    def loud():
        sys.stdout.write("chatter of a plugin\n")
        return whole()

    monkeypatch.chdir(workspace)
    monkeypatch.setattr(catalogue, "installed", loud)
    answer = ask(*verb, "--json")
    assert answer.code == 0
    json.loads(answer.out)
    assert "chatter of a plugin" in answer.err


def test_a_command_whose_standard_streams_are_closed_ends_well():
    ask = "from geobench_geolocation import main; main()"
    closed = "import os, runpy; os.closerange(0, 3)"
    again = f"os.execv({sys.executable!r}, [{sys.executable!r}, '-c', {ask!r}, '--version'])"
    done = subprocess.run([sys.executable, "-c", f"{closed}; {again}"], check=False)
    assert done.returncode == 0


def test_what_is_closed_is_open_again_at_its_number(monkeypatch):
    monkeypatch.setattr(sys, "stdin", sys.stdin)
    monkeypatch.setattr(sys, "stdout", None)
    kept = os.dup(0)
    os.close(0)
    try:
        terminal._reopen()
        assert os.path.samestat(os.fstat(0), os.stat(os.devnull))
        assert sys.stdout.fileno() == 1
    finally:
        os.dup2(kept, 0)
        os.close(kept)
