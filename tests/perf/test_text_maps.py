"""perf/text_maps.py draws what a trained method says of texts."""

import logging
import sys
from pathlib import Path

import numpy as np
import pytest

import small_run
from geobench import VonMisesFisherMixture, distance_km
from geobench_backbones import made_up

ROOT = Path(__file__).parents[2]
FILE = """\
benchmarks:
  - name: texts
    dataset: {name: toy-planet, photos: 160}
    encoder: {name: open-clip, model: null, pretrained: null, checkpoint: clip}
    splits: [random]
    methods: [{name: geoclip, steps: 2, batch: 16, scales: [1], width: 8, image_hidden: [8]}]
    metrics: [distance]
"""

PLAIN = """\
benchmarks:
  - name: plain
    dataset: {name: toy-planet, photos: 160}
    encoder: im2gps
    splits: [random]
    methods: [toy-nearest]
    metrics: [distance]
"""


@pytest.fixture
def maps(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "perf")
    import text_maps

    return text_maps


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    root = tmp_path_factory.mktemp("texts")
    made_up.write(root / "clip")
    for name, text in (("texts.yaml", FILE), ("plain.yaml", PLAIN)):
        (root / name).write_text(text)
        for benchmark in small_run.read(root, text):
            small_run.run(benchmark, root)
    return root


def test_a_picture_is_made_of_a_run(maps, ran, monkeypatch, caplog):
    output = ran / "out/texts.png"
    asked = [str(ran / "texts.yaml"), "geoclip", "snow", "sand", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["text_maps.py", *asked, "--workspace", str(ran)])
    with caplog.at_level(logging.INFO):
        assert maps.main() == 0
    assert output.read_bytes().startswith(b"\x89PNG")
    assert f"wrote {output}" in caplog.text


def test_nothing_is_coloured_where_nothing_is_known(maps):
    found = maps.cell_densities(VonMisesFisherMixture(np.zeros((1, 1, 2)), 0.0))
    np.testing.assert_allclose(found, maps.UNIFORM)
    figure = maps.heat_maps(["anything"], VonMisesFisherMixture(np.zeros((1, 1, 2)), 0.0))
    assert not len(figure.axes[0].collections[-1].get_array())


def test_maps_bear_their_texts_their_colours_and_their_answers(maps):
    wide, narrow = [100.0], [1e5]  # 600 km and 20 km, in cells of 220
    kernels = VonMisesFisherMixture([[[40.0, 20.0]], [[-30.0, -100.0]]], [wide, narrow])
    figure = maps.heat_maps(["a", "b"], kernels)
    shown = figure.axes[:2]
    assert [axes.get_title() for axes in shown] == ["a", "b"]
    for axes, place, density in zip(
        shown, kernels.point(), maps.cell_densities(kernels), strict=True
    ):
        (cross,) = axes.lines
        np.testing.assert_allclose(np.degrees(cross.get_xydata()[0]), place[::-1])
        assert distance_km(maps.GRID.centres[density.argmax()], place) < 500
        coloured = axes.collections[-1].get_array()
        np.testing.assert_array_equal(coloured, density[density > 2 * maps.UNIFORM])
        assert coloured.sum() > 0.95 * density.sum()


@pytest.mark.parametrize(
    ("file", "label", "said"),
    [
        ("texts.yaml", "nobody", "nobody"),
        ("plain.yaml", "toy-nearest", "encodes no texts"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(maps, ran, monkeypatch, caplog, file, label, said):
    asked = [str(ran / file), label, "--workspace", str(ran)]
    monkeypatch.setattr(sys, "argv", ["text_maps.py", *asked])
    assert maps.main() == 2
    assert said in caplog.text
