"""Datasets of photos at hand."""

from geobench_basics.datasets.folder import FolderDataset as FolderDataset
from geobench_basics.datasets.table import TableDataset as TableDataset
