"""Where weights lie, and the model with them; no code of a pickle is run, nothing is downloaded."""

import warnings
from pathlib import Path
from typing import Any

from geobench import DataError
from geobench_backbones.recipes import ClipRecipe


def cached(recipe: ClipRecipe) -> Path:
    """The file of a tag's weights in the cache of huggingface_hub.

    Raises:
        DataError: it is not there; says what fetches it.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    for file in recipe.files:
        found = try_to_load_from_cache(recipe.repository, file)
        if isinstance(found, str):
            return Path(found)
    raise DataError(
        f"the weights {recipe.tag!r} of {recipe.model} are not here: {recipe.files[0]} of "
        f"https://huggingface.co/{recipe.repository}, sought in {constants.HF_HUB_CACHE}",
        where="encoder open-clip",
        remedy=f"Fetch it: hf download {recipe.repository} {recipe.files[0]}; or put the file "
        "anywhere and name it in `checkpoint`.",
    )


def loaded(recipe: ClipRecipe, checkpoint: Path) -> Any:
    """The model with the weights of a file, or of the folder that describes it; on the CPU, in
    evaluation mode.

    Raises:
        DataError: they are not weights of this model, or damaged.
    """
    import open_clip
    from torch.random import fork_rng

    try:
        with fork_rng([]), warnings.catch_warnings():  # a network is drawn, then read
            warnings.simplefilter("ignore")
            model = open_clip.create_model(
                recipe.model,
                pretrained=None if checkpoint.is_dir() else str(checkpoint),
                force_quick_gelu=recipe.quick_gelu,
                pretrained_image=False,
                pretrained_text=False,
                require_pretrained=True,
                weights_only=True,
            )
    except Exception as error:  # torch, safetensors, pickle and open_clip each raise their own
        raise DataError(
            f"holds no weights of {recipe.model} ({type(error).__name__}: {str(error)[:300]})",
            where=str(checkpoint),
            remedy="Give a state dict (safetensors, or a .pt or .bin without code) of this model; "
            "OpenAI's own .pt files are programs: take open_clip_model.safetensors instead.",
        ) from None
    return model.eval().requires_grad_(False)
