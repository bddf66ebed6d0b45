"""Figures: the tables and stored arrays of a leaderboard -> pictures. matplotlib waits inside."""

from geobench.figures.album import draw, rendered, stale
from geobench.figures.audit_map import draw_dataset, draw_leakage
from geobench.figures.contact import MOST as MOST_ON_SHEET
from geobench.figures.contact import draw_contact_sheet
from geobench.figures.kept import unknown
from geobench.figures.nearer import draw_nearer
from geobench.figures.pictures import planned, slug, stamp

__all__ = [
    "MOST_ON_SHEET",
    "draw",
    "draw_contact_sheet",
    "draw_dataset",
    "draw_leakage",
    "draw_nearer",
    "planned",
    "rendered",
    "slug",
    "stale",
    "stamp",
    "unknown",
]
