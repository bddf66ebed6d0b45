"""Partitions that follow the photos, and the classes made of their cells; registers nothing."""

from geobench_cells.classes import Classes as Classes
from geobench_cells.healpix import Healpix as Healpix
from geobench_cells.k_means import SphericalKMeans as SphericalKMeans
from geobench_cells.kept import KeptPartition as KeptPartition
from geobench_cells.quadtree import Quadtree as Quadtree
from geobench_cells.s2 import AdaptiveS2 as AdaptiveS2
