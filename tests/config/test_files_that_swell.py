"""A benchmarks.yaml that is small and costs much, or is no file at all, ends in one sentence."""

import os
import random
import time

import pytest
from pydantic import ValidationError

from geobench.components import Config, InputPath, canonical
from geobench.config import yaml_lines
from geobench.config.origins import settings_of
from geobench.errors import ConfigError, GeobenchError
from geobench_basics.methods.prior import PriorConfig
from geobench_basics.metrics.distance import AccuracyConfig


class Weights(Config):
    """Names a folder."""

    release: InputPath


HOSTILE = {
    "lists in lists": ("a: " + "[" * 5_000, "lists and mappings over 64 deep"),
    "mappings in mappings": ("{a: " * 5_000, "lists and mappings over 64 deep"),
    "lists that are closed": ("[" * 70 + "]" * 70, "lists and mappings over 64 deep"),
    "dashes": ("- " * 3_000, "lists and mappings over 64 deep"),
    "a huge number": (f"a: {'9' * 5_000}", "letters more)' cannot be read as int"),
    "a number beyond all": ("a: 1e999", "1e999 is no finite number"),
    "a long number beyond all": (f"a: {'9' * 2_000}.0", "is no finite number"),
    "an empty float": ("a: !!float ''", "'' cannot be read as float"),
    "hours without end": (f"a: !!float {'9:' * 300}9", "cannot be read as float"),
    "a long key": (f"? {'x' * 5_000}\n: 1", "a key of 5,000 characters. Close quotes"),
    "a long unknown anchor": (f"a: *{'x' * 5_000}", "found undefined alias"),
    "a character beyond all": ('a: "\\Uffffffff"', "a number that stands for nothing. Check"),
    "a version beyond all": (f"%YAML {'9' * 5_000}.1\n---\na", "a number that stands for nothing"),
    "half a character": ('a: "\\ud800"', "'\\\\ud800' holds half a character"),
    "half a character in a key": ('"\\udfff": 1', "holds half a character"),
    "bytes": ("a: !!binary YWJj", "could not determine a constructor for the tag"),
    "a date": ("a: !!timestamp 2020-01-01", "could not determine a constructor for the tag"),
    "a call": ("a: !!python/object/apply:os.abort []", "constructor for the tag"),
    "a tagged mapping": ("a: !!set {x, y}", "constructor for the tag 'tag:yaml.org,2002:set'"),
}


def read(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return yaml_lines.read(path)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_swells_or_stands_for_nothing_is_one_short_sentence(hostile, tmp_path):
    content, expected = HOSTILE[hostile]
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "a.yaml", content)
    message = str(caught.value).removeprefix(f"{tmp_path / 'a.yaml'}:1: ")
    assert message != str(caught.value)  # the line was said
    assert expected in message
    assert len(message) < 450
    assert "\n" not in message


def test_values_are_counted_while_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(yaml_lines, "_MOST_VALUES", 500)  # of fifty thousand, which take seconds
    with pytest.raises(ConfigError, match=r"a\.yaml:1: over 50,000 values\. Long lists, such as"):
        read(tmp_path / "a.yaml", "a: [" + "1," * 500 + "]")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "a.yaml").open("wb") as stream:
        stream.truncate(1 << 40)  # without its bytes on the disk
    with pytest.raises(ConfigError, match=r"a\.yaml: has 1,099,511,627,776 bytes, which is over"):
        yaml_lines.read(tmp_path / "a.yaml")


def test_a_pipe_or_a_device_is_told_of_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", "/dev/zero"):
        with pytest.raises(ConfigError, match="is no file, but a pipe, a socket or a device"):
            yaml_lines.read(type(tmp_path)(path))


