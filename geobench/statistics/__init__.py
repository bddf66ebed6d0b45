"""Numbers of numbers: intervals, ranks, and scores as functions of novelty.

What metrics and splits of plugins need is here; ranks and novelty are in modules of their own.
"""

from geobench.statistics.intervals import Estimate as Estimate
from geobench.statistics.intervals import estimate_all as estimate_all
from geobench.statistics.intervals import estimate_mean as estimate_mean
from geobench.statistics.intervals import estimate_quantile as estimate_quantile
from geobench.statistics.intervals import estimate_replicates as estimate_replicates
from geobench.statistics.intervals import estimate_share as estimate_share
from geobench.statistics.intervals import estimate_share_replicates as estimate_share_replicates
from geobench.statistics.intervals import estimate_statistic as estimate_statistic
from geobench.statistics.intervals import replicate_quantile as replicate_quantile
from geobench.statistics.replicate_weights import Codes as Codes
from geobench.statistics.replicate_weights import ReplicateWeights as ReplicateWeights
from geobench.statistics.replicates import Replicates as Replicates
from geobench.statistics.replicates import replicate_mean as replicate_mean
from geobench.statistics.replicates import replicate_share as replicate_share
from geobench.statistics.replicates import replicate_statistic as replicate_statistic
from geobench.statistics.units import AnyUnits as AnyUnits
from geobench.statistics.units import JoinedUnits as JoinedUnits
from geobench.statistics.units import Units as Units
from geobench.statistics.units import effective_units as effective_units
from geobench.statistics.units import join_units as join_units
from geobench.statistics.units import unit_codes as unit_codes
