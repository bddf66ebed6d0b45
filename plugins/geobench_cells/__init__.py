"""Partitions that follow the photos, and what methods that choose among cells share; registers
nothing.

Targets, losses and products of class probabilities lie in `geobench_cells.learning`, which imports
torch: a method imports it inside `fit` and `predict`.
"""

from geobench_cells.answers import Answering as Answering
from geobench_cells.answers import likeliest as likeliest
from geobench_cells.class_cells import ClassCells as ClassCells
from geobench_cells.classes import Classes as Classes
from geobench_cells.classification import Classification as Classification
from geobench_cells.classification import LevelsConfig as LevelsConfig
from geobench_cells.classification import Loss as Loss
from geobench_cells.classification import OneLevelConfig as OneLevelConfig
from geobench_cells.classification import Shapes as Shapes
from geobench_cells.healpix import Healpix as Healpix
from geobench_cells.hierarchy import Hierarchy as Hierarchy
from geobench_cells.k_means import SphericalKMeans as SphericalKMeans
from geobench_cells.kept import KeptPartition as KeptPartition
from geobench_cells.quadtree import Quadtree as Quadtree
from geobench_cells.s2 import AdaptiveS2 as AdaptiveS2
