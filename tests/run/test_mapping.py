"""`geobench map` on a finished board: what it adds, draws, refuses and leaves alone."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import command_line
import outside_board
import small_run
from geobench import (
    distance_km,
    figures,
)
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.digests import file_digest
from geobench.pages.verification import verify
from geobench.records import files
from geobench.run import mapping
from geobench.toy_planet import ToyPlanet
from lent_plugins import lent
from walks import Walks

YAML = """
benchmarks:
  - name: mapped
    dataset: {name: toy-planet, photos: 200}
    encoder: given
    splits: [unseen-cells]
    methods: [uniform, {name: toy-oracle, label: the oracle}, walks]
    metrics: [distance, nll]
    samples: 2
    photos: 10
    seeds: [3, 4]
"""


@pytest.fixture(scope="module", autouse=True)
def walks_and_pictures():
    """A method that draws step by step, and a planet whose pictures may be shown."""
    with lent(Walks), pytest.MonkeyPatch.context() as patch:
        patch.setattr(ToyPlanet, "publishes", "pictures")
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A finished workspace without maps, made once."""
    root = tmp_path_factory.mktemp("mapped")
    small_run.board(root, YAML, figures=True)
    return root


@pytest.fixture(scope="module")
def mapped(template, tmp_path_factory):
    """The same workspace with maps; nobody writes to it."""
    root = tmp_path_factory.mktemp("with") / "maps"
    shutil.copytree(template, root)
    done = ask(root, "--photos", "4")
    assert done.exit_code == 0, done.output
    return root


@pytest.fixture
def workspace(template, tmp_path):
    return shutil.copytree(template, tmp_path / "w")


def ask(root, *words):
    """`geobench map` in a workspace."""
    return command_line.ask("map", root / "b.yaml", "--workspace", root, *words)


def board(root):
    return Leaderboard(root / "leaderboards/mapped", installed())


def records(root, part="unseen-cells/unseen"):
    """Label -> the folder of its first record."""
    found = board(root)
    rows = [row for row in found.manifest.rows if row.part == part]
    return {row.label: found.runs / row.folder for row in reversed(rows)}


