"""benchmarks.yaml: what is written, and what is left out, becomes the benchmark that is meant."""

from pathlib import Path

import pytest

from geobench import Component, ConfigError, Dataset, Method, Metric, Split
from geobench.config.benchmark import Benchmark, read
from written_benchmarks import Error, Fixed, Halves, Planet, yaml


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("3", 3.0),
        ("-0", 0.0),
    ],
)
def test_numbers_may_be_written_in_any_usual_way(load, written, value):
    (benchmark,) = load(yaml(dataset=f"{{name: planet, scale: {written}}}"))
    assert benchmark.dataset.plugin.config.scale == value


@pytest.mark.parametrize(
    "written", ["NO", "no", "Yes", "on", "off", "2020-01-01", "0x1F", "1_000", "12:30:00", "'7'"]
)
def test_words_stay_words(load, written):
    (benchmark,) = load(yaml(dataset=f"{{name: planet, title: {written}, kinds: [{written}]}}"))
    config = benchmark.dataset.plugin.config
    assert config.title == written.strip("'")
    assert config.kinds == (written.strip("'"),)


def test_a_leading_zero_does_not_make_a_number_octal(load):
    (benchmark,) = load(yaml(dataset="{name: planet, photos: 012}"))
    assert benchmark.dataset.plugin.config.photos == 12


def test_an_anchor_stands_for_what_it_names(load):
    (benchmark,) = load(yaml(methods="[&it {name: fixed, lat: 3}, {name: ranking}]", seeds="[2]"))
    assert benchmark.methods[0].plugin.config.lat == 3
    text = yaml(
        dataset="&there {name: planet, photos: 7}", splits="[{name: elsewhere, test: [*there]}]"
    )
    (benchmark,) = load(text)
    assert benchmark.splits[0].plugin.config.test[0].plugin.config.photos == 7


def test_a_component_may_be_named_with_its_kind(load):
    (benchmark,) = load(yaml(methods="['method:fixed']"))
    assert isinstance(benchmark.methods[0].plugin, Fixed)
    assert benchmark.methods[0].label == "fixed"


def test_what_is_not_said_has_a_default(load):
    (benchmark,) = load(yaml())
    assert benchmark.encoder is None
    assert benchmark.seeds == [0]
    assert benchmark.samples == 16
    assert benchmark.photos == "all"
    assert benchmark.density_photos is None
    assert benchmark.density_samples is None
    assert benchmark.on_broken == "exclude"
    assert [m.label for m in benchmark.methods] == ["fixed"]


def test_explicit_keys_override_a_preset(load):
    text = yaml(
        methods="[{name: fixed, preset: paper}, {name: fixed, label: b, lat: 1, preset: paper}]"
    )
    (benchmark,) = load(text)
    paper, own = (method.plugin.config for method in benchmark.methods)
    assert (paper.lat, paper.steps) == (45.0, 9000)
    assert (own.lat, own.steps) == (1.0, 9000)


def test_a_path_is_relative_to_the_yaml_file(tmp_path, catalogue, monkeypatch):
    folder, elsewhere = tmp_path / "benchmarks", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "photos.csv").write_text("id,lat,lon\n")
    path = folder / "b.yaml"
    path.write_text(yaml(dataset="{name: listed, file: photos.csv}"))
    monkeypatch.chdir(elsewhere)
    (benchmark,) = read(path, catalogue)
    assert benchmark.dataset.plugin.config.file == folder / "photos.csv"
    (benchmark,) = read(Path("../benchmarks/b.yaml"), catalogue)
    assert benchmark.dataset.plugin.config.file == folder / "photos.csv"


def test_a_benchmark_can_be_made_in_python(load):
    made = Benchmark(
        name="small",
        dataset=Component[Dataset].of(Planet()),
        splits=[Component[Split].of(Halves())],
        methods=[Component[Method].of(Fixed())],
        metrics=[Component[Metric].of(Error())],
    )
    (written,) = load(yaml())
    assert made.digest == written.digest


def test_several_benchmarks_keep_their_order(load):
    names = ["zebra", "ant", "bee-2"]
    entries = [yaml(name=name).removeprefix("benchmarks:\n") for name in names]
    assert [b.name for b in load("benchmarks:\n" + "".join(entries))] == names


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_as_whatever_editor_saved_it(encoding, line_end, load):
    text = "# Köln, 京都\n" + yaml(seeds="[0, 4294967295]")
    (benchmark,) = load(text.replace("\n", line_end).encode(encoding))
    assert benchmark.seeds == [0, 4294967295]
    with pytest.raises(ConfigError, match="yaml:8: seeds"):
        load(text.replace("[0,", "[true,").replace("\n", line_end).encode(encoding))


def test_a_file_in_another_encoding_is_a_sentence(load):
    with pytest.raises(ConfigError, match=r"it is no text in UTF-8\. Save it as UTF-8"):
        load(("# Köln\n" + yaml()).encode("latin-1"))
