"""Boards of few photos and odd attributes: no NaN and no infinite number stands anywhere."""

import csv
import json
import re
from pathlib import Path

import pytest

from geobench.readable import number

# What a column of attributes holds, by the number of the photo.
ATTRIBUTES = {
    "infinite": lambda n: "inf",
    "minus": lambda n: "-inf" if n % 2 else "1.5",
    "undefined": lambda n: "nan",
    "mixed": lambda n: ("1", "inf", "-inf", "nan", "")[n % 5],
    "constant": lambda n: "7.25",
    "huge": lambda n: f"{(-1) ** n}.{n}e308",
    "two": lambda n: f"{n % 2}",
    "land": lambda n: ("urban|dense", "[red]wild[/red]")[n % 2],
}
PLACES = {
    "one place": lambda n: (48.2, 11.5),
    "the poles": lambda n: (90.0 if n % 2 else -90.0, n),
    "the sea": lambda n: (-48 + n / 100, -123 + n / 100),
    "the Earth": lambda n: (n * 7919 % 170 - 85, n * 104729 % 360 - 180),
}
METRICS = (
    "distance, accuracy, geoscore, nll, bayes-geoscore, calibration, calibration-sampled, "
    "country-accuracy, energy, localizability, risk-coverage, sharpness"
)


def written(folder, count, place):
    with (folder / "t.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "lat", "lon", "user", *ATTRIBUTES])
        for n in range(count):
            odd = [value(n) for value in ATTRIBUTES.values()]
            rows.writerow([f"p{n}", *place(n), f"u{min(n, 3)}", *odd])


def strict(path):
    def refuse(name):
        raise AssertionError(f"{path} holds {name}")

    json.loads(path.read_text(), parse_constant=refuse)


@pytest.mark.parametrize("count", [1, 2, 21, 45])
@pytest.mark.parametrize("place", PLACES)
def test_an_odd_board_is_made_verified_and_holds_only_numbers(
    count, place, ask, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, count, PLACES[place])
    split, methods = ("by-group", "uniform, prior") if count > 2 else ("official", "uniform")
    Path("b.yaml").write_text(
        f"benchmarks: [{{name: b, dataset: {{name: table, file: t.csv, group_column: user}}, "
        f"splits: [{split}], methods: [{methods}], metrics: [{METRICS}], samples: 4}}]"
    )
    answer = ask("run", "b.yaml", "--no-figures")
    assert "Traceback" not in answer.text
    board = tmp_path / "leaderboards" / "b"
    assert (board / "README.md").exists(), answer.text
    assert not re.search(r"\b(nan|inf)\b", answer.out)
    for path in board.rglob("*.json"):
        strict(path)
    for name in ("table.csv", "curves.csv", "costs.csv", "resolution.csv"):
        with (board / name).open(newline="") as stream:
            for row in csv.DictReader(stream):
                for column in {"value", "low", "high", "x", "seed_sd", "effective_units"} & set(
                    row
                ):
                    assert row[column] not in ("nan", "inf", "-inf"), row
    page = (board / "README.md").read_text()
    assert not re.search(r"\*\*-?(nan|inf)", page)
    assert ask("verify", "b").code == 0
    assert ask("report", "--check", "b").code == 0


def test_what_is_no_number_has_a_sign_for_readers():
    assert number(float("nan")) == number(float("nan"), "share") == "-"
    assert [number(value, "km") for value in (float("inf"), float("-inf"))] == [
        "\N{INFINITY}",
        "-\N{INFINITY}",
    ]
