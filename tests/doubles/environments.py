"""Virtual environments of a stranger: wheels are built and installed there as pip does it."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "functorch", "faiss", "nvidia", "cuda", "triton")
"""How the names of torch, of faiss and of what they bring begin."""


@dataclass
class Environment:
    """A virtual environment with a folder to work in.

    Args:
        bin: where its commands are.
        folder: where they run.
    """

    bin: Path
    folder: Path

    def __call__(self, command, *words):
        return subprocess.run(
            [self.bin / command, *words],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def succeeded(done):
    """What a command printed; it must have ended well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(*words):
    """What a module of the Python that runs the tests prints."""
    command = [sys.executable, "-m", *map(str, words)]
    return succeeded(subprocess.run(command, capture_output=True, text=True, check=False))


def links_to_packages(folder):
    """Links to everything that is installed beside the tests, but geobench and what is heavy."""
    folder.mkdir()
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            name = entry.name.lower().lstrip("_")
            if not name.startswith((*HEAVY, "geobench", "pycache")) and entry.suffix != ".pth":
                (folder / entry.name).symlink_to(entry)


def environment(folder, packages, *, at):
    """A virtual environment in which `packages`, links to what is installed, can be imported.

    Args:
        folder: of the environment, which is made.
        packages: a folder of links.
        at: where its commands run.
    """
    python("venv", "--without-pip", folder)
    own = sysconfig.get_path("purelib", "venv", {"base": folder, "platbase": folder})
    (Path(own) / "packages.pth").write_text(f"{packages}\n")
    return Environment(folder / ("Scripts" if os.name == "nt" else "bin"), at)


def install(environment, *words):
    """Install wheels into an environment, as pip does it without an index."""
    place = environment.bin.parent
    pip = ("pip", "--isolated", "--disable-pip-version-check", "--python", place)
    python(*pip, "install", "--no-deps", "--no-index", "--no-compile", *words)


def build(source, wheels):
    """Build a wheel of a folder, and return its path."""
    before = set(wheels.glob("*.whl"))
    python("build", "--wheel", "--no-isolation", "--outdir", wheels, source)
    (made,) = set(wheels.glob("*.whl")) - before
    return made
