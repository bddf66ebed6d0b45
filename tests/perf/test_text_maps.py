"""perf/text_maps.py draws what a trained method says of texts."""

import logging
import sys
from pathlib import Path

import numpy as np
import pytest

import small_run
from geobench import Atoms, PluginError, VonMisesFisherMixture
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


@pytest.fixture
def maps(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "perf")
    import text_maps

    return text_maps


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    root = tmp_path_factory.mktemp("texts")
    made_up.write(root / "clip")
    (root / "texts.yaml").write_text(FILE)
    for benchmark in small_run.read(root, FILE):
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
    kernels = VonMisesFisherMixture(np.array([[[40.0, 20.0]], [[-30.0, -100.0]]]), [[100.0]] * 2)
    latitude, longitude, found = maps.log_densities(kernels, step=5.0)
    assert found.shape == (2, 36, 72)
    highest = [np.unravel_index(each.argmax(), each.shape) for each in found]
    places = [(latitude[row], longitude[column]) for row, column in highest]
    np.testing.assert_allclose(places, [(40, 20), (-30, -100)], atol=2.5)
    area = np.cos(np.radians(latitude))[:, None] * np.radians(5.0) ** 2
    np.testing.assert_allclose((np.exp(found) * area).sum(axis=(1, 2)), 1, rtol=0.01)
    figure = maps.heat_maps(["a", "b"], kernels)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["a", "b"]


def test_points_have_no_heat_map(maps):
    with pytest.raises(PluginError, match="a heat map shows a density"):
        maps.heat_maps(["a"], Atoms(np.zeros((1, 1, 2))))


def test_what_reads_no_features_is_a_sentence(maps, ran, monkeypatch, caplog):
    asked = [str(ran / "texts.yaml"), "nobody", "--workspace", str(ran)]
    monkeypatch.setattr(sys, "argv", ["text_maps.py", *asked])
    assert maps.main() == 2
    assert "nobody" in caplog.text
