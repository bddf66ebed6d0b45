"""Maps: every photo where it lies, in the colour of its error or role; land on the Earth only."""

import json

import numpy as np
import pytest
from geopy.distance import great_circle
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb

import small_board
from command_line import ask
from drawn_pictures import drawn, numbers, panels
from geobench import figures
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.figures.maps import LEFT_OUT, draw_split
from geobench.figures.world import land
from geobench.geo import EARTH_RADIUS_KM


def test_maps_of_errors_have_a_dot_per_photo_in_the_colour_of_its_error(folder):
    part = "unseen-cells/unseen"
    manifest = json.loads((folder / "benchmark.json").read_text())
    truth = np.load(folder / "runs" / manifest["parts"][part]["folder"] / "part.npz")["truth"]
    table = numbers(folder, "table.csv")
    found = panels(drawn(folder, "errors-unseen-cells-unseen"))
    for label in ("uniform", "the prior"):
        median = table[(table.part == part) & (table.label == label)]
        median = median[median.summary == "distance.median"].value.item()
        (title,) = (title for title in found if title.startswith(label))
        assert float(title.split("median ")[1].removesuffix(" km").replace(",", "")) == (
            pytest.approx(median, rel=1e-3)
        )
        folders = [
            row["folder"]
            for row in manifest["rows"]
            if (row["part"], row["label"]) == (part, label)
        ]
        away = np.mean(
            [
                [
                    great_circle(a, b, radius=EARTH_RADIUS_KM).km
                    for a, b in zip(
                        truth, np.load(folder / "runs" / each / "answer.npz")["answer"], strict=True
                    )
                ]
                for each in folders
            ],
            axis=0,
        )
        dots = next(c for c in found[title].collections if c.get_label() == label)
        shown = sorted(zip(*dots.get_offsets().T, dots.get_array(), strict=True))
        wanted = sorted(zip(*np.radians(truth[:, ::-1]).T, away, strict=True))
        np.testing.assert_allclose(shown, wanted, rtol=1e-6, atol=1e-9)


def test_the_map_of_a_split_shows_every_photo_in_its_role(folder):
    (path,) = folder.glob("runs/unseen-cells-*.npz")
    arrays = np.load(path)
    figure = drawn(folder, "split-unseen-cells")
    roles, counts = np.unique(arrays["role"], return_counts=True)
    assert {"train", "val", "set-aside", "seen", "unseen"} <= set(roles.tolist())
    shown = {c.get_label(): c.get_offsets() for c in figure.axes[0].collections}
    assert set(shown) == {f"{r} ({n:,})" for r, n in zip(roles, counts, strict=True)}
    for role, count in zip(roles, counts, strict=True):
        places = np.radians(arrays["points"][arrays["role"] == role][:, ::-1])
        np.testing.assert_allclose(shown[f"{role} ({count:,})"], places)


def maps_of(figure):
    """The panels of a figure that are maps: in the projection, or without pictures in degrees."""
    return [
        axes
        for axes in figure.axes
        if axes.name == "mollweide" or axes.get_label().startswith("map-")
    ]


def lands_on(axes):
    """The land of the Earth on a map, as it is drawn."""
    drawn = [c for c in axes.collections if isinstance(c, QuadMesh)] + list(axes.images)
    return [each for each in drawn if each.get_array().shape == land().shape]


def every_map(folder, monkeypatch, tmp_path):
    """Every map that a board and its dataset are shown on, by what draws it."""
    found = {
        name: drawn(folder, name)
        for name in ("errors-unseen-cells-unseen", "errors-random-test", "split-unseen-cells")
    }
    made = []

    def rendered(draw, file_format):
        made.append(draw())
        return b""

    monkeypatch.setattr(figures, "rendered", rendered)
    for words in (
        ("worst", folder, "-m", "uniform", "--part", "random/test"),
        ("compare", folder, "uniform", "the prior", "--part", "random/test"),
        ("data", "toy-planet", "--config", "photos=400", "--split", "random"),
    ):
        done = ask(*words, "--output", tmp_path)
        assert done.exit_code == 0, done.output
        found |= {f"{words[0]}-{number}": figure for number, figure in enumerate(made)}
        made.clear()
    return {name: maps_of(figure) for name, figure in found.items()}


def test_a_planet_that_is_not_the_earth_has_no_land_on_any_map(folder, monkeypatch, tmp_path):
    found = every_map(folder, monkeypatch, tmp_path)
    assert [name for name in found if name.startswith(("worst", "compare", "data"))] == [
        *("worst-0", "compare-0", "data-0", "data-1"),
    ]
    for name, maps in found.items():
        assert maps, name
        assert not [axes for axes in maps if lands_on(axes)], name


def test_every_map_of_the_earth_has_its_land(folder, monkeypatch, tmp_path):
    path = folder / "benchmark.json"
    manifest = json.loads(path.read_text())
    for dataset in (manifest["dataset"], *(part["dataset"] for part in manifest["parts"].values())):
        dataset["on_earth"] = True
    path.write_text(json.dumps(manifest))
    monkeypatch.setattr(type(installed().find("dataset", "toy-planet")()), "on_earth", True)
    for name, maps in every_map(folder, monkeypatch, tmp_path).items():
        assert all(len(lands_on(axes)) == 1 for axes in maps), name


def test_photos_that_are_left_out_lie_beneath_the_others():
    role = np.array(["unseen", "seen", "train", "val", "surplus"])
    figure = draw_split(
        np.zeros((5, 2)), role, tested=["unseen"], split="s", stamp="", whole=True, on_earth=False
    )
    heights = {c.get_label().split()[0]: c.get_zorder() for c in figure.axes[0].collections}
    assert max(heights["seen"], heights["surplus"]) < min(heights[r] for r in role if r[0] in "tuv")


def test_the_caption_of_a_split_says_what_each_role_is_that_is_there(folder):
    board = Leaderboard(folder, installed())
    planned = {picture.name: picture for picture in figures.planned(board, tables.read(folder))}
    (path,) = folder.glob("runs/unseen-cells-*.npz")
    there = set(np.load(path)["role"].tolist()) & set(LEFT_OUT) - {"seen"}
    assert "set-aside" in there
    caption = planned["split-unseen-cells"].caption
    assert {role for role in LEFT_OUT if f"`{role}` (" in caption} == there
    assert "Left out are `same-group` (" in planned["split-random"].caption
    assert planned["split-unseen-cells"].part == "unseen-cells/seen"


def test_the_map_of_a_twin_has_pale_dots_where_seen_is_left_out(tmp_path):
    board = small_board.make(tmp_path)
    figure = drawn(board.folder, "split-seen-cells")
    shown = {c.get_label().split()[0]: c for c in figure.axes[0].collections}
    for role in ("seen", "surplus"):
        np.testing.assert_allclose(shown[role].get_facecolor()[0, :3], to_rgb(LEFT_OUT[role]))
    planned = figures.planned(Leaderboard(board.folder, installed()), tables.read(board.folder))
    captions = {picture.name: picture.caption for picture in planned}
    assert "`surplus` (" in captions["split-seen-cells"]
    assert "`seen` (" in captions["split-seen-cells"]
    assert "`seen` (" not in captions["split-unseen-cells"]
    for name in ("gap", "seen-unseen", "accuracy"):
        assert "Dashed is the training place nearest to the truth" in captions[name]
