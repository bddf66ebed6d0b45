"""Encoders with weights that others have trained; what they need is the extra `[backbones]`."""

from collections.abc import Sequence

from geobench import Encoder, hookimpl
from geobench_backbones.clip import OpenClip


@hookimpl
def register_encoders() -> Sequence[type[Encoder]]:
    """CLIP and its kin."""
    return [OpenClip]
