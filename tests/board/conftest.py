"""The finished boards of the dots, and of a split with its twin and without, as fixtures."""

from finished_dots import catalogue, curves, folder, manifest, outcome, rows, workspace
from twin_boards import board, made, twin_boards

__all__ = [
    "board",
    "catalogue",
    "curves",
    "folder",
    "made",
    "manifest",
    "outcome",
    "rows",
    "twin_boards",
    "workspace",
]
