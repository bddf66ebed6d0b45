"""The authors' weights: where they lie, what is in them, and what they have seen."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, final

from geobench import DataError, PluginError, digests

if TYPE_CHECKING:
    from geobench_flow.network import FieldNetwork

_OWNER = "nicolas-dufour"  # on huggingface.co
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_SEEN = {
    "PLONK_OSV_5M": "OpenStreetView-5M: 4.9 million street views",
    "PLONK_YFCC": "YFCC100M: 48 million photos of Flickr",
    "PLONK_iNaturalist": "iNaturalist 2021: 2.7 million photos of animals and plants",
}
_NAMES = (  # parts of the official network's names -> of ours
    ("time_embedder.encode_time.freqs", "frequencies"),
    ("time_embedder.map_time.", "time."),
    ("cond_mapper.", "photo."),
    ("initial_mapper.", "first."),
    ("mlp.0.", "widen."),
    ("mlp.3.", "narrow."),
    ("ada_map.1.", "modulation."),
    ("final_adaln.1.", "modulation."),
    ("final_linear.", "out."),
)


@final
@dataclass(frozen=True, slots=True)
class Release:
    """A folder with the authors' config.json and model.safetensors.

    Args:
        config: its file.
        weights: its file.
    """

    config: Path
    weights: Path

    @classmethod
    def find(cls, named: str | Path, *, method: str) -> Self:
        """A folder, or a release that huggingface_hub's cache holds; nothing is downloaded.

        Raises:
            DataError: it is not there, or lacks a file; says what fetches it.
            PluginError: huggingface_hub is not installed.
        """
        if isinstance(named, Path):
            return cls(_there(named / _CONFIG), _there(named / _WEIGHTS))
        repository = f"{_OWNER}/{named}"
        config, weights = (_cached(repository, file, method) for file in (_CONFIG, _WEIGHTS))
        return cls(config, weights)

    @property
    def features(self) -> int:
        """How many numbers of a photo it is told."""
        return self._sizes()["cond_dim"]

    def content(self) -> str:
        """SHA-256 of all of it."""
        return digests.of_files(self.config, self.weights)

    def network(self) -> "FieldNetwork":
        """In evaluation mode, as large as config.json says.

        Raises:
            DataError: the weights are not those of this network, or damaged.
        """
        import torch
        from safetensors.torch import load_file

        from geobench_flow.config import NetworkConfig
        from geobench_flow.network import FieldNetwork
        from geobench_torch import Standardise

        sizes = self._sizes()
        config = NetworkConfig(
            width=sizes["dim"], depth=sizes["depth"], expansion=sizes["expansion"]
        )
        try:
            own = {as_ours(name): tensor for name, tensor in load_file(self.weights).items()}
            with torch.device("meta"):  # no weights are drawn that are not used
                network = FieldNetwork(sizes["cond_dim"], config)
            network.standardise = Standardise(sizes["cond_dim"])  # changes nothing
            same = network.standardise.state_dict()
            constants = {f"standardise.{name}": tensor for name, tensor in same.items()}
            network.load_state_dict(own | constants, strict=True, assign=True)
        except Exception as error:  # torch and safetensors each raise their own
            raise DataError(
                f"holds no weights of the network that {_CONFIG} beside it describes "
                f"({type(error).__name__}: {str(error)[:300]})",
                where=str(self.weights),
                remedy=_AS_RELEASED,
            ) from None
        return network.eval()

    def _sizes(self) -> dict[str, int]:
        """Of config.json, by the authors' names."""
        try:
            found = json.loads(self.config.read_text(encoding="utf-8"))
            if found.get("input_dim") != 3:
                raise ValueError(f"input_dim is {found.get('input_dim')}, not 3")
            return {name: int(found[name]) for name in ("dim", "depth", "expansion", "cond_dim")}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"describes no network of PLONK ({type(error).__name__}: {error})",
                where=str(self.config),
                remedy=_AS_RELEASED,
            ) from None


_AS_RELEASED = (
    f"Name in `weights` a release, or a folder with its {_CONFIG} and {_WEIGHTS} as they are "
    f"published under https://huggingface.co/{_OWNER}."
)


def seen_by(named: str | Path) -> str:
    """What a release was trained on, in words; it need not be there."""
    if isinstance(named, Path):
        return f"what the release in the folder {named.name} was trained on"
    return next(words for name, words in _SEEN.items() if named.startswith(name))


def as_ours(name: str) -> str:
    """The name in our network of a tensor that the authors call `name`."""
    for theirs, ours in _NAMES:
        if theirs in name:
            return name.replace(theirs, ours)
    return name


def _there(path: Path) -> Path:
    if not path.is_file():
        raise DataError("is not there", where=str(path), remedy=_AS_RELEASED)
    return path


def _cached(repository: str, file: str, method: str) -> Path:
    try:
        from huggingface_hub import constants, try_to_load_from_cache
    except ImportError:
        raise PluginError(
            f"the release {repository} is looked for by huggingface_hub, which is not installed",
            where=f"method {method}",
            remedy="pip install huggingface_hub; or name in `weights` a folder with the files.",
        ) from None
    found = try_to_load_from_cache(repository, file)
    if not isinstance(found, str):
        raise DataError(
            f"{file} of https://huggingface.co/{repository} is not here, sought in "
            f"{constants.HF_HUB_CACHE}",
            where=f"method {method}",
            remedy=f"Fetch it: hf download {repository}; or name in `weights` a folder with "
            f"{_CONFIG} and {_WEIGHTS}.",
        )
    return Path(found)
