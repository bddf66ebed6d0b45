"""`geobench data` and its report: what is found is on screen, page and in JSON."""

import json
import re

import numpy as np
import pytest
from matplotlib import image
from PIL import Image

from command_line import ask
from geobench import ConfigError, DataError, audit, figures
from geobench.digests import digest
from geobench.records.parts import MAP_ROWS
from geobench_basics.splits import OfficialSplit
from geobench_basics.splits.unseen_cells import UnseenCellsSplit
from planted_album import Album, photo, places, saved_again


def test_what_lies_off_the_globe_was_counted_as_broken(tmp_path):
    rows = ["id,lat,lon", "a,10,20", "b,95,0", "c,-91,0", "d,10,500", "e,,1"]
    (tmp_path / "p.csv").write_text("\n".join(rows))
    done = ask("data", "table", "--config", f"file={tmp_path / 'p.csv'}", "--json")
    found = sections(done.output)
    assert found["Coordinates"]["out of range"]["value"] == 3
    counted = {name: line["value"] for name, line in found["Photos"].items()}
    assert counted == {
        "promised": 5,
        "present": 1,
        "broken: coordinates that are no numbers": 1,
        "broken: coordinates off the globe": 3,
    }


def sections(output):
    found = json.loads(output)
    return {
        each["title"]: {line["name"]: line for line in each["lines"]} for each in found["sections"]
    }


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    """Sixty photos, of which ten are saved again under another name, elsewhere."""
    root = tmp_path_factory.mktemp("trip")
    (root / "photos").mkdir()
    rows = ["id,file,lat,lon,part"]
    spots = places(70, seed=2)
    for number in range(70):
        picture = photo(number) if number < 60 else saved_again(photo(number - 60))
        Image.fromarray(picture).save(root / f"photos/p{number}.png")
        lat, lon = spots[number]
        rows.append(f"shot-{number:02d},p{number}.png,{lat:.5f},{lon:.5f},")
    (root / "trip.csv").write_text("\n".join(rows) + "\n")
    return root


def words(root, *more, publishes="coordinates"):
    own = [f"file={root}/trip.csv", f"images={root}/photos", f"publishes={publishes}"]
    return ["data", "table", *(w for text in own for w in ("--config", text)), *more]


def test_strict_fails_a_random_split_of_duplicates_and_names_what_leaks(trip):
    done = ask(*words(trip, "--split", "random", "--strict"))
    assert done.exit_code == 1, done.output
    (leak,) = re.findall(r"^LEAK .*$", done.output, re.MULTILINE)
    assert re.fullmatch(r"LEAK random/test: near-duplicate picture: \d+ photos \(.* %\)", leak)
    found = sections(ask(*words(trip, "--split", "random", "--json")).output)
    line = found["random/test"]["near-duplicate picture"]
    assert line["leak"]
    assert f": {line['value']} photos" in leak
    for text in line["examples"]:
        one, other = (int(name.removeprefix("shot-")) for name in text.split(" ~ "))
        assert abs(one - other) == 60
    assert ask(*words(trip, "--split", "random")).exit_code == 0


def test_strict_passes_the_clean_toy_planet():
    done = ask("data", "toy-planet", "--split", "unseen-cells", "--strict")
    assert done.exit_code == 0, done.output
    assert "no leakage found in split unseen-cells" in done.output
    assert "LEAK" not in done.output


def test_every_line_of_the_report_is_on_the_screen_in_the_page_and_in_the_json(trip, tmp_path):
    done = ask(*words(trip, "--split", "random", "--output", tmp_path))
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report.md").read_text()
    found = sections(ask(*words(trip, "--split", "random", "--json")).output)
    assert set(found) == set(re.findall(r"^## (.*)$", page, re.MULTILINE))
    flowing = " ".join(done.output.split())
    for title, lines in found.items():
        assert f"{title}. " in flowing
        for name in lines:
            assert name in flowing
            assert f"| {name} " in page or f"**leak** {name} " in page
    assert f"wrote report.md, map.png, split-random.png in {tmp_path}" in flowing
    for file in ("map.png", "split-random.png"):
        assert f"]({file})" in page
        assert image.imread(tmp_path / file).shape[1] == round(8.5 * 144)


