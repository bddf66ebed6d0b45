"""GeoDecoder: queries for every scene and level look at a photo's tokens, and name its cell."""

from collections.abc import Sequence

from geobench import Method, hookimpl
from geobench_geodecoder.method import GeoDecoder


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    """Classification over nested partitions, by the scene that a photo shows."""
    return [GeoDecoder]
