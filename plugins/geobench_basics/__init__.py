"""What every benchmark needs: plain datasets, splits, metrics, and methods to compare with."""

from collections.abc import Sequence

from geobench import Dataset, Encoder, Method, Metric, Split, hookimpl
from geobench_basics.admin import ContinentMetric, CountryMetric, RegionMetric, TownMetric
from geobench_basics.calibration import CalibrationMetric, SampledCalibrationMetric
from geobench_basics.datasets import FolderDataset, TableDataset
from geobench_basics.decision import BayesGeoScoreMetric, RiskCoverageMetric
from geobench_basics.density_shift import DensityShiftSplit
from geobench_basics.encoders import GivenEncoder
from geobench_basics.inside import InsideSplit
from geobench_basics.likelihood import LogLikelihoodMetric, SmoothedLikelihoodMetric
from geobench_basics.methods import UniformMethod
from geobench_basics.metrics import (
    AccuracyMetric,
    ChordalEnergyMetric,
    DistanceMetric,
    EnergyMetric,
    GeoScoreMetric,
)
from geobench_basics.prdc import PrdcMetric
from geobench_basics.predictions_file import PredictionsMethod
from geobench_basics.prior import PriorMethod
from geobench_basics.sharpness import LocalizabilityMetric, SharpnessMetric
from geobench_basics.splits import ByGroupSplit, OfficialSplit, RandomSplit, TransferSplit
from geobench_basics.temporal import TemporalSplit
from geobench_basics.unseen_cells import UnseenCellsSplit
from geobench_basics.unseen_regions import UnseenRegionsSplit


@hookimpl
def register_datasets() -> Sequence[type[Dataset]]:
    return [FolderDataset, TableDataset]


@hookimpl
def register_splits() -> Sequence[type[Split]]:
    return [
        RandomSplit,
        OfficialSplit,
        ByGroupSplit,
        TransferSplit,
        UnseenCellsSplit,
        UnseenRegionsSplit,
        DensityShiftSplit,
        TemporalSplit,
        InsideSplit,
    ]


@hookimpl
def register_encoders() -> Sequence[type[Encoder]]:
    return [GivenEncoder]


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    return [UniformMethod, PriorMethod, PredictionsMethod]


@hookimpl
def register_metrics() -> Sequence[type[Metric]]:
    return [
        DistanceMetric,
        AccuracyMetric,
        GeoScoreMetric,
        ContinentMetric,
        CountryMetric,
        RegionMetric,
        TownMetric,
        EnergyMetric,
        ChordalEnergyMetric,
        LogLikelihoodMetric,
        SmoothedLikelihoodMetric,
        CalibrationMetric,
        SampledCalibrationMetric,
        SharpnessMetric,
        LocalizabilityMetric,
        RiskCoverageMetric,
        BayesGeoScoreMetric,
        PrdcMetric,
    ]
