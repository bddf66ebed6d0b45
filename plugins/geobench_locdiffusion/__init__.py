"""LocDiffusion: diffusion over spherical-harmonic codes of places."""

from collections.abc import Sequence

from geobench import Method, hookimpl
from geobench_locdiffusion.hybrid import LocDiffusionHybrid
from geobench_locdiffusion.method import LocDiffusion


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    """Codes of places, drawn from noise, and retrieval where they point to."""
    return [LocDiffusion, LocDiffusionHybrid]
