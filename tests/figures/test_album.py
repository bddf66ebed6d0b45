"""Pictures as files: which there are, when they are drawn again, and what is left alone."""

import hashlib
import json
import shutil

import pytest
from matplotlib import image

import small_board
import small_run
from drawn_pictures import YAML, drawn
from geobench import figures
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.pages import report
from geobench.pages.verification import verify
from geobench.toy_planet import ToyPlanet


def test_every_picture_says_whose_it_is_and_fits_a_readme(folder):
    manifest = json.loads((folder / "benchmark.json").read_text())
    shown = [entry["file"] for entry in manifest["figures"]]
    assert len(shown) == 4 + 2 + 3
    page = (folder / "README.md").read_text()
    for file in shown:
        assert f"]({file})" in page
        assert image.imread(folder / file).shape[1] == round(8.5 * 144)
        name = file.removeprefix("figures/").removesuffix(".png")
        words = [text.get_text() for text in drawn(folder, name).texts]
        assert f"toy-pictures, digest {manifest['digest'][:12]}" in words


def test_the_pictures_are_found_stale_when_they_are_not_of_these_numbers(folder):
    assert verify(folder, installed()) == []
    path = folder / "benchmark.json"
    manifest = json.loads(path.read_text())
    manifest["figures"][0]["source"] = "0" * 64
    path.write_text(json.dumps(manifest))
    (problem,) = verify(folder, installed())
    assert "seen-unseen.png was drawn from other numbers" in problem
    assert report.rewrite(folder, installed()) == []
    assert verify(folder, installed()) == []
    (folder / "figures/cost.png").write_bytes(b"another")
    (folder / "figures/accuracy.png").unlink()
    problems = verify(folder, installed())
    assert len(problems) == 2
    assert "accuracy.png is missing" in problems[0]
    assert "cost.png is not the picture that benchmark.json names" in problems[1]
    assert report.rewrite(folder, installed()) == []
    assert verify(folder, installed()) == []


def test_drawing_again_gives_the_same_bytes_and_fresh_pictures_are_left_alone(folder):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}
    times = {path.name: path.stat().st_mtime_ns for path in folder.glob("figures/*")}
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("figures/*")} == times
    for path in folder.glob("figures/*"):
        path.unlink()
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before


def test_svg_takes_the_place_of_png_until_png_is_asked_for(folder):
    assert report.rewrite(folder, installed(), file_format="svg") == []
    names = sorted(path.name for path in folder.glob("figures/*"))
    assert len(names) == 9
    assert all(name.endswith(".svg") for name in names)
    assert "](figures/accuracy.svg)" in (folder / "README.md").read_text()
    assert "answers within it (%)" in (folder / "figures/accuracy.svg").read_text()
    assert verify(folder, installed()) == []
    before = (folder / "figures/accuracy.svg").read_bytes()
    (folder / "figures/accuracy.svg").unlink()
    assert report.rewrite(folder, installed()) == []
    assert (folder / "figures/accuracy.svg").read_bytes() == before
    assert report.rewrite(folder, installed(), file_format="png") == []
    assert {path.suffix for path in folder.glob("figures/*")} == {".png"}


def test_a_run_without_pictures_leaves_none_that_are_stale(tmp_path):
    two = YAML.replace(", unseen-cells]", "]")
    board = small_run.board(tmp_path, two, figures=True)
    assert len(list(board.glob("figures/*"))) == 5
    small_run.board(tmp_path, two)
    assert len(list(board.glob("figures/*"))) == 5
    small_run.board(tmp_path, two.replace("[uniform, ", "["))
    assert list(board.glob("figures/*")) == []
    assert "](figures/" not in (board / "README.md").read_text()
    assert verify(board, installed()) == []


def test_a_dataset_that_publishes_scores_only_has_no_maps(tmp_path):
    (benchmark,) = small_run.read(tmp_path, YAML)

    class Secret(ToyPlanet):
        publishes = "scores"

    asked = benchmark.model_copy(
        update={
            "dataset": benchmark.dataset.model_copy(
                update={"plugin": Secret(benchmark.dataset.plugin.config)}
            )
        }
    )
    board = small_run.run(asked, tmp_path, figures=True).board
    names = sorted(path.stem for path in board.glob("figures/*"))
    assert names == ["accuracy", "cost", "novelty", "seen-unseen"]


