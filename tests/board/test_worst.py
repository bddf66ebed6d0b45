"""`geobench worst`: the photos that a method got most wrong, as a table and as a contact sheet."""

import numpy as np
import pytest
from geopy.distance import great_circle
from matplotlib import image
from PIL import Image

import command_line
import small_run
from geobench import ConfigError, StoreError, readable
from geobench.board import worst
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.figures import draw_contact_sheet
from geobench.geo import EARTH_RADIUS_KM

PHOTOS = 40
PARTS = ["train", "test"]


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    """A workspace with a finished leaderboard on forty pictures, all of one colour each."""
    root = tmp_path_factory.mktemp("trip")
    (root / "photos").mkdir()
    rng = np.random.default_rng(1)
    rows = ["id,file,lat,lon,part"]
    for number in range(PHOTOS):
        Image.new("RGB", (12, 8), (6 * number, 0, 0)).save(root / f"photos/p{number}.png")
        lat, lon = rng.uniform(-60, 60), rng.uniform(-180, 180)
        rows.append(f"photo-{number},p{number}.png,{lat:.4f},{lon:.4f},{PARTS[number % 2]}")
    (root / "trip.csv").write_text("\n".join(rows) + "\n")
    return root


def made(root, publishes):
    text = (
        f"benchmarks: [{{name: trip-{publishes}, splits: [official], metrics: [geoscore], "
        "methods: [uniform, {name: prior, label: the prior}], seeds: [3, 4], "
        f"dataset: {{name: table, file: trip.csv, images: photos, publishes: {publishes}}}}}]"
    )
    return Leaderboard(small_run.board(root, text), installed())


@pytest.fixture(scope="module")
def board(trip):
    return made(trip, "pictures")


@pytest.fixture
def ask(trip, board, monkeypatch):
    monkeypatch.chdir(trip)
    return lambda *words: command_line.ask("worst", *words)


def test_the_worst_answers_are_the_farthest_by_geopy(board):
    found = worst.find(board, "uniform", "official/test", count=5, seed=4)
    (row,) = [r for r in board.manifest.rows if r.label == "uniform" and r.seed == 4]
    answers = np.load(board.runs / row.folder / "answer.npz")["answer"]
    arrays = board.part("official/test")
    away = {
        photo: great_circle(a, b, radius=EARTH_RADIUS_KM).km
        for photo, a, b in zip(arrays["id"], answers, arrays["truth"], strict=True)
    }
    farthest = sorted(away, key=away.get, reverse=True)[:5]
    assert [wrong.id for wrong in found] == farthest
    for wrong in found:
        assert wrong.error_km == pytest.approx(away[wrong.id], rel=1e-9)
        assert great_circle(wrong.truth, wrong.answer, radius=EARTH_RADIUS_KM).km == (
            pytest.approx(wrong.error_km)
        )


def test_the_first_seed_answers_unless_another_is_named(board):
    first = worst.find(board, "uniform", "official/test")
    assert [w.id for w in first] == [
        w.id for w in worst.find(board, "uniform", "official/test", seed=3)
    ]
    other = worst.find(board, "uniform", "official/test", seed=4)
    assert [w.error_km for w in first] != [w.error_km for w in other]
    assert len(first) == PHOTOS // 2  # there are no more


def test_of_several_trainings_table_and_sheet_say_which_one_answered(
    ask, board, tmp_path, monkeypatch
):
    made = []

    def rendered(draw, file_format):
        made.append(draw())
        return b""

    monkeypatch.setattr("geobench.figures.rendered", rendered)
    for words, seed in (([], 3), (["--seed", "4"], 4)):
        done = ask("trip-pictures", "-m", "uniform", *words, "--output", str(tmp_path))
        assert done.exit_code == 0, done.output
        assert done.output.startswith(f"uniform, seed {seed} on official/test\n")
        texts = [text.get_text() for text in made.pop().texts]
        assert f"uniform, seed {seed} on official/test: the farthest of 20 answers" in texts
    # The prior is the same in every training, and has one.
    assert worst.answerer(board, "the prior", "official/test") == "the prior"
    with pytest.raises(ConfigError, match="no method 'nobody'"):
        worst.answerer(board, "nobody", "official/test")


