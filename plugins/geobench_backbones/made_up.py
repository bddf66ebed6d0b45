"""A CLIP of a few thousand weights that mean nothing, for checks."""

import json
from pathlib import Path
from typing import Any

from geobench_backbones.recipes import CONFIG_FILE

_SHAPE = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,  # that of the tokenizer
        "width": 16,
        "heads": 2,
        "layers": 1,
    },
}


def write(folder: Path, **changes: Any) -> None:
    """Write the model and its weights, the same each time, as open_clip saves a model.

    Args:
        changes: of its configuration.
    """
    import open_clip
    import torch
    from safetensors.torch import save_file

    shape = _SHAPE | changes
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        model = open_clip.CLIP(**shape)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    described = {"model_cfg": shape, "preprocess_cfg": {}}
    (folder / CONFIG_FILE).write_text(json.dumps(described), encoding="utf-8")