def test_labels_that_differ_in_signs_only_have_pictures_of_their_own(tmp_path):
    labels = "[{name: random, label: a b}, {name: random, label: a-b, seed: 1}]"
    text = YAML.replace("[random, unseen-cells]", labels)
    board = small_run.board(tmp_path, text, figures=True)
    entries = json.loads((board / "benchmark.json").read_text())["figures"]
    assert {entry["file"] for entry in entries if "split-" in entry["file"]} == {
        "figures/split-a-b.png",
        "figures/split-a-b-2.png",
    }
    assert len({entry["sha256"] for entry in entries}) == len(entries)


def test_a_picture_that_cannot_be_drawn_is_a_problem_and_loses_no_other(folder, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("no ink")

    monkeypatch.setattr("geobench.figures.pictures.draw_cost", broken)
    shutil.rmtree(folder / "figures")
    (problem,) = report.rewrite(folder, installed())
    assert (
        "cost.png cannot be drawn, all else is kept: ValueError: no ink (test_album.py:" in problem
    )
    assert problem.endswith(f"Once that is mended, `geobench report {folder}` draws it.")
    assert len(list(folder.glob("figures/*"))) == 8
    assert "figures/cost.png" not in (folder / "README.md").read_text()
    monkeypatch.undo()
    (problem,) = verify(folder, installed())
    assert problem.endswith("figures/cost: this picture was never drawn")
    kept = (folder / "figures/accuracy.png").stat().st_mtime_ns
    assert report.rewrite(folder, installed()) == []
    assert (folder / "figures/accuracy.png").stat().st_mtime_ns == kept
    assert len(list(folder.glob("figures/*"))) == 9
    assert verify(folder, installed()) == []


def listed(folder, change):
    """benchmark.json with its list of pictures changed."""
    path = folder / "benchmark.json"
    manifest = json.loads(path.read_text())
    change(manifest["figures"])
    path.write_text(json.dumps(manifest))


def entry_of(folder, name, **changed):
    """An entry of benchmark.json for a file that no leaderboard of these numbers has."""
    sha256 = hashlib.sha256((folder / "figures" / name).read_bytes()).hexdigest()
    about = {"title": "", "caption": "", "part": "", "source": "0" * 64, "sha256": sha256}
    return {"file": f"figures/{name}", **about, **changed}


def test_what_lies_among_the_pictures_and_is_none_is_named_and_left_alone(folder):
    mine = folder / "figures"
    (mine / "older.svg").write_text("<svg/>")
    (mine / "drafts").mkdir()
    (mine / "drafts/thesis.png").write_text("years of work")
    (mine / ".gitkeep").write_text("")
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    assert verify(folder, installed()) == []
    for file_format in ("svg", "png"):
        assert report.rewrite(folder, installed(), file_format=file_format) == []
    assert verify(folder, installed()) == []
    board = Leaderboard(folder, installed())
    assert figures.unknown(board) == [mine / "drafts", mine / "older.svg"]
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("is_folder", [False, True], ids=["a file", "a folder"])
def test_what_has_the_name_of_a_picture_and_was_never_named_is_left_alone(folder, is_folder):
    place = folder / "figures/cost.png"
    drawn = place.read_bytes()
    mine = place / "mine.png" if is_folder else place
    listed(folder, lambda found: found.remove(next(e for e in found if "cost" in e["file"])))
    place.unlink()
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"retouched")
    for _ in range(2):
        (problem,) = report.rewrite(folder, installed())
        assert (
            f"{place}: has the name of a picture, and is none that benchmark.json names" in problem
        )
        assert "Move it elsewhere, then run `geobench report` again." in problem
        assert mine.read_bytes() == b"retouched"
        assert "figures/cost.png" not in (folder / "README.md").read_text()
        (problem,) = verify(folder, installed())
        assert problem.endswith("figures/cost: this picture was never drawn")
    place.rename(folder / "mine")
    assert report.rewrite(folder, installed()) == []
    assert place.read_bytes() == drawn
    assert verify(folder, installed()) == []


def test_what_a_killed_run_has_drawn_is_named_by_the_next(folder):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}
    listed(folder, lambda found: found.clear())
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before
    assert verify(folder, installed()) == []


