"""GeoCLIP: photos and places in one space, and the place of a gallery that is most like a photo."""

from collections.abc import Sequence

from geobench import Method, hookimpl
from geobench_geoclip.method import GeoClip


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    """Retrieval of places by their own embeddings."""
    return [GeoClip]
