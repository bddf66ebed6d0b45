"""The catalogue of the plugins that files name, and the reading of a file, as fixtures."""

import pytest

from geobench.catalogue import Catalogue, Source
from geobench.config.benchmark import read
from written_benchmarks import (
    Elsewhere,
    Error,
    Fixed,
    Halves,
    Listed,
    OnTop,
    OtherError,
    Planet,
    Ranking,
)


@pytest.fixture(scope="module")
def catalogue():
    found = Catalogue()
    source = Source("tests", "tests", "1.0")
    for plugin in (Planet, Listed, Halves, Elsewhere, Fixed, Ranking, OnTop, Error, OtherError):
        found.add(plugin, source)
    assert not found.broken
    return found


@pytest.fixture
def load(tmp_path, catalogue):
    def loaded(text):
        path = tmp_path / "benchmarks.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(path, catalogue)

    return loaded
