"""What a board publishes of attributes, groups and machines: what is declared or many share."""

import json

import numpy as np
import pytest

import small_run
from geobench import load
from geobench.catalogue import installed
from geobench.components import Plugin
from geobench.pages.verification import verify
from geobench.records import environment
from geobench.records.attributes import published
from geobench.records.environment import _anonymous
from geobench.records.files import read_arrays
from told_answers import PHOTOS, guesses, truth, write

MAILS = ["anna.privat@mail.example", "ben.privat@mail.example"]


def columns(number):
    """E-mail, street, land, height and telephone of a photo."""
    land = "Norway" if number % 2 else "Chile"
    return [
        MAILS[number % 2],
        f"Lindenstrasse {number % 7}",
        land,
        10.5 * number,
        4915100000 + number,
    ]


def board_of(root, about="", **more):
    head = ["id", "lat", "lon", "mail", "street", "land", "height", "phone"]
    rows = [[f"photo-{i:02d}", *p, *columns(i)] for i, p in enumerate(truth().tolist())]
    write(root / "truth.csv", rows, head)
    write(
        root / "a.csv",
        [[r[0], *p] for r, p in zip(rows, guesses().tolist(), strict=True)],
        head[:3],
    )
    keys = "".join(f", {name}: {value}" for name, value in more.items())
    text = (
        f"benchmarks: [{{name: own, dataset: {{name: table, file: truth.csv{about}}}, "
        "splits: [official], metrics: [distance], "
        f"methods: [{{name: predictions, file: a.csv}}]{keys}}}]"
    )
    folder = small_run.board(root, text)
    assert verify(folder, installed()) == []
    return folder


def arrays_of(folder):
    (path,) = folder.glob("runs/*/part.npz")
    return read_arrays(path)


@pytest.fixture(scope="module")
def undeclared(tmp_path_factory):
    return board_of(tmp_path_factory.mktemp("undeclared"))


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    return board_of(tmp_path_factory.mktemp("hidden"), ", publishes: scores", environment="none")


def test_values_that_few_photos_share_and_addresses_are_published_nowhere(undeclared):
    arrays = arrays_of(undeclared)
    for name in ("mail", "street"):
        assert all(value.startswith("(left out ") for value in arrays[f"attribute.{name}"])
    streets = [f"Lindenstrasse {number % 7}" for number in range(PHOTOS)]
    told = arrays["attribute.street"].tolist()
    order = [int(name.rpartition("-")[2]) for name in arrays["id"].tolist()]
    assert len(set(zip(told, (streets[i] for i in order), strict=True))) == len(set(streets)) == 7
    assert set(arrays["attribute.land"]) == {"Norway", "Chile"}
    for name in ("height", "phone"):
        assert set(arrays[f"attribute.{name}"]) == {"low third", "middle third", "high third"}
    for path in undeclared.rglob("*"):
        if path.suffix in (".md", ".csv", ".json"):
            text = path.read_text(encoding="utf-8")
            assert "privat" not in text
            assert "Lindenstrasse" not in text
            assert "(left out" not in text


def test_the_page_counts_what_is_left_out(undeclared):
    page = (undeclared / "README.md").read_text(encoding="utf-8")
    assert "Not shown, nor sliced by: `mail` of 40 photos, `street` of 40 photos" in page
    assert "`land`" not in page
    slices = set(load(undeclared).slice)
    assert {"land=Norway", "land=Chile"} <= slices
    assert not [name for name in slices if name.startswith(("mail", "street", "phone"))]


def test_what_the_configuration_names_is_published_as_it_is(tmp_path):
    folder = board_of(tmp_path, ", attributes: [mail, street, height, land], sliced: [land]")
    arrays = arrays_of(folder)
    assert set(arrays["attribute.mail"]) == set(MAILS)
    assert "Lindenstrasse 3" in arrays["attribute.street"]
    assert arrays["attribute.height"].dtype.kind == "f"
    assert "withheld" not in arrays
    assert "Not shown" not in (folder / "README.md").read_text(encoding="utf-8")


def test_where_only_scores_may_be_published_no_array_and_no_file_names_a_photo(hidden):
    arrays = arrays_of(hidden)
    for name, column in arrays.items():
        assert not [v for v in map(str, column.ravel().tolist()) if v.startswith("photo-")], name
    assert len(np.unique(arrays["group"])) == len(np.unique(arrays["unit"])) == PHOTOS
    for path in hidden.rglob("*"):
        if path.suffix in (".md", ".csv", ".json"):
            assert "photo-" not in path.read_text(encoding="utf-8"), path


def test_a_benchmark_may_leave_out_what_its_records_say_of_the_machine(hidden, undeclared):
    def said(folder):
        (path,) = folder.glob("runs/*/*/record.json")
        return json.loads(path.read_text(encoding="utf-8"))

    assert said(hidden)["environment"] == {}
    assert {"python", "platform", "processor", "packages", "git"} == set(
        said(undeclared)["environment"]
    )
    assert set(environment(Plugin, reveals="versions").data) == {"python", "packages"}
    manifests = [
        json.loads((f / "benchmark.json").read_text("utf-8")) for f in (hidden, undeclared)
    ]
    assert [each["benchmark"]["environment"] for each in manifests] == ["none", "full"]
    assert all(["environment"] in each["left_out"] for each in manifests)


def test_the_platform_is_told_without_the_name_of_the_machine():
    assert _anonymous("Linux-6.1-annas-pc-x86_64", "annas-pc.local") == "Linux-6.1-host-x86_64"
    assert _anonymous("Linux-6.1-x86_64", "x") == "Linux-6.1-x86_64"


def test_few_numbers_stand_as_they_are_and_the_rare_one_does_not():
    everywhere = np.array([0.0] * 30 + [1.0] * 30 + [7.5, np.nan])
    found = published(everywhere, everywhere)
    assert found.left_out == 1
    assert found.values.tolist() == ["0"] * 30 + ["1"] * 30 + ["(left out 1)", "unknown"]
    common = everywhere[:60]
    assert published(common, everywhere).values is common


def test_a_secret_is_no_value_of_an_attribute():
    everywhere = np.array(["hf_aBcDeFgHiJkLmNoPqRsT"] * 40 + [""] * 3)
    found = published(everywhere, everywhere)
    assert (found.left_out, set(found.values)) == (40, {"(left out 1)", ""})