def test_a_picture_is_removed_if_it_was_named_and_is_as_it_was_written(folder):
    mine = folder / "figures"
    for name in ("old.png", "changed.png", "folder.png", "old.pdf"):
        (mine / name).write_text(name)
    entries = [entry_of(folder, name) for name in ("old.pdf", "old.png", "changed.png")]
    entries.append(entry_of(folder, "old.png", file="figures/folder.png"))
    listed(folder, lambda found: found.extend(entries))
    (mine / "changed.png").write_text("retouched")
    (mine / "folder.png").unlink()
    (mine / "folder.png").mkdir()
    said = "folder.png is not the picture that benchmark.json names"
    assert any(said in problem for problem in verify(folder, installed()))
    assert report.rewrite(folder, installed()) == []
    assert not (mine / "old.png").exists()
    assert not (mine / "old.pdf").exists()
    assert (mine / "changed.png").read_text() == "retouched"
    assert (mine / "folder.png").is_dir()
    assert len(list(mine.glob("*.png"))) == 9 + 2
    assert verify(folder, installed()) == []


@pytest.mark.parametrize(
    "file",
    ["table.csv", "figures/../mine.png", "figures/sub/mine.png", "/{folder}/mine.png", "figures/"]
    + [
        "figures/..",
        "figures/.hidden.png",
        "figures\\mine.png",
        "../{name}/mine.png",
        "x/mine.png",
    ],
)
def test_a_benchmark_json_of_a_stranger_names_no_file_elsewhere(folder, file):
    named = file.format(folder=folder, name=folder.name)
    for place in ("mine.png", "figures/sub/mine.png", "figures/.hidden.png", "x/mine.png"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text("mine")
    (folder / "figures/mine.png").write_text("mine")
    sha256 = hashlib.sha256(b"mine").hexdigest()
    listed(folder, lambda found: found.append(found[0] | {"file": named, "sha256": sha256}))
    before = {path: path.read_bytes() for path in folder.rglob("*.png")}
    assert any("what is no picture" in problem for problem in verify(folder, installed()))
    assert report.rewrite(folder, installed()) == []
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == before
    assert (folder / "table.csv").exists()
    assert verify(folder, installed()) == []


@pytest.mark.parametrize("entry", [None, "figures/cost.png", {"file": "figures/cost.png"}, {}])
def test_an_entry_that_names_no_picture_is_a_problem_that_report_mends(folder, entry):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}
    listed(folder, lambda found: found.insert(0, entry))
    (problem,) = verify(folder, installed())
    assert "what is no picture" in problem
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before
    assert verify(folder, installed()) == []


def test_pictures_of_another_format_do_not_decide_the_format(folder):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}

    def other(entries):
        for entry in entries:
            entry["file"] = entry["file"].replace(".png", ".pdf")

    listed(folder, other)
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before
    assert verify(folder, installed()) == []


def test_a_board_on_which_methods_fail_has_pictures_of_the_others(tmp_path):
    board = small_board.make(tmp_path)
    names = {entry["file"] for entry in board.manifest()["figures"]}
    assert "figures/accuracy.png" in names
    assert "figures/errors-unseen-cells-unseen.png" in names
    figure = drawn(board.folder, "errors-unseen-cells-unseen")
    titles = {axes.get_title().split(":")[0] for axes in figure.axes} - {""}
    assert titles == {"uniform", "prior", "toy-oracle", "im2gps"}


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        *(pytest.param(c, marks=pytest.mark.slow) for c in ({"title": 3}, {"part": None})),
    ],
    ids=str,
)
def test_a_stale_picture_whose_entry_has_a_wrong_key_is_drawn_anew(folder, change):
    path = folder / "figures/cost.png"
    path.write_bytes(b"of other numbers")
    sha256 = hashlib.sha256(b"of other numbers").hexdigest()
    wrong = {"file": "figures/cost.png", "sha256": sha256, "source": "0" * 64, **change}

    def spoil(found):
        (entry,) = (each for each in found if each["file"] == "figures/cost.png")
        entry.update(wrong)

    listed(folder, spoil)
    assert any("what is no picture" in problem for problem in verify(folder, installed()))
    assert report.rewrite(folder, installed()) == []
    assert path.read_bytes() != b"of other numbers"
    assert verify(folder, installed()) == []


def test_a_picture_that_was_changed_and_whose_entry_has_a_wrong_key_is_left_alone(folder):
    path = folder / "figures/cost.png"
    path.write_bytes(b"mine")

    def spoil(found):
        (entry,) = (each for each in found if each["file"] == "figures/cost.png")
        entry["unknown"] = 1

    listed(folder, spoil)
    (problem,) = report.rewrite(folder, installed())
    assert "cost.png: has the name of a picture" in problem
    assert path.read_bytes() == b"mine"
