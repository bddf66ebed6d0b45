"""Released weights of flows: a folder or the cache of huggingface_hub, and what they answer."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from geobench import Context, DataError, Labelled, Rows, geo
from geobench.testing import examine
from geobench_flow.config import EuclideanFlowConfig, NetworkConfig, RiemannianConfig
from geobench_flow.method import RiemannianFlow
from geobench_flow.network import FieldNetwork
from geobench_flow.release import Release, as_ours
from geobench_flow.space_method import EuclideanDiffusion, EuclideanFlow

REFERENCE = Path(__file__).with_name("reference.json")
FEATURES = 12
SIZES = {"input_dim": 3, "dim": 32, "depth": 2, "expansion": 4, "cond_dim": FEATURES}


NAMES = [name for name, _ in json.loads(REFERENCE.read_text())["weights"]]
"""What the package calls its parameters, in a network of three blocks."""


def published(network):
    """Its weights by the authors' names, and the frequencies that they keep as a buffer."""
    weights = {"time_embedder.encode_time.freqs": network.frequencies.contiguous()}
    for name in NAMES:
        if not name.startswith("blocks.2."):
            weights[name] = network.get_parameter(as_ours(name)).detach().contiguous()
    return weights


@pytest.fixture(scope="module")
def network():
    config = NetworkConfig(width=SIZES["dim"], depth=SIZES["depth"], expansion=SIZES["expansion"])
    made = FieldNetwork(FEATURES, config)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(parameter.shape) / 8))
    return made.eval()


def written(folder, network, **sizes):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(SIZES | sizes))
    save_file(published(network), folder / "model.safetensors")
    return folder


@pytest.fixture
def folder(tmp_path, network):
    return written(tmp_path / "PLONK_made_up", network)


def photos(count, seed):
    rng = np.random.default_rng(seed)
    features = Rows([rng.standard_normal((count, FEATURES)).astype(np.float32)])
    ids = np.array([f"{seed}-{k}" for k in range(count)])
    return Labelled(ids, geo.uniform(count, rng), pooled=features)


def test_a_release_is_the_network_that_was_published(folder, network):
    found = Release.find(folder, method="riemannian-flow").network()
    points, features = torch.randn(5, 3), torch.randn(5, FEATURES)
    gamma = torch.linspace(0, 1, 5)
    with torch.no_grad():
        said, wanted = (
            each(points, each.modulations(each.told(features), gamma)) for each in (found, network)
        )
        torch.testing.assert_close(said, wanted, rtol=0, atol=0)


@pytest.mark.parametrize("kind", [RiemannianFlow, EuclideanFlow, EuclideanDiffusion])
def test_released_weights_answer_and_train_nothing(folder, kind):
    method = kind(kind.Config(weights=folder, sampling_steps=4))
    val, test = photos(4, 1), photos(3, 2)
    method.fit(val.take(np.arange(0)), val, Context(seed=0))
    answers = method.predict(test, Context(seed=0)).point()
    assert answers.shape == (3, 2)
    assert not any("network" in name for name in method.state())
    again = kind(method.config)
    again.restore(method.state(), val.take(np.arange(0)), Context(seed=0))
    np.testing.assert_array_equal(again.predict(test, Context(seed=0)).point(), answers)


def test_it_says_what_it_is(folder):
    method = RiemannianFlow(RiemannianConfig(weights=folder))
    assert (method.origin, method.needs_training, method.feature_width) == ("released", False, 12)
    assert "PLONK_made_up" in method.trained_on
    trained = RiemannianFlow(RiemannianConfig())
    assert (trained.origin, trained.content(), trained.trained_on) == ("trained", "", "")
    assert trained.needs_training
    assert trained.feature_width is None


def test_content_is_that_of_both_files(folder):
    def content():
        return RiemannianFlow(RiemannianConfig(weights=folder)).content()

    before = content()
    for path in sorted(folder.iterdir()):
        kept = path.read_bytes()
        path.write_bytes(kept + b" ")
        assert content() != before, path.name
        path.write_bytes(kept)


@pytest.mark.slow
def test_with_a_made_up_release_it_passes_the_kit(folder):
    config = RiemannianConfig(weights=folder, sampling_steps=8)
    verdict = examine(RiemannianFlow, config=config)
    assert {o.check: o.reason for o in verdict.outcomes if o.status == "failed"} == {}
    passed = {o.check for o in verdict.outcomes if o.status == "passed"}
    assert {"density-integrates-to-one", "state-round-trips"} <= passed


def test_a_release_in_the_cache_is_found_by_its_name(tmp_path, monkeypatch, network):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--nicolas-dufour--PLONK_YFCC_flow"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text("abc")
    written(repository / "snapshots/abc", network)
    method = EuclideanFlow(EuclideanFlowConfig(weights="PLONK_YFCC_flow"))
    assert method.feature_width == FEATURES
    assert "YFCC100M" in method.trained_on


def test_an_absent_release_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError) as raised:
        RiemannianFlow(RiemannianConfig(weights="PLONK_OSV_5M")).content()
    said = str(raised.value)
    for part in ("config.json", "hf download nicolas-dufour/PLONK_OSV_5M", str(tmp_path)):
        assert part in said
    # What a plan asks of all methods can be said without the files.
    method = RiemannianFlow(RiemannianConfig(weights="PLONK_OSV_5M"))
    assert method.origin == "released"
    assert "OpenStreetView-5M" in method.trained_on


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_file_that_is_not_there_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(DataError, match=file):
        RiemannianFlow(RiemannianConfig(weights=folder)).content()


def test_weights_of_another_network_are_refused(tmp_path, network):
    deeper = written(tmp_path / "deeper", network, depth=3)
    with pytest.raises(DataError, match=r"(?s)no weights of the network.*blocks\.2"):
        Release.find(deeper, method="riemannian-flow").network()
    other = written(tmp_path / "other", network, input_dim=2)
    with pytest.raises(DataError, match="input_dim is 2, not 3"):
        Release.find(other, method="riemannian-flow").network()


@pytest.mark.parametrize("key", ["steps", "hidden_photos", "width"])
def test_keys_of_a_training_are_refused_beside_a_release(folder, key):
    value = RiemannianConfig.model_fields[key].default
    with pytest.raises(ValidationError, match=f"`{key}`: released weights"):
        RiemannianConfig(weights=folder, **{key: value})


def test_a_name_that_is_neither_a_release_nor_a_folder_is_refused():
    with pytest.raises(ValidationError, match="PLONK_YFCC"):
        RiemannianConfig(weights="PLONK_YFC")
