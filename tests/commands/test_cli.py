"""The command line: help, version, lists, and words that mean nothing."""

import re

import pytest

import geobench
from command_line import Done
from tiny_benchmark import YAML


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["run", "map", "list", "report", "verify", "worst", "--version"]),
        (["run"], ["--only", "--limit", "--dry-run", "--force", "--device", "--workspace"]),
        (["map"], ["--only", "--photos", "--limit", "--device", "nothing is trained"]),
        (["list"], ["dataset, split, encoder, method and metric"]),
        (["report"], ["--check", "--format", "{benchmark}", "its name below leaderboards/"]),
        (["verify"], ["--runs", "Recompute every number"]),
    ],
    ids=lambda value: " ".join(value) or "geobench" if isinstance(value, list) else "",
)
def test_help_says_what_a_command_does(words, expected, ask):
    answer = ask(*words, "--help")
    assert (answer.code, answer.err) == (0, "")
    flat = " ".join(answer.out.split())
    for text in expected:
        assert text in flat


def test_nothing_typed_shows_the_commands(ask):
    answer = ask()
    assert "Commands" in answer.out + answer.err
    assert "Traceback" not in answer.err


def test_the_version_is_that_of_the_package(ask):
    assert ask("--version") == Done(0, f"geobench {geobench.__version__}\n", "")


def test_list_has_every_kind_with_one_line_each(ask):
    answer = ask("list")
    assert (answer.code, answer.err) == (0, "")
    flat = " ".join(answer.out.split())
    assert f"basics geobench-geolocation {geobench.__version__}" in flat
    for heading in ("datasets", "splits", "encoders", "methods", "metrics"):
        assert re.search(rf"^{heading} *$", answer.out, re.MULTILINE), heading
    assert "toy-planet A synthetic planet" in flat
    assert "nll Negative log-density at the truth" in flat


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["run", "nowhere.yaml"],
            "nowhere.yaml: there is no such file. Give the YAML file's path.",
        ),
        (
            ["report", "nowhere"],
            "nowhere or leaderboards/nowhere: there is no benchmark.json. `geobench run` makes",
        ),
        (["report", "--check", "nowhere"], "nowhere: there is no benchmark.json"),
        (["verify", "nowhere"], "nowhere: there is no benchmark.json"),
        (["run", "typo.yaml"], "typo.yaml:8: methods: there is no method 'priro'. Did you mean"),
        (["run", "good.yaml", "--only", "priro"], "--only names priro, and the file has neither"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_and_exit_code_2(words, message, ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(YAML)
    (tmp_path / "typo.yaml").write_text(YAML.replace("- prior", "- priro"))
    answer = ask(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith(f"error: {message}") or f"/{message}" in answer.err, answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert not (tmp_path / "leaderboards").exists()


@pytest.mark.parametrize(
    "words", [["walk"], ["run"], ["run", "x.yaml", "--limit", "0"], ["list", "--all"]], ids=" ".join
)
def test_a_wrong_word_on_the_command_line_is_exit_code_2(words, ask):
    answer = ask(*words)
    assert answer.code == 2
    assert "Usage: geobench" in answer.err
    assert "Traceback" not in answer.err
