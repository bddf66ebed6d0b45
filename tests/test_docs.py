"""README and docs say what the code does: their examples run, their lists are complete."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import geobench
from geobench import catalogue, cli, config, execution, results, runner
from geobench.catalogue import Source, installed
from geobench.testing import examine

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_yaml_of_the_readme_is_valid(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("truth.csv", "answers.csv"):
        (tmp_path / name).write_text("id,lat,lon\n")
    found = blocks("yaml")
    assert len(found) == 2
    for text in found:
        path = tmp_path / "b.yaml"
        path.write_text(text)
        assert config.read(path, installed())
    score = next(text for text in found if "predictions" in text)
    assert len(score.splitlines()) <= 10


def test_the_method_of_the_readme_runs(tmp_path):
    code = next(text for text in blocks("python") if "class MeanPlace" in text)
    space: dict[str, object] = {}
    exec(code, space)
    found = catalogue.load()
    found.add(space["MeanPlace"], Source("readme", "readme", "0"))
    path = tmp_path / "b.yaml"
    path.write_text(
        "benchmarks: [{name: readme, dataset: toy-planet, splits: [random], "
        "methods: [uniform, mean-place], metrics: [geoscore]}]"
    )
    (benchmark,) = config.read(path, found)
    outcome = runner.run(
        benchmark,
        results.Workspace(tmp_path),
        options=execution.Options(),
        reporter=execution.Reporter(),
    )
    assert outcome.failures == []
    table = geobench.load(tmp_path / "leaderboards/readme")
    assert "mean-place" in set(table.label)
    failed = [o for o in examine(space["MeanPlace"]).outcomes if o.status == "failed"]
    assert not failed


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md", "docs/metrics.md"])
def test_every_command_that_the_docs_name_exists(name):
    text = (ROOT / name).read_text()
    named = set(
        re.findall(r"`?geobench (run|list|check|report|verify|compare|worst|map|data)\b", text)
    )
    listed = CliRunner().invoke(cli.app, ["--help"]).output
    for verb in named:
        assert re.search(rf"^\s+{verb}\b", listed, re.MULTILINE), verb


def test_every_flag_that_the_docs_name_exists():
    flags = set(re.findall(r"`(--[a-z-]+)", README))
    texts = "".join(
        CliRunner().invoke(cli.app, [verb, "--help"]).output for verb in ("run", "report", "verify")
    )
    assert flags
    assert all(flag in texts for flag in flags)


def test_the_make_targets_of_the_readme_exist():
    targets = re.findall(r"^make (\w+)", README, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert set(targets) == {"run", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_every_summary_of_every_metric_is_documented():
    text = (ROOT / "docs/metrics.md").read_text()
    for registered in installed().of_kind("metric"):
        metric = registered.plugin()
        for summary in metric.summaries:
            assert f"`{summary.name}`" in text or f"`{summary.name.split('@')[0]}@" in text


def test_every_core_module_is_in_the_architecture():
    text = (ROOT / "docs/architecture.md").read_text()
    modules = {path.stem for path in (ROOT / "geobench").glob("*.py")} - {"__init__"}
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert modules | {"testing"} == {name for name in listed if not name.startswith("geobench_")}


def test_every_hook_is_documented_with_its_signature():
    from geobench import hookspecs

    hooks = [name for name in dir(hookspecs) if name.startswith("register_")]
    assert hooks == [f"register_{kind}s" for kind in sorted(catalogue.KINDS)]
    assert "register_methods" in (ROOT / "CONTRIBUTING.md").read_text()


def test_every_config_field_of_the_harness_is_documented():
    source = (ROOT / "geobench/config.py").read_text()
    for name in config.Benchmark.model_fields:
        assert re.search(rf'^    {name}: [^\n]+\n    """', source, re.MULTILINE), name
    for kind in catalogue.KINDS:
        for registered in installed().of_kind(kind):
            for name, field in registered.plugin.Config.model_fields.items():
                assert field.description, f"{kind} {registered.plugin.name}: {name}"
