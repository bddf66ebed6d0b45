"""The distribution geobench-geolocation: its command, and whether the folder geobench/ is its own.

The package index has another distribution, `geobench` (GEO-Bench), whose files lie in a folder of
the same name. pip writes one over the other in silence, and removes files of both with either. This
package has no namesake: it can say what is wrong where `import geobench` cannot any more.
"""

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

_PLACE = Path(__file__).parents[1]
_OWN, _OTHER = "geobench-geolocation", "geobench"


class SharedFolder(UserWarning):
    """Another distribution lies in the folder geobench/, too."""


def main() -> None:
    """The command `geobench`, where it is whole; else what to do, and exit code 2."""
    try:
        _command()
    except KeyboardInterrupt:  # before the command hears it
        sys.exit(130)
    finally:
        # From here on Ctrl-C ends the process as it ends any: what waits for threads at the end of
        # Python would print a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _command() -> None:
    warnings.simplefilter("ignore", SharedFolder)  # it is said below, in a line of its own
    # Processes that are started find no modules in the working folder, which may be a download.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    try:
        from geobench.cli import main as command
    except Exception as error:  # whatever importing somebody else's package ends in
        if not (wrong := trouble(thorough=True)):
            raise
        sys.stderr.write(f"error: {type(error).__name__}: {error}. {wrong}\n")
        sys.exit(2)
    if wrong := trouble():
        sys.stderr.write(f"warning: {wrong}\n")
    command()


def warn() -> None:
    """Warn whoever imports geobench that its folder is shared."""
    if wrong := trouble():
        warnings.warn(wrong, SharedFolder, stacklevel=3)


def trouble(*, thorough: bool = False, place: Path = _PLACE) -> str:
    """What is wrong with this installation and the command that mends it; "" where all is well.

    Args:
        thorough: look at every file, where no other distribution is in sight, too.
        place: the folder in which the packages lie.
    """
    others = _others(place)
    if not others and not thorough:  # at every start: one listing of a folder
        return ""
    lost = list(_lost(place))
    files = f"{len(lost)} file{'s' if len(lost) > 1 else ''} of {_OWN}"
    such = f"such as {lost[0]}" if lost else ""
    whose = f"{_OTHER} {', '.join(others)} (GEO-Bench, another project)"
    if others and lost:
        problem = f"{whose} has overwritten {files}, {such}: both lie in {place / _OTHER}"
    elif others:
        problem = (
            f"{whose} and {_OWN} both lie in {place / _OTHER}: to remove one deletes files of the "
            "other"
        )
    elif lost:
        problem = (
            f"{files} are missing or changed, {such}: another distribution with a folder "
            f"{_OTHER}/ was written over them or removed with them (GEO-Bench, which is named "
            f"{_OTHER} on the package index, has one)"
        )
    elif (found := _found()) is not None and found != place / _OTHER:
        problem = (
            f"`import {_OTHER}` finds {found} and not {place / _OTHER}: another project's "
            f"(GEO-Bench is named {_OTHER} on the package index) comes first on Python's path"
        )
    else:
        return ""
    return f"{problem}. {_remedy(place)}"


def _others(place: Path) -> list[str]:
    """The versions of the other distribution that lie here and have a file in geobench/."""
    found = []
    for name in _listed(place):
        head, dash, rest = name.partition("-")
        if head.lower() != _OTHER or not dash or not rest.endswith((".dist-info", ".egg-info")):
            continue
        record = _text(place / name / "RECORD")
        if not record or any(line.startswith(f"{_OTHER}/") for line in record.splitlines()):
            found.append(rest.rpartition(".")[0].split("-")[0])
    return sorted(found)


def _lost(place: Path) -> Iterator[str]:
    """The files of this distribution in geobench/ that are missing, or not as it brought them."""
    import base64
    import csv
    import hashlib

    for line in csv.reader(_text(_facts(place) / "RECORD").splitlines()):
        if len(line) != 3 or not line[0].startswith(f"{_OTHER}/"):
            continue
        kind, _, known = line[1].partition("=")
        if kind != "sha256":  # bytecode, which pip compiles itself
            continue
        try:
            digest = hashlib.sha256((place / line[0]).read_bytes()).digest()
        except OSError:
            yield line[0]
            continue
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != known:
            yield line[0]


def _found() -> Path | None:
    """The folder that `import geobench` leads to."""
    from importlib.util import find_spec

    try:
        spec = find_spec(_OTHER)
    except ValueError:  # it was imported, and is no ordinary module
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _remedy(place: Path) -> str:
    """The command that brings this distribution back, from where it was installed."""
    import json
    import shlex

    wanted = [_OWN]
    try:
        source = json.loads(_text(_facts(place) / "direct_url.json"))
        wanted = [f"{_OWN} @ {source['url']}"]
    except (ValueError, LookupError, TypeError):  # from an index, or a checkout
        if (place / "pyproject.toml").exists():
            wanted = ["--editable", str(place)]
    pip = [sys.executable, "-m", "pip"]
    remove = shlex.join([*pip, "uninstall", "--yes", _OTHER, _OWN])
    bring = shlex.join([*pip, "install", *wanted])
    return f"Type: {remove} && {bring}. Who needs both gives each an environment of its own."


def _facts(place: Path) -> Path:
    """The folder of this distribution's metadata; where there is none, one that is not there."""
    named = [
        name
        for name in _listed(place)
        if name.startswith("geobench_geolocation-") and name.endswith(".dist-info")
    ]
    return place / (named[0] if named else "geobench_geolocation.dist-info")


def _listed(place: Path) -> list[str]:
    try:
        return os.listdir(place)
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