def test_the_maps_ring_what_is_doubtful_and_what_leaks(trip):
    points = np.concatenate([places(60, seed=3), np.zeros((4, 2)), [[10.0, 20.0]]])
    kinds = np.array(["train"] * 50 + ["val"] * 5 + ["test"] * 10)
    kinds[60] = "train"  # one of four at (0, 0)
    found = audit.examine(Album(points, part=kinds), OfficialSplit())

    def drawn(figure):
        (axes,) = [each for each in figure.axes if each.collections]
        return {dots.get_label(): len(dots.get_offsets()) for dots in axes.collections}

    shown = drawn(figures.draw_dataset(found))
    assert shown["photos (65)"] == 65
    assert shown["at (0, 0) (4)"] == 4
    assert shown["in whole degrees (1)"] == 1
    shown = drawn(figures.draw_leakage(found))
    assert shown["train (51)"] == 51
    assert shown["leaks in official/test (3)"] == 3
    assert len(found["Photos"].lines) == 2


def test_a_map_shows_at_most_so_many_photos_and_says_so():
    figure = figures.draw_dataset(audit.examine(Album(places(MAP_ROWS + 5))))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert f"photos ({MAP_ROWS:,} of {MAP_ROWS + 5:,} shown)" in labels


def test_what_publishes_scores_only_is_hashed_and_has_no_map(trip, tmp_path):
    rows = (trip / "trip.csv").read_text().splitlines()
    rows += ["shot-98,p1.png,12.34567,23.45678,", "shot-99,p2.png,12.34567,23.45678,"]
    (tmp_path / "photos").symlink_to(trip / "photos")
    (tmp_path / "trip.csv").write_text("\n".join(rows) + "\n")
    own = words(tmp_path, "--split", "random", publishes="scores")
    done = ask(*own, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "no map: the dataset lets only scores be published" in done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]
    told = done.output + (tmp_path / "out/report.md").read_text() + ask(*own, "--json").output
    assert "shot-" not in told
    assert "12.34" not in told
    assert "23.45" not in told
    assert digest("shot-00")[:16] in told or digest("shot-01")[:16] in told
    assert "there is no map" in (tmp_path / "out/report.md").read_text()


def test_what_the_command_cannot_use_is_refused_with_what_to_write(trip):
    for wrong, message in (
        (["toy-planet", "--strict"], "--strict is about a split.*Add --split NAME"),
        (["toy-planet", "--split-config", "seed=1"], "--split-config is about a split"),
        (
            ["toy-planet", "--config", "photo=3"],
            "--config: dataset toy-planet has no key 'photo'. Did you mean photos",
        ),
        (["toy-planet", "--config", "photos"], "no KEY=VALUE"),
        (["toy-planet", "--config", "preset=x"], "no preset 'x'"),
        (
            ["toy-planet", "--split", "random", "--split-config", "label=a/b"],
            "--split-config: label 'a/b' is no label",
        ),
        (
            ["toy-planet", "--split", "random", "--split-config", "seed=-1"],
            "--split-config: seed: input should be .*0",
        ),
        (
            ["toy-planet", "--split", "transfer", "--split-config", "test=[3]"],
            "--split-config: test: give the .*name",
        ),
        (["toy-planet", "--split", "transfer", "--split-config", "test=[3"], "is no JSON.*Write"),
    ):
        error = ask("data", *wrong).exception
        assert isinstance(error, ConfigError), (wrong, error)
        assert re.search(message, str(error)), str(error)
    with pytest.raises(DataError):
        audit.examine(Album(places(3)), UnseenCellsSplit())


def test_a_split_takes_its_configuration_and_label_from_the_command_line():
    done = ask(
        "data",
        "toy-planet",
        "--config",
        "photos=200",
        "--photos",
        "50",
        "--split",
        "unseen-cells",
        "--split-config",
        "rows=12",
        "--split-config",
        "label=wide",
        "--json",
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert (found["photos"], found["split"]) == (200, "wide")
    assert {"Split wide", "wide/seen", "wide/unseen"} <= set(sections(done.output))
    assert sections(done.output)["Pictures"]["looked at"]["value"] == 50
    other = '[{"name": "toy-planet", "photos": 90, "seed": 3, "label": "elsewhere"}]'
    done = ask(
        "data", "toy-planet", "--split", "transfer", "--split-config", f"test={other}", "--json"
    )
    assert sections(done.output)["transfer/elsewhere"]["test photos"]["value"] == 90
