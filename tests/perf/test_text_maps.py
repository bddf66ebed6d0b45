"""perf/text_maps.py draws what a trained method says of texts."""

import logging
import sys
from pathlib import Path

import numpy as np
import pytest

import small_run
from geobench import VonMisesFisherMixture
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


def test_a_density_is_shown_where_it_is(maps):
    centres = np.array([[[41.0, 21.0]], [[-31.0, -101.0]], [[1.0, 179.0]]])
    narrow = VonMisesFisherMixture(centres, [[1e5]] * 3)  # 20 km wide, in pixels of 220
    found = maps.pixel_densities(narrow)
    pixels = [np.unravel_index(each.argmax(), each.shape) for each in found]
    corners = [(maps.LATITUDES[row], maps.LONGITUDES[column]) for row, column in pixels]
    np.testing.assert_array_equal(np.array(corners) + 1, centres[:, 0])
    assert maps.areas().sum() * len(maps.LONGITUDES[1:]) == pytest.approx(4 * np.pi)
    np.testing.assert_allclose((found * maps.areas()).sum(axis=(1, 2)), 1)
    assert all((each * maps.areas()).max() > 0.99 for each in found)


def test_nothing_known_is_the_uniform_density(maps):
    found = maps.pixel_densities(VonMisesFisherMixture(np.zeros((1, 1, 2)), 0.0))[0]
    assert found[20:70].mean() == pytest.approx(maps.UNIFORM, rel=0.02)
    assert maps.drawn_by_chance(found).mean() > 0.95


def test_maps_bear_their_texts_their_colours_and_their_answers(maps):
    kernels = VonMisesFisherMixture(np.array([[[40.0, 20.0]], [[-30.0, -100.0]]]), [[100.0]] * 2)
    figure = maps.heat_maps(["a", "b"], kernels)
    shown = figure.axes[:2]
    assert [axes.get_title() for axes in shown] == ["a", "b"]
    for axes, place, density in zip(
        shown, kernels.point(), maps.pixel_densities(kernels), strict=True
    ):
        (cross,) = axes.lines
        np.testing.assert_allclose(np.degrees(cross.get_xydata()[0]), place[::-1])
        mesh = axes.collections[-1].get_array()
        np.testing.assert_array_equal(mesh.mask, maps.drawn_by_chance(density))
        np.testing.assert_array_equal(mesh.compressed(), density[~mesh.mask])
        assert not mesh.mask.all()


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
