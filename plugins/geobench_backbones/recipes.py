"""What open_clip knows of a model without its weights: its sizes, and how pictures are prepared."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import ConfigError, DataError, Image, digests

CONFIG_FILE = "open_clip_config.json"
"""In a folder that open_clip saved: the model, and how pictures are prepared."""

_PREPARED = ("mean", "std", "interpolation", "resize_mode", "fill_color")
_WHERE = "encoder open-clip"


@final
@dataclass(frozen=True, kw_only=True)
class ClipRecipe:
    """A model, and how its pictures are prepared.

    Args:
        model: what `open_clip.create_model` calls it: a name, or "local-dir:" and a folder.
        tag: whose weights, "" for those of a checkpoint alone.
        shape: the configuration of the model, as open_clip has it.
        preparation: what `open_clip.transform.PreprocessCfg` takes, but the size.
        quick_gelu: whether the tag was trained with OpenAI's approximation of GELU.
        repository: where the tag's weights are published, on huggingface.co; "" for none.
        files: how they may be called there, the best first.
    """

    model: str
    tag: str
    shape: Mapping[str, Any]
    preparation: Mapping[str, Any]
    quick_gelu: bool = False
    repository: str = ""
    files: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers a picture, or a text, becomes."""
        return int(self.shape["embed_dim"])

    def digest(self) -> str:
        """SHA-256 of what decides the features beside the weights."""
        return digests.digest([self.shape, self.preparation, self.quick_gelu])

    def prepared(self, image: Image) -> NDArray[np.float32]:
        """A picture (H, W, 3) brought to size and normalised, (3, H', W')."""
        from PIL import Image as Pictures

        found: NDArray[np.float32] = self._transform(Pictures.fromarray(image)).numpy()
        return found

    @cached_property
    def _transform(self) -> Any:
        from open_clip.transform import PreprocessCfg, image_transform_v2

        size = self.shape["vision_cfg"]["image_size"]
        return image_transform_v2(PreprocessCfg(size=size, **self.preparation), is_train=False)


def of_tag(model: str, tag: str | None) -> ClipRecipe:
    """The recipe of a model that open_clip knows by name.

    Args:
        tag: of `open_clip.list_pretrained()`; None: pictures are prepared as OpenAI's.

    Raises:
        ConfigError: there is no such model, or no such tag of it.
    """
    import open_clip
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

    shape = open_clip.get_model_config(model) if model in open_clip.list_models() else None
    if shape is None:
        near = ", ".join(get_close_matches(model, open_clip.list_models(), n=3, cutoff=0.3))
        raise ConfigError(
            f"open_clip has no model {model!r}",
            where=_WHERE,
            remedy=f"Like it are {near}. Others can be a folder in `checkpoint`, with weights and "
            f"{CONFIG_FILE}.",
        )
    if "hf_model_name" in shape["text_cfg"]:
        raise ConfigError(
            f"the texts of {model} are read by a network of transformers, which is downloaded",
            where=_WHERE,
            remedy="Take a model whose networks are all open_clip's own, such as ViT-L-14.",
        )
    if tag is None:
        return ClipRecipe(model=model, tag="", shape=shape, preparation={})
    published = open_clip.get_pretrained_cfg(model, tag)
    if not published:
        raise ConfigError(
            f"open_clip has no weights {tag!r} of {model}",
            where=_WHERE,
            remedy=f"There are: {', '.join(open_clip.list_pretrained_tags_by_model(model))}.",
        )
    repository, file = os.path.split(published["hf_hub"])
    files = (file,) if file else (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)
    return ClipRecipe(
        model=model,
        tag=tag,
        shape=shape,
        preparation={name: published[name] for name in _PREPARED if name in published},
        quick_gelu=bool(published.get("quick_gelu", False)),
        repository=repository,
        files=files,
    )


def of_folder(folder: Path) -> ClipRecipe:
    """The recipe in a folder that open_clip saved.

    Raises:
        DataError: it describes no model.
    """
    path = folder / CONFIG_FILE
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        shape, prepared = read["model_cfg"], read.get("preprocess_cfg", {})
        int(shape["embed_dim"]), shape["vision_cfg"]["image_size"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"describes no model of open_clip ({type(error).__name__}: {error})",
            where=str(path),
            remedy="It has model_cfg, with embed_dim and the image_size of vision_cfg, and "
            "preprocess_cfg; or name in `checkpoint` a file of weights, and its `model`.",
        ) from None
    prepared = {name: prepared[name] for name in _PREPARED if name in prepared}
    return ClipRecipe(model=f"local-dir:{folder}", tag="", shape=shape, preparation=prepared)
