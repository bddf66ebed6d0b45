"""Texts as the numbers of their words."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from geobench_backbones.recipes import ClipRecipe

if TYPE_CHECKING:
    from torch import Tensor


def words(recipe: ClipRecipe, texts: Sequence[str]) -> "Tensor":
    """The numbers of texts' words, (len(texts), context length); what is longer is cut, as the
    models' authors do, and said."""
    import open_clip

    tokenizer = open_clip.get_tokenizer(recipe.model)
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        room = tokenizer.context_length - 2  # beside the marks of start and end
        for text in texts:
            count = len(tokenizer.encode(text))
            if count > room:
                logging.getLogger("geobench").warning(
                    "open-clip: a text of %s tokens is cut to the %s that the model reads: %.60s",
                    count,
                    room,
                    text,
                )
    return cast("Tensor", tokenizer(list(texts)))