@pytest.mark.parametrize(
    ("label", "part", "seed", "message"),
    [
        ("unifrom", "official/test", None, "no method 'unifrom'. Did you mean uniform"),
        ("uniform", "official/tset", None, "no part 'official/tset'.*mean official/test"),
        ("uniform", "official/test", 9, "no seed of uniform '9'.*There are: 3, 4"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(board, label, part, seed, message):
    with pytest.raises(ConfigError, match=message):
        worst.find(board, label, part, seed=seed)


def test_pictures_are_those_of_the_photos(trip, board):
    settings = {"file": str(trip / "trip.csv"), "images": str(trip / "photos")}
    show = worst.pictures(board, "official/test", installed(), settings=settings)
    for number in (1, 25):
        assert (show(f"photo-{number}")[..., 0] == 6 * number).all()


def test_a_contact_sheet_shows_each_picture_and_the_way_from_truth_to_answer(trip, board):
    found = worst.find(board, "uniform", "official/test", count=3)
    settings = {"file": str(trip / "trip.csv"), "images": str(trip / "photos")}
    show = worst.pictures(board, "official/test", installed(), settings=settings)
    stamp = "trip, digest 123"
    figure = draw_contact_sheet(found, title="far off", stamp=stamp, on_earth=True, show=show)
    axes = {each.get_label(): each for each in figure.axes}
    assert len(axes) == 6
    for place, wrong in enumerate(found):
        (shown,) = axes[f"photo-{place}"].images
        assert (np.asarray(shown.get_array())[..., 0] == 6 * int(wrong.id.split("-")[1])).all()
        way, truth, answer = axes[f"map-{place}"].lines
        assert truth.get_xydata().ravel().tolist() == wrong.truth[::-1].tolist()
        assert answer.get_xydata().ravel().tolist() == wrong.answer[::-1].tolist()
        lon, lat = way.get_data(orig=False)
        # The way is not drawn across the map where it crosses the date line.
        jumps = np.abs(np.diff(lon))
        assert np.nanmax(jumps) <= 180
        inside = np.isfinite(lon[:-1]) & np.isfinite(lon[1:])
        steps = [
            great_circle((lat[i], lon[i]), (lat[i + 1], lon[i + 1]), radius=EARTH_RADIUS_KM).km
            for i in np.flatnonzero(inside)
        ]
        torn = np.isnan(lon).sum()
        assert sum(steps) == pytest.approx(wrong.error_km, rel=0.001 + 0.006 * torn)
        ends = f"{place + 1}. {wrong.near_truth} \N{RIGHTWARDS ARROW} {wrong.near_answer}: "
        assert any(text.get_text().startswith(ends) for text in figure.texts)
    assert {"far off", "trip, digest 123"} <= {text.get_text() for text in figure.texts}


def test_the_command_prints_the_table_and_writes_the_sheet(ask, board, tmp_path):
    words = ["-m", "the prior", "-n", "4", "--output", str(tmp_path)]
    paths = ["--config", "file=trip.csv", "--config", "images=photos"]
    done = ask("trip-pictures", *words, *paths)
    assert done.exit_code == 0, done.output
    found = worst.find(board, "the prior", "official/test", count=4)
    for wrong in found:
        (line,) = [line for line in done.output.splitlines() if f"{wrong.id} " in line]
        assert f"{wrong.error_km:,.1f}" in line
    assert "error (km)" in done.output
    assert "maps without pictures" not in done.output
    (sheet,) = tmp_path.glob("*.png")
    assert sheet.name == "worst-trip-pictures-official-test-the-prior.png"
    with_pictures = image.imread(sheet)
    assert with_pictures.shape[1] == round(8.5 * 144)
    again = ask(str(board.folder), *words, "--part", "official/test")
    assert again.exit_code == 0, again.output
    assert "maps without pictures: --config: dataset table lacks the key 'file'" in again.output
    assert image.imread(sheet).shape != with_pictures.shape


def test_the_command_says_why_there_are_no_pictures(ask, trip, tmp_path):
    made(trip, "coordinates")
    done = ask("trip-coordinates", "-m", "uniform", "--output", str(tmp_path))
    assert "does not let its pictures be published" in done.output
    assert len(list(tmp_path.glob("*.png"))) == 1
    other = tmp_path / "other.csv"
    other.write_text((trip / "trip.csv").read_text().replace("photo-1,", "photo-one,"))
    words = ["-m", "uniform", "--output", str(tmp_path), "--config", f"file={other}"]
    done = ask("trip-pictures", *words, "--config", "images=photos")
    assert "is not the one that the leaderboard was made with" in done.output
    done = ask("trip-pictures", *words)
    assert "has no pictures" in done.output
    done = ask("trip-pictures", "-m", "uniform", "--config", "file=gone.csv", *words[2:4])
    assert "gone.csv" in done.output
    assert "lacks the key" not in done.output


def test_what_publishes_scores_only_shows_neither_place_nor_picture(ask, trip, tmp_path):
    board = made(trip, "scores")
    done = ask("trip-scores", "-m", "uniform", "-n", "2", "--output", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert "no map: the dataset lets only scores be published" in done.output
    assert list(tmp_path.glob("*")) == []
    assert "photo-" not in done.output
    assert "truth" not in done.output
    (wrong, _) = worst.find(board, "uniform", "official/test", count=2)
    assert f"{wrong.error_km:,.1f}" in done.output


def test_a_board_that_there_is_not_is_refused_with_those_that_are_here(ask, trip):
    done = ask("nowhere", "-m", "uniform")
    assert isinstance(done.exception, StoreError)
    assert "There are: trip-" in str(done.exception)


def test_places_of_another_planet_are_near_no_town(small):
    board = Leaderboard(small, installed())
    found = worst.find(board, "prior", "unseen-cells/seen", count=4)
    assert {(wrong.near_truth, wrong.near_answer) for wrong in found} == {("", "")}
    figure = draw_contact_sheet(found, title="t", stamp="s", on_earth=False)
    texts = [text.get_text() for text in figure.texts]
    for place, wrong in enumerate(found):
        assert f"{place + 1}. {readable.number(wrong.error_km)} km" in texts


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    import small_board

    return small_board.make(tmp_path_factory.mktemp("small")).folder


def test_a_method_without_answers_on_one_part_is_shown_on_the_others(small):
    folder = small
    with pytest.raises(StoreError, match=r"breaks has no answers on unseen-cells/seen: .* failed"):
        worst.find(Leaderboard(folder, installed()), "breaks", "unseen-cells/seen")
    done = command_line.ask("worst", folder, "-m", "breaks")
    assert done.exit_code == 1
    assert done.output.count("breaks has no answers") == 3
