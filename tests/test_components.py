"""Components: configurations, references to others, digests and requirements."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from pydantic import Field, ValidationError

from geobench import Component, Config, Dataset, Encoder, Features, InputPath, Table
from geobench.components import canonical
from geobench.digests import array_digest, digest, file_digest
from geobench.errors import ConfigError


class ShadeConfig(Config):
    """What a shade has."""

    depth: int = Field(3, ge=1)


class ShadeEncoder(Encoder):
    """Mean brightness, again and again.

    More that no list shows.
    """

    name = "shade"
    version = 4
    Config = ShadeConfig

    def prepare(self, image):
        return image

    def encode(self, batch, *, tokens):
        return Features(batch.mean(axis=(1, 2, 3), keepdims=True).reshape(-1, 1))


class NowhereDataset(Dataset):
    """No photos at all."""

    name = "nowhere"

    def load(self):
        return Table(np.array([], dtype=str), np.empty((0, 2)), np.array([], dtype=str))


class OuterConfig(Config):
    """What refers to an encoder."""

    encoder: Component[Encoder]
    others: list[Component[Encoder]] = []


class FileConfig(Config):
    """What names files."""

    file: InputPath
    more: list[InputPath] = []
    step: float = 0.5


def resolver(wanted, value):
    """A catalogue of two."""
    value = {"name": value} if isinstance(value, str) else dict(value)
    plugin = {"shade": ShadeEncoder, "nowhere": NowhereDataset}[value.pop("name")]
    label = value.pop("label", plugin.name)
    return {"plugin": plugin(plugin.Config(**value)), "label": label}


def outer(value, **further):
    return OuterConfig.model_validate(
        {"encoder": value, **further}, context={"resolve": resolver, "folder": Path()}
    )


def test_a_reference_is_resolved_by_name_or_with_its_own_configuration():
    assert outer("shade").encoder.plugin.config.depth == 3
    found = outer({"name": "shade", "label": "deep", "depth": 9}).encoder
    assert (found.label, found.plugin.config.depth) == ("deep", 9)
    several = outer("shade", others=["shade", {"name": "shade", "depth": 2}])
    assert [other.plugin.config.depth for other in several.others] == [3, 2]


def test_a_reference_takes_a_plugin_that_was_configured_in_python():
    plugin = ShadeEncoder(ShadeConfig(depth=5))
    reference = Component[Encoder].of(plugin, label="five")
    for value in (plugin, reference, {"plugin": plugin}):
        assert OuterConfig(encoder=value).encoder.plugin is plugin
    assert reference.label == "five"
    assert Component[Encoder].of(plugin).label == "shade"
    assert Component[Encoder].wanted() is Encoder


def test_a_reference_to_another_kind_is_an_error_that_says_what_is_wanted():
    with pytest.raises(ValidationError, match="nowhere is no Encoder"):
        outer("nowhere")
    with pytest.raises(ValidationError, match="nowhere is no Encoder"):
        Component[Encoder].of(NowhereDataset())


def test_a_name_without_a_catalogue_is_an_error():
    with pytest.raises(ValidationError, match="give a configured plugin object"):
        OuterConfig.model_validate({"encoder": "shade"})
    with pytest.raises(ValidationError, match="give a configured plugin object"):
        OuterConfig.model_validate({"encoder": {"plugin": "shade"}})


def test_configurations_are_closed_checked_and_frozen():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        ShadeConfig(deep=3)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        ShadeConfig(depth=0)
    with pytest.raises(ValidationError, match="frozen"):
        ShadeConfig().depth = 4


def test_a_plugin_describes_itself_by_its_first_line():
    assert ShadeEncoder.describe() == "Mean brightness, again and again"
    assert ShadeEncoder.tiny(Path()) == ShadeConfig()
    assert ShadeEncoder().config == ShadeConfig()


def test_an_identity_holds_kind_name_version_and_resolved_configuration():
    assert ShadeEncoder(ShadeConfig(depth=2)).identity() == {
        "kind": "encoder",
        "name": "shade",
        "version": 4,
        "config": {"depth": 2},
    }


def test_a_label_is_in_no_key():
    one, two = outer({"name": "shade", "label": "a"}), outer({"name": "shade", "label": "b"})
    assert canonical(one) == canonical(two)
    assert canonical(one)["encoder"] == ShadeEncoder().identity()
    assert canonical(one) != canonical(outer({"name": "shade", "depth": 4}))


def test_a_path_is_relative_to_the_yaml_and_must_exist(tmp_path):
    (tmp_path / "answers.csv").write_text("id\n")
    context = {"folder": tmp_path}
    config = FileConfig.model_validate({"file": "answers.csv"}, context=context)
    assert config.file == (tmp_path / "answers.csv").resolve()
    with pytest.raises(ValidationError, match=r"nothing\.csv does not exist; paths are relative"):
        FileConfig.model_validate({"file": "nothing.csv"}, context=context)


def test_a_key_holds_a_files_content_and_not_its_place(tmp_path):
    for folder, text in (("a", "same"), ("b", "same"), ("c", "other")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.csv").write_text(text)
    configs = [
        FileConfig(file=tmp_path / f / f"{f}.csv", more=[tmp_path / f / f"{f}.csv"]) for f in "abc"
    ]
    a, b, c = (canonical(config) for config in configs)
    assert a == b != c
    assert a["file"] == {"sha256": hashlib.sha256(b"same").hexdigest()}
    assert str(tmp_path) not in str(a)
    folders = [canonical(FileConfig(file=tmp_path / name))["file"] for name in "abc"]
    (tmp_path / "b" / "b.csv").rename(tmp_path / "b" / "a.csv")
    assert canonical(FileConfig(file=tmp_path / "b"))["file"] == folders[0] != folders[1]
    (tmp_path / "b" / "a.csv").write_text("edited")
    assert canonical(FileConfig(file=tmp_path / "b"))["file"] != folders[0]
    assert canonical(FileConfig(file=tmp_path / "a"), folders=False)["file"] is None


def test_a_configuration_without_paths_holds_none_of_them(tmp_path):
    (tmp_path / "x").write_text("x")
    (tmp_path / "y").write_text("y")
    one = FileConfig(file=tmp_path / "x", more=[tmp_path / "x"])
    two = FileConfig(file=tmp_path, more=[tmp_path / "y"])
    assert canonical(one, paths=False) == canonical(two, paths=False)
    changed = FileConfig(file=tmp_path, more=[tmp_path / "y"], step=0.25)
    assert canonical(changed, paths=False) != canonical(two, paths=False)


def test_sets_are_ordered_and_numpy_floats_are_numbers():
    names = [f"n{i}" for i in range(50)]
    assert canonical(set(names)) == sorted(names) == canonical(frozenset(reversed(names)))
    assert canonical((1, None, True, np.float64(0.5))) == [1, None, True, 0.5]
    assert canonical({2: {"b": 1, "a": (1, 2)}}) == {"2": {"b": 1, "a": [1, 2]}}


def test_what_json_does_not_know_is_an_error_that_names_it():
    with pytest.raises(ConfigError, match=r"a configuration holds .*, a object"):
        canonical(object())


def test_digests_do_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    # The value is pinned: keys of stored results must not move by accident.
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest(float("nan"))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (np.array(["ab", "c"]), np.array(["ab", "c"], dtype="<U30")),
        (np.array(["ab", "ü"]), np.array(["ab", "ü"]).astype(">U9")),
        (np.array([1, -2], "<i8"), np.array([1, -2], ">i4")),
        (np.array([1, 2], np.uint8), np.array([1, 2], np.int64)),
        (np.array([0.5, 2], "<f8"), np.array([0.5, 2], ">f4")),
        (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        (np.arange(6), np.arange(12)[::2] // 2),
    ],
)
def test_equal_arrays_have_equal_digests_whatever_holds_them(one, two):
    assert array_digest(one) == array_digest(two)


def test_different_arrays_have_different_digests():
    arrays = [
        (np.array(["ab", "c"]),),
        (np.array(["a", "bc"]),),
        (np.array(["a", "b", "c"]),),
        (np.array(["abc"]),),
        (np.array(["ab"]), np.array(["c"])),
        (np.array(["1", "2"]),),
        (np.array([1, 2]),),
        (np.array([1.0, 2.0]),),
        (np.array([2, 1]),),
        (np.array([[1, 2]]),),
        (np.array([[1], [2]]),),
        (np.array([1]), np.array([2])),
        (np.array([], dtype=int),),
        (np.array([], dtype=float),),
        (np.array([], dtype=str),),
        (np.empty((0, 2)),),
        (),
    ]
    assert len({array_digest(*each) for each in arrays}) == len(arrays)


def test_an_array_digest_is_pinned():
    state = hashlib.sha256()
    state.update(b"f(2, 2)" + np.array([[1.5, 2], [3, 4]], "<f8").tobytes())
    state.update(b"S(2,)" + np.array([1, 2], "<i8").tobytes() + "aü".encode())
    ours = array_digest(np.array([[1.5, 2], [3, 4]]), np.array(["a", "ü"]))
    assert ours == state.hexdigest()


@pytest.mark.parametrize("dtype", [object, "S3", "M8[s]", "c16"])
def test_arrays_that_are_no_numbers_and_no_strings_have_no_digest(dtype):
    with pytest.raises(TypeError, match="has no digest: give numbers or str_"):
        array_digest(np.zeros(3, dtype=dtype))


def test_a_file_digest_is_that_of_its_bytes(tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / "file").write_bytes(content)
    assert file_digest(tmp_path / "file") == hashlib.sha256(content).hexdigest()
