"""The encoder `open-clip`: CLIP and its kin, pictures and texts in one space."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from geobench import Config, DataError, Features, Image, InputPath, TextEncoder, digests
from geobench_backbones import made_up
from geobench_backbones.recipes import ClipRecipe, of_folder, of_tag
from geobench_backbones.texts import words
from geobench_backbones.weights import cached, loaded

if TYPE_CHECKING:
    from torch import Tensor


class OpenClipConfig(Config):
    """Which model, and which weights."""

    unkeyed = frozenset({"batch"})

    model: str | None = Field(
        "ViT-L-14",
        description="a name of `open_clip.list_models()`; null where `checkpoint` is a folder",
    )
    pretrained: str | None = Field(
        "openai",
        description="a tag of `open_clip.list_pretrained()`: whose weights, and with them how "
        "pictures are brought to size; null: those of `checkpoint`, pictures as OpenAI's",
    )
    checkpoint: InputPath | None = Field(
        None,
        description="a file of weights of the model, read in the place of the downloaded one; or a "
        "folder with open_clip_config.json and weights, as open_clip saves it",
    )
    batch: int = Field(32, ge=1, description="pictures at a time; changes no number but the memory")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        folder = self.checkpoint is not None and self.checkpoint.is_dir()
        if folder and (self.model, self.pretrained) != (None, None):
            raise ValueError(
                f"{self.checkpoint} is a folder that describes its own model; set model and "
                "pretrained to null"
            )
        if not folder and self.model is None:
            raise ValueError("there is no model; name one, or a folder in `checkpoint`")
        if self.checkpoint is None and self.pretrained is None:
            raise ValueError("there are no weights; name a tag in `pretrained`, or a `checkpoint`")
        return self


@final
class OpenClip(TextEncoder):
    """CLIP and its kin (open_clip): projected features of pictures, and of texts beside them.

    After Radford et al., Learning Transferable Visual Models From Natural Language Supervision
    (ICML 2021). Features are not brought to length 1: GeoCLIP reads them as they are. Weights are
    looked for in the cache of huggingface_hub, and nothing is downloaded: what is absent is said,
    with the command that fetches it.
    """

    name = "open-clip"
    version = 1
    Config = OpenClipConfig
    requires = ("torch", "open_clip")
    config: OpenClipConfig

    def __init__(self, config: OpenClipConfig | None = None) -> None:
        super().__init__(config)
        self._device = "cpu"
        self._model: Any = None
        self._read: ClipRecipe | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without weights and transforms: a worker that prepares pictures needs no weights."""
        return vars(self) | {"_model": None, "_read": None}

    @property
    def batch(self) -> int:
        return self.config.batch

    @property
    def recipe(self) -> ClipRecipe:
        """The model, and how its pictures are prepared; read once."""
        if self._read is None:
            config = self.config
            if config.model is None and config.checkpoint is not None:
                self._read = of_folder(config.checkpoint)
            else:
                self._read = of_tag(str(config.model), config.pretrained)
        return self._read

    def content(self) -> str:
        """Of a tag, the weights and how pictures are prepared; a checkpoint is in the key as it
        is."""
        about = self.recipe.digest()
        if self.config.checkpoint is not None:
            return about
        return digests.digest([about, digests.known_digest(cached(self.recipe))])

    def shape(self, what: Literal["pooled", "tokens"]) -> tuple[int, ...] | None:
        return (self.recipe.width,) if what == "pooled" else None

    def to(self, device: str) -> None:
        self._device = device
        if self._model is not None:
            self._model.to(device)

    def prepare(self, image: Image) -> NDArray[np.float32]:
        """A picture brought to size and normalised, (3, H, W)."""
        return self.recipe.prepared(image)

    def encode(self, batch: Any, *, tokens: bool) -> Features:
        """Projected features (B, D)."""
        import torch

        with torch.inference_mode():
            pictures = torch.as_tensor(np.asarray(batch), device=self._device)
            return Features(_numbers(self._loaded().encode_image(pictures)))

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Features of texts (len(texts), D); what is longer than the model reads is cut, with a
        warning."""
        import torch

        features = np.zeros((len(texts), self.recipe.width), np.float32)
        with torch.inference_mode():
            for number, row in enumerate(words(self.recipe, texts)):  # none depends on the others
                features[number] = _numbers(self._loaded().encode_text(row[None].to(self._device)))
        return features

    @classmethod
    def tiny(cls, folder: Path) -> OpenClipConfig:
        made_up.write(folder / "open-clip")
        return OpenClipConfig(model=None, pretrained=None, checkpoint=folder / "open-clip")

    def _loaded(self) -> Any:
        if self._model is None:
            path = self.config.checkpoint or cached(self.recipe)
            self._model = loaded(self.recipe, path).to(self._device)
        return self._model


def _numbers(features: "Tensor") -> NDArray[np.float32]:
    found: NDArray[np.float32] = features.float().cpu().numpy()
    if not np.isfinite(found).all():
        raise DataError(
            "features are not finite; are its weights damaged?",
            where="encoder open-clip",
            remedy="Fetch the weights again, or give others in `checkpoint`.",
        )
    return found
