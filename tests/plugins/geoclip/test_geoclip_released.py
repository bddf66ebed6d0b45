"""Released weights: found by path, read without running code, and answering from their gallery."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from geobench import Context, DataError, Gallery, PluginError, geo
from geobench.testing import examine
from geobench_geoclip import release
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.method import GeoClip
from geobench_geoclip.network import GeoClipNetwork
from geobench_geoclip.release import Release
from geoclip_releases import (
    a_package,
    a_safetensors_release,
    as_released,
    official,
    official_only,
)
from regions_with_looks import asked, nothing, photos

SIZES = {
    "scales": (1.0, 16.0),
    "frequencies": 6,
    "location_hidden": (10, 9),
    "image_hidden": (11,),
    "width": 7,
    "dropout": 0.0,
    "temperature": 0.03,
}
PLACES = geo.uniform(50, np.random.default_rng(4))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return GeoClipNetwork(release.FEATURES, GeoClipConfig(**SIZES)).eval()


@pytest.fixture(params=[a_package, a_safetensors_release])
def folder(request, tmp_path, network):
    return request.param(tmp_path / "released", as_released(network), PLACES)


def method_of(folder, **config):
    given = {"weights": "released", "release": folder, "gallery": Gallery(source="own"), "k": 8}
    return GeoClip(GeoClipConfig(**{**given, **config}))


def some(count, seed, name):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, release.FEATURES))
    return photos(features, PLACES[rng.integers(len(PLACES), size=count)], name)


def test_both_kinds_of_release_hold_the_same_networks_and_places(folder, network):
    found = Release.find(folder).network()
    points = torch.tensor(PLACES)
    features = torch.randn(5, release.FEATURES)
    with torch.no_grad():
        assert torch.equal(found.places(points), network.places(points))
        assert torch.equal(found.photos(features), network.photos(features))
    assert found.temperature == pytest.approx(0.03, rel=1e-5)
    np.testing.assert_allclose(Release.find(folder).places(), PLACES)


def test_released_weights_answer_with_their_own_places_and_train_nothing(folder):
    val, test = some(30, 1, "val"), some(20, 2, "test")
    method = method_of(folder)
    method.fit(nothing(val), val, Context(seed=0))
    answers = method.predict(asked(test), Context(seed=0)).point()
    np.testing.assert_allclose(geo.Places(PLACES).nearest(answers).distance_km, 0, atol=1e-6)
    np.testing.assert_allclose(method.gallery(), PLACES)
    assert not any("network" in name for name in method.state())
    again = method_of(folder)
    again.restore(method.state(), nothing(val), Context(seed=0))
    np.testing.assert_array_equal(again.predict(asked(test), Context(seed=0)).point(), answers)


def test_it_says_what_it_is(folder):
    method = method_of(folder)
    assert (method.origin, method.deterministic, method.needs_training) == ("released", True, False)
    assert method.feature_width == 768
    assert "MP-16" in method.trained_on
    both = method_of(folder, gallery=Gallery(source="both"))
    assert both.needs_training
    trained = GeoClip(GeoClipConfig())
    assert (trained.origin, trained.content(), trained.feature_width) == ("trained", "", None)
    assert trained.needs_training


@pytest.mark.parametrize(
    "gallery", [Gallery(source="own"), Gallery(source="both", rows=9)], ids=str
)
def test_with_a_made_up_release_it_passes_the_kit(tmp_path, network, gallery):
    folder = a_safetensors_release(tmp_path / "released", as_released(network), PLACES)
    verdict = examine(GeoClip, config=method_of(folder, gallery=gallery).config)
    assert {o.check: o.reason for o in verdict.outcomes if o.status == "failed"} == {}
    # Weights that nobody trained know nothing, and those of a path are in the key already.
    unknowing = {"beats-chance", "samples-beat-chance", "similarity-knows-photos-and-places"}
    skipped = {o.check for o in verdict.outcomes if o.status == "skipped"}
    assert skipped == unknowing | {"weights-are-in-the-key"}


def test_content_is_that_of_every_file(folder):
    before = method_of(folder).content()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "config.json":
            kept = path.read_bytes()
            path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
            assert method_of(folder).content() != before, path.name
            path.write_bytes(kept)


def test_a_file_that_is_not_there_is_named(folder):
    weights = Release.find(folder).weights[-1]
    weights.unlink()
    with pytest.raises(DataError, match=weights.name) as raised:
        method_of(folder).content()
    assert "pip install --no-deps 'geoclip" in str(raised.value)


def test_weights_of_something_else_are_refused(tmp_path, network):
    weights = as_released(network)
    weights["decoder.weight"] = torch.zeros(2)
    folder = a_safetensors_release(tmp_path / "other", weights, PLACES)
    with pytest.raises(DataError, match=r"no weights of GeoCLIP.*decoder\.weight"):
        Release.find(folder).network()


def test_no_weight_may_be_missing(tmp_path, network):
    weights = as_released(network)
    for number, name in enumerate(weights):
        fewer = {other: tensor for other, tensor in weights.items() if other != name}
        folder = a_safetensors_release(tmp_path / str(number), fewer, PLACES)
        with pytest.raises(DataError, match="no weights of GeoCLIP"):
            Release.find(folder).network()


def test_damaged_weights_are_an_error_in_a_sentence(folder):
    path = Release.find(folder).weights[0]
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(DataError, match="no weights of GeoCLIP"):
        Release.find(folder).network()


class Mischief:
    """A pickle that writes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_pickle_is_not_run(tmp_path, network):
    folder = a_package(tmp_path / "package", as_released(network), PLACES)
    mark = tmp_path / "mark"
    torch.save({"0.weight": Mischief(mark)}, folder / "model/weights/image_encoder_mlp_weights.pth")
    with pytest.raises(DataError, match="no weights of GeoCLIP"):
        Release.find(folder).network()
    assert not mark.exists()


