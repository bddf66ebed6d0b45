"""What a user writes: benchmarks.yaml -> Benchmark."""

from geobench.config.benchmark import Benchmark as Benchmark
from geobench.config.benchmark import read as read
from geobench.config.benchmark import select as select