@pytest.mark.parametrize("kind", ["pipe", "loop", "long"])
def test_an_input_that_is_no_file_is_told_of_with_its_line(kind, load, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    name, said = {
        "pipe": ("pipe", "is no file, but a pipe, a socket or a device. Write its content"),
        "loop": ("loop", "a link that leads back to itself"),
        "long": ("x" * 5_000, "cannot be looked at (File name too long)"),
    }[kind]
    text = f"benchmarks:\n  - dataset: {{name: listed, file: {name}}}\n"
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert str(caught.value).startswith(f"{tmp_path / 'benchmarks.yaml'}:2: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_value_without_end_is_shown_by_its_beginning(load):
    long, whole = "x" * 100_000, "splits: [halves], methods: [fixed], metrics: [error]"
    for entry in (
        f"name: {long}",
        f"name: {'9' * 4_000}",
        f"{long[:200]}: 1",
        f"name: a, dataset: {long}, {whole}",
        f"name: a, dataset: planet, samples: {'9' * 4_000}, {whole}",
        f"name: a, dataset: planet, on_broken: {long}, {whole}",
        f"name: a, dataset: {{name: planet, preset: {long}}}, {whole}",
        f"name: a, dataset: {{name: planet, label: 'é{long}'}}, {whole}",
        f"name: {long}, dataset: planet, {whole}",
    ):
        with pytest.raises(ConfigError) as caught:
            load(f"benchmarks: [{{{entry}}}]\n")
        assert len(str(caught.value)) < 900, entry[:60]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("seeds: [" + ", ".join(map(str, range(1_001))) + "]", "1,001 seeds are too many. Give at"),
        ("samples: 1000000000000", "more than 100,000 points per photo fit in no memory"),
    ],
)
def test_a_benchmark_that_fits_nowhere_is_refused_with_its_line(key, said, load):
    parts = "splits: [halves], methods: [fixed], metrics: [error]"
    with pytest.raises(ConfigError, match=r"benchmarks\.yaml:2: ") as caught:
        load(f"benchmarks:\n  - {{name: a, dataset: planet, {key}, {parts}}}\n")
    assert said in str(caught.value)


def test_radii_without_end_are_refused():
    with pytest.raises(ValidationError, match="20,000 radii are too many"):
        AccuracyConfig(radii_km=tuple(range(1, 20_001)))
    assert len(AccuracyConfig(radii_km=tuple(range(1, 101))).radii_km) == 100


def test_widths_of_the_prior_without_end_are_refused():
    with pytest.raises(ValidationError, match="5,000 widths are too many"):
        PriorConfig(bandwidths_km=tuple(range(10, 5_010)))


def test_json_without_end_on_a_command_line_is_one_sentence():
    with pytest.raises(ConfigError, match=r"--config: test=\[\[.* letters more\) is no JSON"):
        settings_of(["test=" + "[" * 100_000], option="--config")


def test_a_folder_that_cannot_be_read_stops_the_key_that_holds_its_content(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.txt").write_text("a")
    key = canonical(Weights(release=tmp_path))
    scan = os.scandir

    def locked(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(ConfigError, match=r"locked: a folder cannot be read \(Permission denied"):
        canonical(Weights(release=tmp_path))
    (tmp_path / "locked").rmdir()
    assert canonical(Weights(release=tmp_path)) == key  # folders without files are in no key


def mutations(text, rng, count):
    """Texts with pieces taken out, doubled, moved, and with bytes and marks put in."""
    marks = ["[", "{", "&a ", "*a ", "!!binary ", '"\\U', "%YAML ", "9" * 300, "\0", "\t", "\ud800"]
    marks += ["- ", "? ", ": ", "<<: ", "|9\n", "\n---\n", "#", "'", "~", "1e999", "\u2028"]
    for _ in range(count):
        changed = text
        for _ in range(rng.randint(1, 4)):
            start, end = sorted(rng.choices(range(len(changed) + 1), k=2))
            end = min(end, start + rng.choice([1, 3, 40]))
            new = rng.choice(["", changed[start:end] * 2, *marks])
            changed = changed[:start] + new + changed[end:]
        yield changed


def test_mutated_files_are_read_or_told_of_in_one_sentence(tmp_path):
    text = (
        "benchmarks:\n  - name: small\n    dataset: &d {name: toy, photos: 40}\n"
        "    splits: [random]\n    methods:\n      - name: uniform\n        label: 'a b'\n"
        '    metrics: ["distance"]\n    seeds: [0, 1]\n    deadline: 1e3\n'
    )
    path, told = tmp_path / "a.yaml", []
    for changed in mutations(text, random.Random(20), 300):
        started = time.process_time()
        try:
            read(path, changed.encode("utf-8", "surrogatepass"))
        except GeobenchError as error:
            told.append(str(error))
        assert time.process_time() - started < 5
    assert len(told) > 100
    assert not any("\n" in message or len(message) > 700 for message in told)
