"""Metrics: of answers and what is said of them, of administrative levels, samples, densities."""

from geobench_basics.metrics.admin import ContinentMetric as ContinentMetric
from geobench_basics.metrics.admin import CountryMetric as CountryMetric
from geobench_basics.metrics.admin import RegionMetric as RegionMetric
from geobench_basics.metrics.admin import TownMetric as TownMetric
from geobench_basics.metrics.calibration import CalibrationMetric as CalibrationMetric
from geobench_basics.metrics.calibration import SampledCalibrationMetric as SampledCalibrationMetric
from geobench_basics.metrics.decision import BayesGeoScoreMetric as BayesGeoScoreMetric
from geobench_basics.metrics.decision import RiskCoverageMetric as RiskCoverageMetric
from geobench_basics.metrics.distance import AccuracyMetric as AccuracyMetric
from geobench_basics.metrics.distance import DistanceMetric as DistanceMetric
from geobench_basics.metrics.distance import GeoScoreMetric as GeoScoreMetric
from geobench_basics.metrics.energy import ChordalEnergyMetric as ChordalEnergyMetric
from geobench_basics.metrics.energy import EnergyMetric as EnergyMetric
from geobench_basics.metrics.likelihood import LogLikelihoodMetric as LogLikelihoodMetric
from geobench_basics.metrics.likelihood import SmoothedLikelihoodMetric as SmoothedLikelihoodMetric
from geobench_basics.metrics.prdc import PrdcMetric as PrdcMetric
from geobench_basics.metrics.sharpness import LocalizabilityMetric as LocalizabilityMetric
from geobench_basics.metrics.sharpness import SharpnessMetric as SharpnessMetric
from geobench_basics.metrics.stated import StatedConfidenceMetric as StatedConfidenceMetric