def content(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_every_method_is_asked_for_the_same_photos_and_for_what_it_can_say(mapped):
    found = {label: files.read_arrays(f / "map.npz") for label, f in records(mapped).items()}
    part = board(mapped).part("unseen-cells/unseen")
    for label, arrays in found.items():
        assert arrays["rows"].tolist() == found["uniform"]["rows"].tolist()
        assert arrays["id"].tolist() == part["id"][arrays["rows"]].tolist()
        answers = files.read_arrays(records(mapped)[label] / "answer.npz")["answer"]
        assert distance_km(answers[arrays["rows"]], arrays["answer"]).max() < 1e-6
        assert arrays["samples"].shape == (4, mapping.SAMPLES, 2)
        assert ("log_density" in arrays) == (label != "walks")
        assert ("trajectories" in arrays) == (label == "walks")
        assert arrays["picture"].shape == (4, 16, 16, 3)
    assert found["the oracle"]["log_density"].shape == (4, 3058)
    np.testing.assert_allclose(found["uniform"]["log_density"], -np.log(4 * np.pi), rtol=1e-6)
    assert found["walks"]["trajectories"].shape == (4, mapping.PATHS, mapping.STEPS, 2)


def test_the_density_of_the_cells_is_a_density(mapped):
    log_density = files.read_arrays(records(mapped)["the oracle"] / "map.npz")["log_density"]
    area = 4 * np.pi / log_density.shape[1]
    assert np.exp(log_density).sum(axis=1) * area == pytest.approx(np.ones(4), abs=0.1)


def test_a_leaderboard_verifies_with_maps_and_without(template, mapped):
    for root in (template, mapped):
        assert verify(root / "leaderboards/mapped", installed()) == []
        checked = command_line.ask("report", "--check", root / "leaderboards/mapped")
        assert checked.exit_code == 0, checked.output


def test_maps_change_no_other_file_of_a_record_and_no_table(template, mapped):
    before, after = (content(root / "leaderboards/mapped") for root in (template, mapped))
    changed = {name for name in after if before.get(name) != after[name]}
    assert {Path(name).name for name in changed} == {
        "map.npz",
        "benchmark.json",
        "README.md",
        "predictions-unseen-cells-seen.png",
        "predictions-unseen-cells-unseen.png",
    }
    assert before.keys() < after.keys()


def test_mapping_again_gives_the_same_bytes(mapped, tmp_path):
    again = shutil.copytree(mapped, tmp_path / "again")
    assert ask(again, "mapped", "--photos", "4").exit_code == 0
    assert content(again / "leaderboards") == content(mapped / "leaderboards")


def test_only_some_methods_are_mapped_and_the_first_training_of_each(workspace):
    done = ask(workspace, "mapped", "--only", "walks")
    assert done.exit_code == 0, done.output
    assert "added maps to 2 records" in done.output
    maps = list(workspace.glob("leaderboards/mapped/runs/*/*/map.npz"))
    assert {path.parent.name.rpartition("-")[0] for path in maps} == {"walks-3"}


def test_the_picture_has_a_map_for_every_photo_and_method(mapped):
    loaded = board(mapped)
    planned = figures.planned(loaded, tables.read(loaded.folder))
    (picture,) = (p for p in planned if p.name == "predictions-unseen-cells-unseen")
    figure = picture.draw()
    maps = {axes.get_label(): axes for axes in figure.axes if " / " in axes.get_label()}
    rows = files.read_arrays(records(mapped)["uniform"] / "map.npz")["rows"]
    part = loaded.part("unseen-cells/unseen")
    labels = ("uniform", "the oracle", "walks")
    photos = {axes.get_label(): axes for axes in photos_of(figure)}
    pictures = files.read_arrays(records(mapped)["walks"] / "map.npz")["picture"]
    for row, picture in zip(rows, pictures, strict=True):
        (image,) = photos[f"photo {part['id'][row]}"].images
        np.testing.assert_array_equal(image.get_array(), picture)
    assert set(maps) == {f"{part['id'][row]} / {label}" for row in rows for label in labels}
    for row in rows:
        for label, folder in records(mapped).items():
            axes = maps[f"{part['id'][row]} / {label}"]
            ends = {line.get_label(): line.get_xydata()[0] for line in axes.lines}
            truth, answer = np.rad2deg(ends["truth"])[::-1], np.rad2deg(ends["answer"])[::-1]
            np.testing.assert_allclose(truth, part["truth"][row])
            known = files.read_arrays(folder / "answer.npz")["answer"][row]
            np.testing.assert_allclose(answer, known, atol=1e-6)
            (away,) = [text.get_text() for text in axes.texts]
            shown = float(away.removesuffix(" km").replace(",", ""))
            assert shown == pytest.approx(distance_km(known, part["truth"][row]), rel=1e-3)
            cells = [each for each in axes.collections if isinstance(each, PolyCollection)]
            assert len(cells) == (label != "walks")
            assert len(axes.lines) == (2 if cells else 2 + mapping.PATHS)


def photos_of(figure):
    return [axes for axes in figure.axes if axes.get_label().startswith("photo ")]


def test_pictures_that_may_not_be_shown_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(ToyPlanet, "publishes", "coordinates")
    small_run.board(tmp_path, YAML, figures=False)
    done = ask(tmp_path, "--photos", "2", "--only", "walks", "--only", "uniform")
    assert done.exit_code == 0, done.output
    maps = list(tmp_path.glob("leaderboards/mapped/runs/*/*/map.npz"))
    assert len(maps) == 4
    assert not any("picture" in files.read_arrays(path) for path in maps)
    loaded = board(tmp_path)
    photos, said = figures.predictions.read(loaded, "unseen-cells/unseen")
    figure = figures.predictions.draw_predictions(
        photos, said, part="a part", stamp="a stamp", on_earth=False
    )
    assert photos_of(figure) == []


def test_maps_of_which_some_hold_no_pictures_show_those_that_there_are(mapped, tmp_path):
    copy = shutil.copytree(mapped, tmp_path / "copy")
    path = records(copy)["uniform"] / "map.npz"
    arrays = files.read_arrays(path)
    files.write_arrays(path, {n: each for n, each in arrays.items() if n != "picture"})
    photos, _ = figures.predictions.read(board(copy), "unseen-cells/unseen")
    np.testing.assert_array_equal(photos.picture, arrays["picture"])


def test_pictures_kept_in_spite_of_the_dataset_are_found_and_not_drawn(mapped, tmp_path):
    copy = shutil.copytree(mapped, tmp_path / "copy")
    path = copy / "leaderboards/mapped/benchmark.json"
    path.write_text(
        path.read_text().replace('"publishes": "pictures"', '"publishes": "coordinates"')
    )
    photos, _ = figures.predictions.read(board(copy), "unseen-cells/unseen")
    assert photos.picture is None
    problems = verify(copy / "leaderboards/mapped", installed())
    assert any("holds pictures that may not be shown" in problem for problem in problems)


def test_all_maps_of_a_picture_have_one_scale_and_cells_their_own_colours(mapped):
    loaded = board(mapped)
    planned = figures.planned(loaded, tables.read(loaded.folder))
    (picture,) = (p for p in planned if p.name == "predictions-unseen-cells-seen")
    meshes = [
        (axes.get_label().partition(" / ")[2], each)
        for axes in picture.draw().axes
        for each in axes.collections
        if isinstance(each, PolyCollection) and each.get_array() is not None
    ]
    meshes = [(label, mesh) for label, mesh in meshes if label]
    assert len(meshes) == 2 * 4
    assert len({(mesh.norm.vmin, mesh.norm.vmax) for _, mesh in meshes}) == 1
    stored = files.read_arrays(records(mapped, "unseen-cells/seen")["the oracle"] / "map.npz")
    oracle = [mesh for label, mesh in meshes if label == "the oracle"]
    for mesh, cells in zip(oracle, stored["log_density"], strict=True):
        shown = cells[cells > mesh.norm.vmin]
        assert mesh.get_array().tolist() == shown.tolist()
        assert mesh.norm.vmax >= cells.max()


def test_labels_and_numbers_of_a_picture_do_not_overlap(mapped):
    loaded = board(mapped)
    photos, said = figures.predictions.read(loaded, "unseen-cells/unseen")
    many = [replace(said[n % 3], label=f"a method with a long label {n}") for n in range(6)]
    with figures.style.house_style():
        figure = figures.predictions.draw_predictions(
            photos, many, part="unseen-cells/unseen", stamp="a stamp", on_earth=False
        )
        figure.canvas.draw()
        texts = [t for t in figure.texts if t.get_text()]
        texts += [t for axes in figure.axes for t in (axes.title, *axes.texts) if t.get_text()]
        texts += photos_of(figure)
        boxes = [text.get_window_extent() for text in texts]
        maps = [axes.get_window_extent() for axes in figure.axes if " / " in axes.get_label()]
        shown = [axes.get_window_extent() for axes in photos_of(figure)]
    assert len(boxes) > 4 * 6 * 2 + 4
    assert (len(maps), len(shown)) == (4 * 6, 4)
    assert not any(photo.overlaps(each) for photo in shown for each in maps)
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert not any(box.overlaps(other) for other in boxes[:number]), texts[number]


def test_a_map_that_was_changed_is_found(mapped, tmp_path):
    copy = shutil.copytree(mapped / "leaderboards/mapped", tmp_path / "copy")
    path = next(copy.glob("runs/*/walks-3-*/map.npz"))
    arrays = files.read_arrays(path)
    files.write_arrays(path, arrays | {"samples": -arrays["samples"]})
    (problem,) = verify(copy, installed())
    assert "map.npz is not the file that benchmark.json names" in problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a | {"answer": -a["answer"] + 1}, "shows other answers than those recorded"),
        (lambda a: a | {"rows": a["rows"][::-1]}, "shows other photos than those of its part"),
        (lambda a: a | {"rows": a["rows"] + 10_000}, "shows photos that its part has not"),
        (lambda a: a | {"picture": a["picture"][:1]}, "which should be (4, H, W, 3)"),
    ],
)
def test_a_map_of_something_else_is_found_though_its_digest_is_right(
    mapped, tmp_path, change, said
):
    copy = shutil.copytree(mapped / "leaderboards/mapped", tmp_path / "copy")
    path = next(copy.glob("runs/*/toy-oracle-0-*/map.npz"))
    files.write_arrays(path, change(files.read_arrays(path)))
    manifest = json.loads((copy / "benchmark.json").read_text())
    for row in manifest["rows"]:
        if path.parent.name in row["folder"]:
            row["files"]["map.npz"] = file_digest(path)
    (copy / "benchmark.json").write_text(json.dumps(manifest))
    found = verify(copy, installed())
    assert any(said in problem for problem in found), found[0]


