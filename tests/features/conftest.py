"""Small shards and blocks, for every test of stored features."""

import pytest

from geobench.features import encode as encoding
from geobench.features import workers


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Fifty photos make seven shards."""
    monkeypatch.setattr(encoding, "SHARD", 8)
    monkeypatch.setattr(workers, "_BLOCK", 4)
