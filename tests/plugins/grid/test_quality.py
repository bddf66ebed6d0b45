"""The numbers of the embedded benchmark: methods are as good as they have been measured to be."""

import pytest

import geobench as library

FILE = """\
benchmarks:
  - name: quality
    dataset: blue-marble
    encoder: im2gps
    splits: [random, unseen-cells]
    methods: [prior, im2gps, grid]
    metrics: [geoscore]
    photos: 10
"""


@pytest.mark.slow
def test_im2gps_and_grid_reach_their_scores_on_seen_and_unseen_places(geobench, tmp_path):
    (tmp_path / "b.yaml").write_text(FILE)
    process = geobench.start("run", "b.yaml")
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, out + err
    table = library.load(tmp_path / "leaderboards/quality")
    table = table[(table["slice"] == "all") & (table.average == "photo")]
    score = table[table.summary == "geoscore"].set_index(["part", "label"]).value
    assert score["random/test", "im2gps"] >= 3300
    assert score["random/test", "grid"] >= 3150
    assert score["unseen-cells/unseen", "im2gps"] >= 850
    assert score["unseen-cells/unseen", "grid"] >= 850
    assert score["random/test", "prior"] <= 700
    ceiling = score["random/test", "oracle-training-place"]
    assert score["random/test"].max() == ceiling