def test_a_missing_state_is_a_sentence_and_nothing_is_trained(workspace):
    before = content(workspace / "leaderboards")
    shutil.rmtree(workspace / ".geobench/states")
    done = ask(workspace)
    assert done.exit_code == 1
    assert "nothing is trained for a map. Run benchmark mapped in this workspace first" in " ".join(
        done.output.split()
    )
    assert content(workspace / "leaderboards") == before
    assert not (workspace / ".geobench/states").exists()


def test_a_method_that_answers_otherwise_now_gets_no_map(workspace, monkeypatch):
    monkeypatch.setattr(Walks, "elsewhere", True)
    done = ask(workspace)
    assert done.exit_code == 1
    assert "walks / seed 3: " in done.output
    assert "no longer gives the recorded answers" in " ".join(done.output.split())
    maps = list(workspace.glob("leaderboards/mapped/runs/*/*/map.npz"))
    assert {path.parent.name.split("-")[0] for path in maps} == {"uniform", "toy"}
    assert verify(workspace / "leaderboards/mapped", installed()) == []


def test_what_was_never_run_is_said(tmp_path):
    (tmp_path / "b.yaml").write_text(YAML)
    done = ask(tmp_path, "--only", "uniform")
    assert done.exit_code == 1
    assert "its record on unseen-cells/unseen is missing" in " ".join(done.output.split())
    assert not list(tmp_path.glob("leaderboards/mapped/*"))


