"""The data-driven baseline: classical picture features, and the nearest training photos by them."""

from collections.abc import Sequence

from geobench import Encoder, Method, hookimpl
from geobench_im2gps.encoder import Im2gpsEncoder
from geobench_im2gps.method import Im2gpsMethod


@hookimpl
def register_encoders() -> Sequence[type[Encoder]]:
    return [Im2gpsEncoder]


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    return [Im2gpsMethod]
