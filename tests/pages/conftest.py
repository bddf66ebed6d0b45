"""The finished board of the dots, as fixtures."""

from finished_dots import catalogue, curves, folder, manifest, outcome, rows, workspace

__all__ = ["catalogue", "curves", "folder", "manifest", "outcome", "rows", "workspace"]
