"""Rows of slices, gaps and novelty curves are computed again by `geobench verify`."""

from geobench.catalogue import installed
from geobench.pages.verification import verify
from twin_boards import UNSEEN


def test_every_number_of_the_views_is_computed_again_by_verify(made):
    for board in (made.both, made.alone, made.trial):
        problems = verify(board.folder, installed())
        assert not [text for text in problems if "figures" not in text]


def test_verify_finds_a_changed_gap_and_a_changed_slice(made, tmp_path):
    table = made.alone.folder / "table.csv"
    before = table.read_text()
    row = made.alone.row(UNSEEN, "distance.mean.part-difference", "nearest")
    other = made.alone.row(UNSEEN, "distance.mean", "nearest", slice="hemisphere=north")
    try:
        for each in (row, other):
            value = f"{each.value:.6g}"
            table.write_text(before.replace(f",{value},", f",{float(value) + 1:.6g},", 1))
            problems = verify(made.alone.folder, installed())
            assert any(each.summary in text and "value is" in text for text in problems)
    finally:
        table.write_text(before)
