"""What a number was made with: versions of packages, the machine, the commit."""

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from geobench.components import Plugin
from geobench.distributions import name_of, names_of_modules, plugin_entry_points, versions
from geobench.records.manifest import Reveals
from geobench.records.record import Environment

_ALWAYS = ("geobench-geolocation", "numpy", "scipy")
"""Distributions that every record names."""


def environment(plugin: type[Plugin], *, reveals: Reveals = "full") -> Environment:
    """What a number was made with: versions of packages, platform, git commit and dirty bit.

    Args:
        plugin: whose distribution, and whose `requires`, are among the packages.
        reveals: "versions" leaves out platform, processor and git, "none" leaves out all.
    """
    if reveals == "none":
        return Environment()
    packages = _packages((plugin.__module__, *plugin.requires))
    if reveals == "versions":
        return Environment(python=_machine()["python"], packages=packages)
    return Environment(**_machine(), packages=packages, git=_git())


@cache
def _machine() -> dict[str, str]:
    import platform

    return {
        "python": platform.python_version(),
        "platform": _anonymous(platform.platform(), platform.node()),
        "processor": platform.machine(),
    }


def _anonymous(system: str, host: str) -> str:
    """The operating system without the name of the machine: who builds a kernel may put it in."""
    names = {host, host.partition(".")[0]}
    for name in sorted((name for name in names if len(name) > 2), key=len, reverse=True):
        system = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "host", system)
    return system


@cache
def _packages(modules: tuple[str, ...]) -> dict[str, str]:
    """Distribution -> version, of those that bring these modules and of those always named."""
    bring = _distributions_of_modules()
    tops = {module.partition(".")[0] for module in modules}
    names = {*_ALWAYS, *(name for top in tops for name in bring.get(top, ()))}
    found = versions()
    return {name: found[name] for name in sorted(n.lower() for n in names) if name in found}


@cache
def _distributions_of_modules() -> Mapping[str, list[str]]:
    """Top-level module -> the distributions that bring it, those of plugins by entry point."""
    found: dict[str, list[str]] = {n: list(each) for n, each in names_of_modules().items()}
    for entry in plugin_entry_points():  # an editable install lists no modules
        if entry.dist is not None:
            found.setdefault(entry.value.partition(".")[0], []).append(name_of(entry.dist))
    return found


@cache
def _git() -> dict[str, str | bool]:
    folder = Path(__file__).parent

    def ask(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = ask("rev-parse", "HEAD")
        inside = ask("ls-files", "--error-unmatch", "__init__.py")
    except OSError:  # no git on this machine
        return {}
    if not commit or not inside:
        return {}
    return {"commit": commit, "dirty": bool(ask("status", "--porcelain", "-uno"))}
