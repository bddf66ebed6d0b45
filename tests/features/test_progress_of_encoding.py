"""How far encoding is: photos are counted; few large files are shared among workers, too."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from colour_gallery import ALL, COUNT, ColourEncoder, GalleryConfig, GalleryDataset, fill
from geobench.commands import console as doors
from geobench.commands.console import ConsoleReporter
from geobench.features import workers


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_counts_every_photo_broken_ones_too(tmp_path, monkeypatch, processes):
    shown = []

    def track(items, total, what):
        shown.append((total, what))
        for item in items:
            yield item
            shown.append(None)

    monkeypatch.setattr(workers, "count", lambda: processes)
    monkeypatch.setattr(workers, "_PARALLEL_FROM", 1)
    fill(tmp_path, dataset=GalleryDataset(GalleryConfig(broken=[5, 30])), track=track)
    assert shown == [(COUNT, "encode gallery by colour")] + [None] * COUNT


def test_a_pipe_is_told_how_many_are_done_and_never_none(monkeypatch):
    ticks = itertools.count(step=20.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    console = Console(record=True, width=80, force_terminal=False)
    assert list(ConsoleReporter(console).track(iter("abc"), 3, "encode")) == list("abc")
    said = console.export_text().split("\n")
    assert [line.strip() for line in said if line] == [f"encode: {n} of 3" for n in (1, 2, 3)]
    assert doors._EVERY < 20


def test_few_photos_are_worth_workers_where_their_files_are_large(monkeypatch):
    gallery, encoder = GalleryDataset(), ColourEncoder()
    monkeypatch.setattr(workers, "count", lambda: 2)
    for size, alone in ((1 << 10, True), (8 << 20, False)):
        table = replace(gallery.table, sizes=np.full(COUNT, size))
        vars(gallery)["table"] = table
        assert workers.alone(encoder, gallery, ALL) is alone
        assert workers.alone(encoder, gallery, ALL[:2])
    monkeypatch.setattr(workers, "count", lambda: 1)
    assert workers.alone(encoder, gallery, ALL)


def test_few_photos_are_shared_evenly(monkeypatch):
    monkeypatch.setattr(workers, "_BLOCK", 128)
    monkeypatch.setattr(workers, "count", lambda: 2)
    assert [workers._share(photos) for photos in (5_000, 1_024, 1_023, 128, 7)] == [
        *(128, 128, 64, 16, 1)
    ]
