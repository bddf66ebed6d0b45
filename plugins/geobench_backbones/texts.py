"""Texts as the numbers of their words."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from geobench import PluginError
from geobench_backbones.recipes import ClipRecipe

if TYPE_CHECKING:
    from torch import Tensor


def words(recipe: ClipRecipe, texts: Sequence[str]) -> "Tensor":
    """The numbers of texts' words, (len(texts), context length); what is longer is cut, as the
    models' authors do, and said.

    Raises:
        PluginError: the model's tokenizer is none of open_clip's own.
    """
    from open_clip import SimpleTokenizer

    text = recipe.shape["text_cfg"]
    if "hf_tokenizer_name" in text or "siglip" in recipe.model.lower():
        raise PluginError(
            f"texts of {recipe.model} are read by a tokenizer that is downloaded and needs "
            "transformers",
            where="encoder open-clip",
            remedy="Its pictures can be encoded; for texts take a model with CLIP's own tokenizer, "
            "such as ViT-L-14.",
        )
    tokenizer = SimpleTokenizer(
        context_length=text.get("context_length", 77), **text.get("tokenizer_kwargs", {})
    )
    room = tokenizer.context_length - 2  # beside the marks of start and end
    for each in texts:
        count = len(tokenizer.encode(each))
        if count > room:
            logging.getLogger("geobench").warning(
                "open-clip: a text of %s tokens is cut to the %s that the model reads: %.60s",
                count,
                room,
                each,
            )
    found: Tensor = tokenizer(list(texts))
    return found
