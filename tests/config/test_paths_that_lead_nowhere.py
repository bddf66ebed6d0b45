"""A path of benchmarks.yaml that leads nowhere is named, whatever lies there."""

import pytest

from geobench import ConfigError, config
from geobench.catalogue import installed

YAML = """
benchmarks:
  - name: looped
    dataset: {name: table, file: photos.csv}
    splits: [random]
    methods: [uniform]
    metrics: [distance]
"""


def test_a_link_to_itself_is_told(tmp_path):
    (tmp_path / "b.yaml").write_text(YAML)
    (tmp_path / "photos.csv").symlink_to("photos.csv")
    with pytest.raises(ConfigError, match=r"leads back to itself|cannot be looked at"):
        config.read(tmp_path / "b.yaml", installed())
