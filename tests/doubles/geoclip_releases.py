"""Releases of GeoCLIP: made-up ones, and the package `geoclip` where it is installed."""

import csv
import importlib
import json
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

OFFICIAL = find_spec("geoclip")

official_only = pytest.mark.skipif(
    OFFICIAL is None or OFFICIAL.origin is None,
    reason="the package geoclip is not installed: pip install --no-deps geoclip",
)


def official(module, monkeypatch):
    """A module of the package, without its face, which imports transformers."""
    root = Path(next(iter(OFFICIAL.submodule_search_locations)))
    for name, place in (("geoclip", root), ("geoclip.model", root / "model")):
        empty = types.ModuleType(name)
        empty.__path__, empty.__spec__ = [str(place)], OFFICIAL
        monkeypatch.setitem(sys.modules, name, empty)
    return importlib.import_module(f"geoclip.model.{module}")


def as_released(network):
    """The weights of a network by the names under which the authors release them."""
    found = {"logit_scale": network.logit_scale.detach()}
    for name, tensor in network.head.state_dict().items():
        found[f"image_encoder.mlp.{name}"] = tensor
    for number, capsule in enumerate(network.location.capsules):
        of = f"location_encoder.LocEnc{number}."
        found[f"{of}capsule.0.b"] = capsule.waves
        layers = capsule.layers.state_dict()
        last = max(int(name.split(".")[0]) for name in layers)
        for name, tensor in layers.items():
            layer, kind = name.split(".")
            head = int(layer) == last
            found[f"{of}head.0.{kind}" if head else f"{of}capsule.{int(layer) + 1}.{kind}"] = tensor
    return {name: tensor.clone() for name, tensor in found.items()}


def below(prefix, weights):
    """The weights whose names begin so, by the rest of their names."""
    return {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}


def a_package(folder, weights, places):
    """Weights and a gallery as the package has them; the folder."""
    (folder / "model/weights").mkdir(parents=True)
    of_images, of_places = (
        below(prefix, weights) for prefix in ("image_encoder.mlp.", "location_encoder.")
    )
    torch.save(of_images, folder / "model/weights/image_encoder_mlp_weights.pth")
    torch.save(of_places, folder / "model/weights/location_encoder_weights.pth")
    torch.save(weights["logit_scale"], folder / "model/weights/logit_scale_weights.pth")
    write_places(folder / "model/gps_gallery/coordinates_100K.csv", places)
    return folder


def a_safetensors_release(folder, weights, places):
    """The same as a safetensors release; the folder."""
    folder.mkdir(parents=True)
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"gallery_file": "places.csv"}))
    write_places(folder / "places.csv", places)
    return folder


def write_places(path, places):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("LAT", "LON"), *places.tolist()])
