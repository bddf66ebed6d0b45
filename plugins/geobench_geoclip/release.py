"""The authors' weights: where they lie, and what is in them; nothing of the package is imported."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from geobench import DataError, PluginError, Points, digests

if TYPE_CHECKING:
    from torch import Tensor

    from geobench_geoclip.network import GeoClipNetwork

FEATURES = 768
"""Numbers of a photo's pooled features: of CLIP's ViT-L/14, projected."""

TRAINED_ON = "MP-16: 4.7 million photos of Flickr"

_PACKAGE = {  # files of the package -> what stands before the names in them
    "model/weights/image_encoder_mlp_weights.pth": "image_encoder.mlp.",
    "model/weights/location_encoder_weights.pth": "location_encoder.",
    "model/weights/logit_scale_weights.pth": "logit_scale",
}
_PACKAGE_GALLERY = "model/gps_gallery/coordinates_100K.csv"
_SAFETENSORS = "model.safetensors"
_CONFIG = "config.json"


@final
@dataclass(frozen=True, slots=True)
class Release:
    """Released weights and their gallery.

    Args:
        weights: the files of weights.
        gallery: a CSV of places.
    """

    weights: tuple[Path, ...]
    gallery: Path

    @classmethod
    def find(cls, folder: Path | None) -> "Release":
        """What lies in a folder, of the package `geoclip` or of a safetensors release.

        Args:
            folder: None looks for the installed package.

        Raises:
            PluginError: the package is not installed.
            DataError: the folder is neither, or lacks a file.
        """
        folder = _installed() if folder is None else folder
        if (folder / _CONFIG).is_file():
            return cls(
                (_there(folder / _SAFETENSORS),), _there(folder / _gallery_file(folder / _CONFIG))
            )
        return cls(
            tuple(_there(folder / name) for name in _PACKAGE), _there(folder / _PACKAGE_GALLERY)
        )

    def content(self) -> str:
        """SHA-256 of all of it."""
        return digests.of_files(*self.weights, self.gallery)

    def places(self) -> Points:
        """The places of its gallery, (G, 2)."""
        try:
            with self.gallery.open(newline="", encoding="utf-8-sig") as stream:
                head, *rows = csv.reader(stream)
            columns = [name.strip().lower() for name in head]
            lat, lon = columns.index("lat"), columns.index("lon")
            return np.array([(float(row[lat]), float(row[lon])) for row in rows]).reshape(-1, 2)
        except (IndexError, ValueError, OSError, csv.Error) as error:
            raise DataError(
                f"is no gallery with columns LAT and LON: {error}",
                where=str(self.gallery),
                remedy=_AS_RELEASED,
            ) from None

    def network(self) -> "GeoClipNetwork":
        """Its networks, in evaluation mode, as large as its weights say.

        Raises:
            DataError: the weights are not those of GeoCLIP, too few, or damaged.
        """
        import torch

        from geobench_geoclip.config import GeoClipConfig
        from geobench_geoclip.network import GeoClipNetwork
        from geobench_torch import Standardise

        try:
            own = _as_ours(self._tensors())
            location = [own[name].shape[0] for name in _linear(own, "location.capsules.0.")]
            image = [own[name].shape[0] for name in _linear(own, "head.")]
            count = sum(name.endswith(".waves") for name in own)
            with torch.device("meta"):  # no weights are drawn that are not used
                network = GeoClipNetwork(
                    own["head.0.weight"].shape[1],
                    GeoClipConfig(
                        scales=(1.0,) * count,
                        frequencies=len(own["location.capsules.0.waves"]),
                        location_hidden=tuple(location[:-1]),
                        image_hidden=tuple(image[:-1]),
                        width=image[-1],
                        dropout=0.0,
                    ),
                )
            network.standardise = Standardise(own["head.0.weight"].shape[1])  # changes nothing
            constants = {f"standardise.{k}": v for k, v in network.standardise.state_dict().items()}
            network.load_state_dict(own | constants, strict=True, assign=True)
        except Exception as error:  # torch, safetensors, pickle and zipfile each raise their own
            raise DataError(
                f"holds no weights of GeoCLIP ({type(error).__name__}: {error})",
                where=str(self.weights[0].parent),
                remedy=_AS_RELEASED,
            ) from None
        return network.eval()

    def _tensors(self) -> dict[str, "Tensor"]:
        """All weights by the names of a safetensors release; no code of a pickle is run."""
        import torch
        from safetensors.torch import load_file

        if self.weights[0].suffix == ".safetensors":
            return load_file(self.weights[0])
        tensors: dict[str, Tensor] = {}
        for path, prefix in zip(self.weights, _PACKAGE.values(), strict=True):
            found = torch.load(path, map_location="cpu", weights_only=True)
            named = found if isinstance(found, Mapping) else {"": found}
            tensors |= {prefix + name: tensor for name, tensor in named.items()}
        return tensors


_AS_RELEASED = (
    "Name in `release` a folder with config.json, model.safetensors and the gallery's CSV, or one "
    "of the package geoclip; or leave it out and install the package: "
    "pip install --no-deps 'geoclip>=1.3'"
)


def _as_ours(weights: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    """Released weights by the names of our network.

    Raises:
        KeyError: a name that GeoCLIP's weights do not have.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        match name.split("."):
            case ["logit_scale"]:
                found["logit_scale"] = tensor
            case ["image_encoder", "mlp", layer, kind]:
                found[f"head.{layer}.{kind}"] = tensor
            case ["location_encoder", capsule, "capsule", "0", "b"]:
                found[f"location.capsules.{capsule.removeprefix('LocEnc')}.waves"] = tensor
            case ["location_encoder", capsule, "capsule", layer, kind]:
                # The first of its layers is the random Fourier features.
                number = capsule.removeprefix("LocEnc")
                found[f"location.capsules.{number}.layers.{int(layer) - 1}.{kind}"] = tensor
            case ["location_encoder", capsule, "head", "0", kind]:
                own = f"location_encoder.{capsule}.capsule."
                last = max(int(n.split(".")[3]) for n in weights if n.startswith(own))
                number, layer = capsule.removeprefix("LocEnc"), str(last + 1 if last else 0)
                found[f"location.capsules.{number}.layers.{layer}.{kind}"] = tensor
            case _:
                raise KeyError(name)
    return found


def _linear(own: Mapping[str, "Tensor"], prefix: str) -> list[str]:
    """The names of a perceptron's matrices, from the first to the last."""
    names = [name for name in own if name.startswith(prefix) and name.endswith(".weight")]
    return sorted(names, key=lambda name: int(name.split(".")[-2]))


def _installed() -> Path:
    """The folder of the installed package, without importing it: that takes ten seconds."""
    spec = find_spec("geoclip")
    if spec is None or spec.origin is None or not spec.submodule_search_locations:
        raise PluginError(
            "`weights: released` reads the weights that the package geoclip ships, which is not "
            "installed",
            where="method geoclip",
            remedy="pip install --no-deps 'geoclip>=1.3' (its own requirements are of no use "
            "here); or name the folder of a release in `release`.",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _gallery_file(config: Path) -> str:
    """The name of the CSV that a release's config.json has."""
    try:
        name = json.loads(config.read_text(encoding="utf-8"))["gallery_file"]
        if Path(name).name != name:
            raise ValueError(f"gallery_file is {name!r}, no name of a file beside it")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(
            f"describes no release of GeoCLIP ({type(error).__name__}: {error})",
            where=str(config),
            remedy=_AS_RELEASED,
        ) from None
    return str(name)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise DataError("is not there", where=str(path), remedy=_AS_RELEASED)
    return path
