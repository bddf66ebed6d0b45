"""`geobench` as a user types it: in a process of its own, or without one."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from geobench import cli

FAULTY = Path(__file__).parent / "faulty_package"
HYBRIDS = Path(__file__).parent / "hybrid_package"


@dataclass
class Command:
    """`geobench` in a process of its own, with the faulty package installed."""

    folder: Path
    extra: tuple[Path, ...] = (FAULTY,)

    @property
    def fit_log(self):
        return self.folder / "fits.log"

    def environment(self, **variables):
        path = os.pathsep.join([*map(str, self.extra), os.environ.get("PYTHONPATH", "")])
        return os.environ | {"PYTHONPATH": path, "FIT_LOG": str(self.fit_log)} | variables

    def start(self, *words, **variables):
        if words[:1] == ("run",) and "--figures" not in words:
            words = (*words, "--no-figures")  # they would take most of the time
        if words[:1] == ("run",) and "--isolate" not in words:
            words = (*words, "--isolate", "never")  # the faulty package strikes the whole run
        return subprocess.Popen(
            [sys.executable, "-m", "geobench.cli", *map(str, words)],
            cwd=self.folder,
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words, **variables):
        process = self.start(*words, **variables)
        out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)

    def fits(self):
        """The lines that the counting methods wrote."""
        return self.fit_log.read_text().splitlines() if self.fit_log.exists() else []


@dataclass
class Done:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def text(self):
        return self.out + self.err


def ask(*words):
    """`geobench` with these words, in this process: exit_code and output."""
    return CliRunner().invoke(cli.app, [str(word) for word in words])
