"""Which installed plugins were tried, with what outcome: what is new goes through the probe first.

Outcomes are kept in a folder of the user, under what identifies the code that was tried.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, final

from geobench import __version__, drafts
from geobench.digests import digest
from geobench.distributions import place_of
from geobench.probing import ENDING, READY, SECONDS, judge

log = logging.getLogger(__name__)

PROBING = "GEOBENCH_PROBING"
"""The environment variable that is set in the probe, where nothing is probed again."""

_LAYOUT = 1
"""Of the file of outcomes, and of what a probe looks at; raised when either changes."""
_FILES = 2000
"""Files of a distribution whose size and time are looked at."""
_OUTCOMES = 500
"""Distributions whose outcome is kept."""

# The path is given first, so that nothing is imported from where the command happens to run.
_PROGRAM = (
    "import json, sys; task = json.load(sys.stdin); sys.path[:] = task['path']; "
    "from geobench.probing import serve; serve(task)"
)


@final
@dataclass(frozen=True, slots=True)
class Suspect:
    """A distribution of others, with its entry points of geobench.

    Args:
        place: where its metadata lie.
        entries: its entry points.
        identity: digest of what is known of its code without running it.
    """

    place: str
    entries: tuple[EntryPoint, ...]
    identity: str


def suspect(distribution: Distribution | None, entries: Sequence[EntryPoint]) -> Suspect:
    """A distribution as it is now.

    It is known by its RECORD, and by size and time of the Python files that its entry points name:
    an editable install has a RECORD that does not change, and others have none.
    """
    place = Path() if distribution is None else place_of(distribution)
    record = b""
    with suppress(OSError):
        record = (place / "RECORD").read_bytes()
    pairs = sorted((each.name, each.value) for each in entries)
    folders = {*_code(pairs), *_editable(place)}
    files = islice((each for folder in sorted(folders) for each in _files(folder)), _FILES)
    known = [_LAYOUT, sys.version, __version__, str(place), record.hex(), pairs, list(files)]
    return Suspect(str(place), tuple(entries), digest(known))


def _code(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Folders and files of the top-level modules that entry points name; none is imported."""
    for top in {value.partition(":")[0].partition(".")[0].strip() for _, value in pairs}:
        with suppress(Exception):  # a finder of others may raise anything
            spec = find_spec(top)
            if spec is not None:
                yield from spec.submodule_search_locations or [str(spec.origin)]


def _editable(place: Path) -> Iterator[str]:
    """The folder that a distribution is worked on in."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        told = json.loads((place / "direct_url.json").read_text("utf-8"))
        if told["dir_info"].get("editable"):
            from urllib.parse import urlsplit
            from urllib.request import url2pathname

            yield url2pathname(urlsplit(told["url"]).path)


def _files(place: str) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of the Python files below a folder, or of the one file."""
    if os.path.isfile(place):
        found = os.stat(place)
        yield place, found.st_size, found.st_mtime_ns
    for top, folders, names in os.walk(place):
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n != "__pycache__")
        for name in sorted(names):
            if name.endswith((".py", ".so", ".pyd")):
                with suppress(OSError):
                    found = os.stat(os.path.join(top, name))
                    yield os.path.join(top, name), found.st_size, found.st_mtime_ns


def outcomes(suspects: Sequence[Suspect], *, anew: bool = False) -> list[str]:
    """What each does to a process that loads it: "" if it can be loaded, else why not.

    Args:
        suspects: what is installed; one that was not seen before, as it is now, is tried.
        anew: try those again that were refused.
    """
    if os.environ.get(PROBING):  # a plugin that is tried asks what is installed
        return ["a plugin that is being tried is alone"] * len(suspects)
    if not suspects:
        return []
    known = _read()
    new = [each for each in suspects if anew or known.get(each.place, [""])[0] != each.identity]
    if new:
        found = _probe(new)
        known |= {each.place: [each.identity, why] for each, why in found}
        _write(known)
        # One that could not be tried is loaded as if there were no probe.
        known |= {each.place: ["", ""] for each in new if each.place not in known}
    return [known[each.place][1] for each in suspects]


def _file() -> Path:
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = named if named.is_absolute() else Path("~/.cache").expanduser()
    return folder / "geobench" / "plugins.json"


def _read() -> dict[str, list[str]]:
    """Place -> identity and outcome, of what was tried; nothing if the file is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        kept = json.loads(_file().read_text("utf-8"))
        if kept["sha256"] == digest(kept["outcomes"]):
            return {str(k): [str(each) for each in v] for k, v in kept["outcomes"].items()}
    return {}


def _write(known: dict[str, list[str]]) -> None:
    kept = dict([*known.items()][-_OUTCOMES:])
    content = json.dumps({"outcomes": kept, "sha256": digest(kept)}, indent=1)
    with suppress(Exception):  # a folder that cannot be written: they are tried again next time
        drafts.write_file(_file(), content)


def _probe(new: Sequence[Suspect]) -> list[tuple[Suspect, str]]:
    """Try them: all in forks of one process; each in one of its own where that brings nothing."""
    numbered = dict(enumerate(new))
    found = _asked(numbered) if hasattr(os, "fork") else {}
    for number in [number for number in numbered if number not in (found or {})]:
        if found is not None:
            one = _asked({number: new[number]}, alone=True)
            found = None if one is None else found | one
    if found is None:
        log.warning("plugins cannot be tried in a process of their own: they are loaded untried")
        return []
    return [(new[number], reason) for number, reason in sorted(found.items())]


def _asked(wanted: dict[int, Suspect], *, alone: bool = False) -> dict[int, str] | None:
    """Start a probe, and read what it says of each; None if it does not even start.

    Args:
        wanted: number -> what to try.
        alone: it is one, and what it does not say is told by how the probe ended.
    """
    entries = {n: [(e.name, e.value) for e in each.entries] for n, each in wanted.items()}
    with tempfile.TemporaryDirectory(
        prefix="geobench-probe-", ignore_cleanup_errors=True
    ) as folder:
        task = {"path": sys.path, "distributions": entries, "folder": folder, "seconds": SECONDS}
        longest = 30.0 + len(wanted) * (SECONDS + ENDING) if hasattr(os, "fork") else SECONDS
        code = _run(json.dumps(task), longest)
        results = {number: Path(folder) / str(number) for number in wanted}
        if not (Path(folder) / READY).exists():
            return None
        found = {n: said for n, path in results.items() if (said := _verdict(path)) is not None}
        if alone:
            found = {n: judge(path, code, SECONDS) for n, path in results.items()} | found
        return found


def _verdict(result: Path) -> str | None:
    try:
        return str(json.loads(result.with_suffix(".verdict").read_text("utf-8")))
    except (OSError, ValueError):
        return None


def _run(task: str, seconds: float) -> int | None:
    """Run the probe; its exit code, or None if it did not end."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {PROBING: "1"},
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        process.communicate(task.encode(), timeout=seconds)
        return process.returncode
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)


def _end(process: "subprocess.Popen[Any]") -> None:
    """End the probe, which ends what it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
        process.kill()
        process.wait()
