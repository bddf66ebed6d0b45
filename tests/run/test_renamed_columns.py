"""A metric whose columns were renamed, though its version is what it was."""

import numpy as np
import pytest

from geobench import Mean, Metric, Prediction, geo
from lent_plugins import lent

YAML = """\
benchmarks:
  - name: renamed
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [prior]
    metrics: [distance, drawn]
    samples: 2
    photos: 5
    isolate: never
"""
RUN = ("run", "renamed.yaml", "--no-figures")


class Drawn(Metric):
    """The mean distance of the draws."""

    name = "drawn"
    needs = Prediction
    columns = ("drawn",)
    summaries = (Mean(name="drawn", column="drawn", unit="km", better="lower"),)

    def score(self, prediction, truth, context):
        apart = geo.distance_km(context.samples, truth.points[:, None])
        return np.mean(apart, axis=1)[:, None]


@pytest.fixture
def renamed(tmp_path, monkeypatch, ask):
    """A board of the metric, whose column has another name now; and its table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "renamed.yaml").write_text(YAML)
    with lent(Drawn):
        assert ask(*RUN).code == 0
        monkeypatch.setattr(Drawn, "columns", ("of_draws",))
        mean = Mean(name="drawn", column="of_draws", unit="km", better="lower")
        monkeypatch.setattr(Drawn, "summaries", (mean,))
        yield tmp_path / "leaderboards/renamed"


def test_a_run_scores_columns_anew_that_were_renamed(renamed, ask):
    before = (renamed / "table.csv").read_text()
    answer = ask("report", "renamed")
    assert answer.code == 2
    said = ".npz: holds the columns drawn, and its metric has of_draws. They were renamed"
    assert said in answer.text
    assert "run again, and they are scored anew" in answer.text
    answer = ask(*RUN)
    assert answer.code == 0, answer.text
    assert "1 scored" in answer.text
    assert (renamed / "table.csv").read_text() == before
    assert ask("verify", "renamed").code == 0
