"""Benchmarks written as text, read and run in a folder: `geobench run` without a process."""

from geobench import config, records
from geobench.catalogue import installed
from geobench.run import execution, runner


def read(root, text, *, known=None):
    """The benchmarks of a text, by way of a file `b.yaml` in the folder."""
    path = root / "b.yaml"
    path.write_text(text)
    return config.read(path, known or installed())


def run(benchmark, root, **options):
    """The outcome of a benchmark in the workspace `root`; pictures are drawn when asked for, and
    doubles, which count what they do, run in this process."""
    return runner.run(
        benchmark,
        records.Workspace(root),
        options=execution.Options(**{"figures": False, "isolate": "never", **options}),
        reporter=execution.Reporter(),
    )


def board(root, text, **options):
    """The folder of the board of a text's only benchmark, of which nothing failed."""
    (benchmark,) = read(root, text)
    outcome = run(benchmark, root, **options)
    assert outcome.failures == []
    return outcome.board
