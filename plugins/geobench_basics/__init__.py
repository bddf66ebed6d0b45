"""What every benchmark needs: plain datasets, splits, metrics, and methods to compare with."""

from collections.abc import Sequence

from geobench import Dataset, Encoder, Method, Metric, Split, hookimpl
from geobench_basics.datasets import FolderDataset, TableDataset
from geobench_basics.encoders import GivenEncoder
from geobench_basics.methods import PredictionsMethod, PriorMethod, UniformMethod
from geobench_basics.metrics import (
    AccuracyMetric,
    BayesGeoScoreMetric,
    CalibrationMetric,
    ChordalEnergyMetric,
    ContinentMetric,
    CountryMetric,
    DistanceMetric,
    EnergyMetric,
    GeoScoreMetric,
    LocalizabilityMetric,
    LogLikelihoodMetric,
    PrdcMetric,
    RegionMetric,
    RiskCoverageMetric,
    SampledCalibrationMetric,
    SharpnessMetric,
    SmoothedLikelihoodMetric,
    StatedConfidenceMetric,
    TownMetric,
)
from geobench_basics.splits import (
    ByGroupSplit,
    DensityShiftSplit,
    InsideSplit,
    OfficialSplit,
    RandomSplit,
    TemporalSplit,
    TransferSplit,
    UnseenCellsSplit,
    UnseenRegionsSplit,
)


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
        StatedConfidenceMetric,
        BayesGeoScoreMetric,
        PrdcMetric,
    ]
