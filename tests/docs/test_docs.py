"""README and docs say what the code does: their examples run, their lists are complete."""

import inspect
import re
import shlex
from typing import get_args

import numpy as np
import pytest
import typer

import geobench
import small_run
from geobench import catalogue, cli, config, hookspecs
from geobench.catalogue import Source, installed
from geobench.summaries import Curve
from geobench.testing import examine
from pages import PAGES, ROOT, Page, tables

README = Page.read("README.md")
COMMANDS = typer.main.get_command(cli.app).commands
NOW = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""The pages that describe geobench as it is."""

pages = pytest.mark.parametrize("page", NOW, ids=lambda page: page.name)


def flags(verb):
    """The flags of a verb, `--help` among them."""
    return {"--help", *(o for p in COMMANDS[verb].params for o in (*p.opts, *p.secondary_opts))}


def named_flags(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def test_the_yaml_of_the_readme_is_valid(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("truth.csv", "answers.csv"):
        (tmp_path / name).write_text("id,lat,lon\n")
    found = README.blocks("yaml")
    assert len(found) == 2
    for text in found:
        path = tmp_path / "b.yaml"
        path.write_text(text)
        assert config.read(path, installed())
    score = next(text for text in found if "predictions" in text)
    assert len(score.splitlines()) <= 10


def test_the_method_of_the_readme_runs(tmp_path):
    code = next(text for text in README.blocks("python") if "class MeanPlace" in text)
    space = {}
    exec(code, space)
    found = catalogue.load()
    found.add(space["MeanPlace"], Source("readme", "readme", "0"))
    text = (
        "benchmarks: [{name: readme, dataset: toy-planet, splits: [random], "
        "methods: [uniform, mean-place], metrics: [geoscore]}]"
    )
    (benchmark,) = small_run.read(tmp_path, text, known=found)
    outcome = small_run.run(benchmark, tmp_path, figures=True)
    assert outcome.failures == []
    table = geobench.load(tmp_path / "leaderboards/readme")
    assert "mean-place" in set(table.label)
    failed = [o for o in examine(space["MeanPlace"]).outcomes if o.status == "failed"]
    assert not failed


def test_the_make_targets_of_the_readme_exist():
    targets = re.findall(r"^make (\w+)", README.text, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert {"run", "test"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pages
def test_every_command_line_of_the_docs_parses(page):
    for line in "".join(page.blocks("sh")).splitlines():
        if line.startswith("geobench "):
            verb, *words = shlex.split(line, comments=True)[1:]
            COMMANDS[verb].make_context(verb, words)  # raises what a user would see


@pages
def test_every_command_and_flag_that_the_docs_name_exists(page):
    everywhere = set().union(*map(flags, COMMANDS), {"--version"})
    for span in page.spans():
        if command := re.fullmatch(r"geobench ([a-z]+)\b(.*)", span):
            assert command[1] in COMMANDS, span
            assert named_flags(span) <= flags(command[1]), span
        elif span.startswith("--"):
            assert named_flags(span) <= everywhere, span


def test_every_flag_of_run_is_documented_with_its_default():
    documented, *_ = tables(Page.read("docs/benchmarks.md").section("Flags"))
    shown = {frozenset(named_flags(name)): row["default"] for name, row in documented.items()}
    options = {frozenset((*p.opts, *p.secondary_opts)): p for p in COMMANDS["run"].params}
    options = {names: p for names, p in options.items() if any(n.startswith("--") for n in names)}
    assert set(shown) == set(options)
    for names, option in options.items():
        if isinstance(option.default, bool) or option.default is None:
            continue
        assert shown[names] == f"`{option.default}`", names


def test_every_command_is_documented():
    lines = [span for page in NOW for span in page.spans()]
    lines += [line for page in NOW for block in page.blocks("sh") for line in block.splitlines()]
    named = {words[1] for words in map(str.split, lines) if words[:1] == ["geobench"] and words[1:]}
    assert set(COMMANDS) <= named


@pages
def test_every_link_within_the_project_leads_somewhere(page):
    for link in page.links():
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        assert target.exists(), link
        if anchor:
            there = Page(target, target.read_text())
            assert anchor in there.anchors(), link


def test_every_summary_of_every_metric_is_documented():
    text = Page.read("docs/metrics.md").text
    for registered in installed().of_kind("metric"):
        metric = registered.plugin()
        for summary in metric.summaries:
            assert f"`{summary.name}`" in text or f"`{summary.name.split('@')[0]}@" in text


def test_every_summary_has_the_range_that_the_page_states():
    told, *_ = tables(Page.read("docs/metrics.md").section("Metrics"))
    stated = {name: row["range"] for names, row in told.items() for name in names.split("`, `")}
    assert stated["geoscore"] == "0 to 5000"
    bounded = []
    for registered in installed().of_kind("metric"):
        for summary in registered.plugin().summaries:
            known = f"{summary.name.split('@')[0]}@25km"
            words = stated.get(summary.name) or stated.get(known)
            if words is None or isinstance(summary, Curve):
                continue
            numbers = [float(n.replace(",", "")) for n in re.findall(r"-?\d[\d,]*\.?\d*", words)]
            if " to " in words:
                assert summary.range == pytest.approx(numbers[:2], rel=1e-3)
                bounded.append(summary.name)
            elif "or more" in words:
                assert summary.range == (pytest.approx(numbers[0], rel=1e-3), np.inf)
            elif "at most" in words:
                assert summary.range == (-np.inf, pytest.approx(numbers[0], rel=1e-3))
            else:
                assert summary.range == (-np.inf, np.inf)
    assert {"distance.mean", "energy-chordal", "calibration.error", "area@90%"} <= set(bounded)


def test_every_path_that_a_page_names_is_there():
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / n for n in ("README.md", "CONTRIBUTING.md"))]
    named = {
        (page.name, path)
        for page in pages
        for path in re.findall(r"`((?:geobench|plugins|perf|docs)/[\w./-]+)`", page.read_text())
    }
    assert ("statistics.md", "geobench/statistics/") in named
    assert [each for each in named if not (ROOT / each[1]).exists()] == []


def test_every_plugin_package_is_in_the_architecture():
    (listed,) = tables(Page.read("docs/architecture.md").section("The plugins beside it"))
    assert {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")} == set(listed)


def test_every_hook_is_in_the_guide_with_its_signature():
    hooks = {n: f for n, f in vars(hookspecs).items() if n.startswith("register_")}
    assert set(hooks) == {f"register_{kind}s" for kind in catalogue.KINDS}
    (table,) = tables(Page.read("docs/write-a-plugin.md").section("The hooks"))
    told = {said: row["what it registers"] for said, row in table.items()}
    for name, hook in hooks.items():
        (kind,) = get_args(*get_args(inspect.signature(hook).return_annotation))
        assert told.pop(f"{name}() -> Sequence[type[{kind.__name__}]]") == hook.__doc__
    assert not told
    code = "".join(Page.read("docs/write-a-plugin.md").blocks("python"))
    for name, hook in hooks.items():
        arguments = ", ".join(inspect.signature(hook).parameters)
        assert f"@hookimpl\ndef {name}({arguments})" in code, name
    assert "register_methods" in Page.read("CONTRIBUTING.md").text


def test_every_config_field_says_what_it_is_for():
    for kind in catalogue.KINDS:
        for registered in installed().of_kind(kind):
            for name, field in registered.plugin.Config.model_fields.items():
                assert field.description, f"{kind} {registered.plugin.name}: {name}"
    source = inspect.getsource(inspect.getmodule(config.Benchmark))
    for name in config.Benchmark.model_fields:
        assert re.search(rf'^    {name}: [^\n]+\n    """', source, re.MULTILINE), name


@pytest.mark.slow
def test_the_commands_of_the_pages_on_results_and_data_work_as_written(geobench, tmp_path):
    datasets = {name: installed().find("dataset", name) for name in ("folder", "table")}
    datasets["folder"].tiny(tmp_path)
    made = datasets["table"].tiny(tmp_path)
    made.file.rename(tmp_path / f"photos{made.file.suffix}")
    for picture in made.images.iterdir():
        picture.rename(tmp_path / "photos" / picture.name)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    commands = ["run benchmarks/toy.yaml"]
    for page in ("docs/results.md", "docs/data.md"):
        commands += [line.removeprefix("geobench ") for line in commands_of(Page.read(page))]
    assert len(commands) == 10
    for command in commands:
        done = geobench(*shlex.split(command, comments=True))
        # `--strict` says 1 of what it found, and nothing else does.
        assert done.code in ((0, 1) if "--strict" in command else (0,)), done.text
        assert "Traceback" not in done.text


def commands_of(page):
    lines = "".join(page.blocks("sh")).splitlines()
    return [line for line in lines if line.startswith("geobench ")]
