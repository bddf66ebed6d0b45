"""Figures: the tables and stored arrays of a leaderboard -> pictures. matplotlib waits inside."""

from geobench.figures.album import (
    FORMATS,
    Drawn,
    Picture,
    draw,
    planned,
    rendered,
    slug,
    source,
    stale,
    stamp,
)
from geobench.figures.contact import draw_contact_sheet

__all__ = [
    "FORMATS",
    "Drawn",
    "Picture",
    "draw",
    "draw_contact_sheet",
    "planned",
    "rendered",
    "slug",
    "source",
    "stale",
    "stamp",
]