def test_the_columns_of_a_gallery_are_found_by_name(folder):
    path = Release.find(folder).gallery
    path.write_text("LON,LAT\n10.0,50.0\n")
    np.testing.assert_array_equal(Release.find(folder).places(), [[50.0, 10.0]])
    path.write_text("50.0,10.0\n51.0,11.0\n")
    with pytest.raises(DataError, match="columns LAT and LON"):
        Release.find(folder).places()


def test_reading_weights_leaves_the_random_generator_alone(folder):
    before = torch.get_rng_state()
    Release.find(folder).network()
    assert torch.equal(torch.get_rng_state(), before)


def test_keys_of_training_are_refused_with_released_weights(folder):
    with pytest.raises(ValueError, match="steps: released weights have sizes of their own"):
        GeoClipConfig(weights="released", release=folder, steps=5)


def test_a_gallery_that_lies_outside_the_release_is_refused(tmp_path, network):
    folder = a_safetensors_release(tmp_path / "release", as_released(network), PLACES)
    (folder / "config.json").write_text(json.dumps({"gallery_file": "../places.csv"}))
    with pytest.raises(DataError, match="no name of a file beside it"):
        Release.find(folder)


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(release, "find_spec", lambda name: None)
    method = GeoClip(GeoClipConfig(**GeoClip.presets["released"]))
    with pytest.raises(PluginError, match="not installed") as raised:
        method.content()
    assert "pip install --no-deps" in str(raised.value)


@pytest.mark.parametrize(
    ("config", "word"),
    [({"gallery": {"source": "own"}}, "released weights"), ({"release": Path()}, "`release`")],
)
def test_what_belongs_to_released_weights_is_refused_without_them(config, word):
    with pytest.raises(ValueError, match=word):
        GeoClipConfig(**config)


def test_places_of_released_weights_have_features(folder, network):
    val = some(30, 1, "val")
    method = method_of(folder)
    method.fit(nothing(val), val, Context(seed=0))
    found = method.embed_locations(PLACES, Context(seed=0))
    with torch.no_grad():
        np.testing.assert_array_equal(found, network.location(torch.tensor(PLACES)).numpy())
    assert method.embed_locations(PLACES[:0], Context(seed=0)).shape == (0, 7)


@pytest.fixture
def encoder(monkeypatch):
    """The authors' location encoder with its weights."""
    of_places = official("location_encoder", monkeypatch)
    return of_places.LocationEncoder(from_pretrained=True).eval()


@official_only
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_embeddings_agree_with_the_official_package(encoder):
    points = geo.uniform(10_000, np.random.default_rng(0))
    points[:5] = [[90, 0], [-90, 33], [0, -180], [12, 180], [89.999, -179.999]]
    ours = Release.find(None).network()
    with torch.no_grad():
        expected = encoder(torch.tensor(points, dtype=torch.float32))
        found = ours.location(torch.tensor(points))
    apart = (found - expected).norm(dim=1) / expected.norm(dim=1)
    assert float(apart.max()) < 1e-5


@official_only
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_five_best_places_of_the_released_gallery_are_the_official_ones(encoder):
    found = Release.find(None)
    places = torch.tensor(found.places(), dtype=torch.float32)
    with torch.no_grad():
        theirs = torch.cat([encoder(chunk) for chunk in places.split(4096)])
        theirs = torch.nn.functional.normalize(theirs, dim=1)
        features = torch.randn(1000, 768, generator=torch.Generator().manual_seed(0))
        asked_for = found.network().photos(features)
        expected = (asked_for @ theirs.T).topk(6, dim=1)
    val = some(60, 1, "val")
    method = GeoClip(GeoClipConfig(**GeoClip.presets["released"]))
    method.fit(nothing(val), val, Context(seed=0))
    near = method._near(asked(photos(features.numpy())), Context(seed=0))
    best = expected.indices[:, :5].numpy()
    same = (near.index[:, :5] == best) | (
        np.abs(expected.values[:, :5].numpy() - 1 - near.similarity[:, :5]) < 1e-6
    )
    assert same.all()
