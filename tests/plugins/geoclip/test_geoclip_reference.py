"""geoclip's networks give what the authors' code gives of the same weights, without their package.

reference.json has what the package geoclip 1.3.0 gave of the weights, places and photos below:
where places lie on its map, and the first 8 of 512 numbers of each embedding. It was written once,
with torch 2.14.1 on x86-64, by

    PYTHONPATH=<folder of geoclip>:tests/doubles:tests/plugins/geoclip \\
        python -c "import test_geoclip_reference as reference; reference.write()"
"""

import json
import platform
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from geobench import digests
from geobench_geoclip.places import equal_earth
from geobench_geoclip.release import FEATURES, Release
from geoclip_releases import a_safetensors_release, below, official, official_only

REFERENCE = Path(__file__).with_name("reference.json")
SHOWN = 8  # numbers of an embedding that are kept
ROUNDING_IS_KNOWN = platform.machine().lower() in ("x86_64", "amd64")
OF_PLACES = 1e-5 if ROUNDING_IS_KNOWN else 3e-4
"""How far embeddings may be apart. At the finest scale a place is hundreds of waves from the map's
middle, and its last digit in float32 moves them by 1e-4: other processors may round otherwise."""
PLACES = np.array(
    [
        (90.0, 0.0),
        (-90.0, 33.0),
        (0.0, -180.0),
        (12.0, 179.999),
        (0.0, 0.0),
        (-1.2864, 36.8172),  # Nairobi
        (64.1466, -21.9426),  # Reykjavik
        (-33.8688, 151.2093),  # Sydney
        (-12.0464, -77.0428),  # Lima
        (35.6895, 139.6917),  # Tokyo
        (-54.8019, -68.303),  # Ushuaia
        (78.2232, 15.6267),  # Longyearbyen
    ]
)


def features():
    """Of three photos, (3, 768), float32."""
    return (2 * np.random.default_rng(1).random((3, FEATURES)) - 1).astype(np.float32)


def weights():
    """Weights of the names and sizes of the release, in their order from one generator.

    All are uniform: frequencies with standard deviations of 1, 16 and 256, matrices with those that
    keep the spread of what passes through a layer, biases within 0.1.
    """
    rng = np.random.default_rng(0)
    found = {"logit_scale": np.array(3.681)}

    def within(bound, *shape):
        return bound * (2 * rng.random(shape) - 1)

    def add_layer(name, width, out):
        found[f"{name}.weight"] = within(np.sqrt(6 / width), out, width)
        found[f"{name}.bias"] = within(0.1, out)

    add_layer("image_encoder.mlp.0", FEATURES, 768)
    add_layer("image_encoder.mlp.2", 768, 512)
    for number, scale in enumerate((1, 16, 256)):
        of = f"location_encoder.LocEnc{number}"
        found[f"{of}.capsule.0.b"] = within(scale * np.sqrt(3), 256, 2)
        add_layer(f"{of}.capsule.1", 512, 1024)
        add_layer(f"{of}.capsule.3", 1024, 1024)
        add_layer(f"{of}.capsule.5", 1024, 1024)
        add_layer(f"{of}.head.0", 1024, 512)
    return {name: torch.tensor(array, dtype=torch.float32) for name, array in found.items()}


@pytest.fixture(scope="module")
def recipe():
    return weights()


@pytest.fixture(scope="module")
def network(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe") / "release"
    return Release.find(a_safetensors_release(folder, recipe, PLACES)).network()


@pytest.fixture(scope="module")
def reference():
    return json.loads(REFERENCE.read_text())


def digest_of(weights):
    return digests.array_digest(*(tensor.numpy() for tensor in weights.values()))


def apart(found, expected):
    """The norm of each row's difference over that of the row."""
    return np.linalg.norm(np.subtract(found, expected), axis=1) / np.linalg.norm(expected, axis=1)


def test_the_recipe_gives_the_weights_that_the_reference_was_made_with(recipe, reference):
    assert digest_of(recipe) == reference["weights"]


def test_places_have_the_embeddings_of_the_official_code(network, reference):
    points = torch.tensor(PLACES)
    with torch.no_grad():
        on_map, found = equal_earth(points.float()).numpy(), network.location(points).numpy()
    np.testing.assert_allclose(on_map, reference["on_map"], rtol=3e-7, atol=1e-15)
    assert apart(found[:, :SHOWN], reference["places"]).max() < OF_PLACES


def test_photos_have_the_embeddings_of_the_official_code(network, reference):
    with torch.no_grad():
        found = network.head(network.standardise(torch.tensor(features()))).numpy()
    assert apart(found[:, :SHOWN], reference["photos"]).max() < 1e-5


@official_only
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_reference_is_what_the_official_package_gives(reference, monkeypatch):
    found = official_numbers(monkeypatch)
    assert found["weights"] == reference["weights"]
    np.testing.assert_allclose(found["on_map"], reference["on_map"], rtol=3e-7, atol=1e-15)
    assert apart(found["places"], reference["places"]).max() < OF_PLACES
    assert apart(found["photos"], reference["photos"]).max() < 1e-5


def official_numbers(monkeypatch):
    """What the package gives: its own classes, with CLIP left out of that of images."""
    own = weights()
    monkeypatch.setitem(sys.modules, "transformers", without_clip())
    of_places = official("location_encoder", monkeypatch)
    encoder = of_places.LocationEncoder(from_pretrained=False)
    encoder.load_state_dict(below("location_encoder.", own), strict=True)
    of_images = official("image_encoder", monkeypatch).ImageEncoder(from_pretrained=False)
    of_images.mlp.load_state_dict(below("image_encoder.mlp.", own), strict=True)
    points = torch.tensor(PLACES, dtype=torch.float32)
    with torch.no_grad():
        rows = {
            "on_map": of_places.equal_earth_projection(points),
            "places": encoder(points)[:, :SHOWN],
            "photos": of_images(torch.tensor(features()))[:, :SHOWN],
        }
    return {"weights": digest_of(own)} | {name: shortened(array) for name, array in rows.items()}


def without_clip():
    """A module `transformers` whose CLIP gives what it is given: features in place of pixels."""

    class Passing(torch.nn.Module):
        def __init__(self, *_, **__):
            super().__init__()

        def get_image_features(self, pixel_values):
            return pixel_values

    module = types.ModuleType("transformers")
    for name in ("AutoProcessor", "CLIPConfig", "CLIPImageProcessor", "CLIPModel"):
        setattr(module, name, Passing)
    return module


def shortened(array):
    """Rows of numbers with the nine digits that tell float32 apart."""
    return [[float(f"{value:.9g}") for value in row] for row in array.tolist()]


def write():
    """Make the reference; see above."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        found = official_numbers(monkeypatch)
    lines = [f' "weights": "{found.pop("weights")}"']
    lines += [
        f' "{name}": [\n  ' + ",\n  ".join(map(json.dumps, rows)) + "\n ]"
        for name, rows in found.items()
    ]
    REFERENCE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
