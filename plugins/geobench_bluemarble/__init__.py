"""The embedded default dataset: NASA Blue Marble views of real towns."""

from collections.abc import Sequence

from geobench import Dataset, hookimpl
from geobench_bluemarble.dataset import BlueMarble


@hookimpl
def register_datasets() -> Sequence[type[Dataset]]:
    """Views of the Blue Marble, centred on towns."""
    return [BlueMarble]
