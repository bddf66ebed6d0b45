"""The script of camera originals writes photos with a place, and some that have to be dropped."""

from pathlib import Path

import numpy as np

from geobench import BrokenPicture
from own_photos import folder


def test_what_is_to_be_dropped_is_all_that_is(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import originals

    monkeypatch.setattr(originals, "SIZES", ((400, 304), (480, 360)))
    monkeypatch.setattr(originals, "_CUT", 500)
    dropped = originals.write(tmp_path / "originals", 34)
    dataset = folder(tmp_path / "originals")
    table = dataset.table
    names = np.asarray(table.ids).tolist()
    broken = [
        name
        for name, image in zip(names, dataset.images(np.arange(len(table))), strict=True)
        if isinstance(image, BrokenPicture)
    ]
    assert len(dropped) == 2
    assert sorted([*broken, *({f"DSC_{9:04d}.JPG"} - set(names))]) == sorted(dropped)
    assert table.attributes.keys() == {"date", "camera"}
    assert "in a thumbnail folder" in table.broken
