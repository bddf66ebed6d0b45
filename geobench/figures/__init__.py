"""Figures: the tables and stored arrays of a leaderboard -> pictures. matplotlib waits inside."""

from geobench.figures.album import draw, planned, rendered, slug, stale, stamp
from geobench.figures.contact import draw_contact_sheet

__all__ = [
    "draw",
    "draw_contact_sheet",
    "planned",
    "rendered",
    "slug",
    "stale",
    "stamp",
]