def test_a_benchmark_that_the_file_does_not_have_is_refused(workspace):
    done = ask(workspace, "mappped")
    assert "there is no benchmark 'mappped'" in str(done.exception)


def test_a_dataset_of_which_only_scores_may_be_shown_gets_no_map(workspace, monkeypatch):
    planet = installed().find("dataset", "toy-planet")
    monkeypatch.setattr(planet, "publishes", "scores")
    done = ask(workspace)
    assert "no map of unseen-cells/unseen: the dataset lets only scores be published" in done.output
    assert not list(workspace.glob("leaderboards/mapped/runs/*/*/map.npz"))


def test_a_run_that_makes_a_record_again_removes_its_map_and_keeps_those_of_others(
    mapped, tmp_path
):
    root = shutil.copytree(mapped, tmp_path / "w")
    small_run.board(root, YAML, figures=True, only=("walks",), force=True)
    maps = list(root.glob("leaderboards/mapped/runs/*/*/map.npz"))
    assert {path.parent.name.split("-")[0] for path in maps} == {"uniform", "toy"}
    assert verify(root / "leaderboards/mapped", installed()) == []


def test_where_nothing_is_mapped_it_is_said_why(tmp_path):
    silent = "{name: predictions, label: silent, file: near.csv, parts: []}"
    outside_board.made(tmp_path, more=[silent])
    words = ["map", tmp_path / "b.yaml", "--workspace", tmp_path]
    done = command_line.ask(*words, "--only", "silent")
    assert done.exit_code == 0, done.output
    assert done.output == "no map of official/test: silent does not answer it\n"
    done = command_line.ask(*words)
    assert "added maps to 2 records" in done.output
