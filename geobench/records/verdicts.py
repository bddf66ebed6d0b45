"""Verdicts: what the conformance kit said of a plugin, kept for the records that it will be in."""

import inspect
import logging
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

from geobench.components import Plugin
from geobench.digests import digest, file_digest
from geobench.errors import StoreError
from geobench.records.files import read_stamped, write_stamped
from geobench.records.record import Checked
from geobench.records.workspace import Workspace

log = logging.getLogger(__name__)

KIT_VERSION = 5
"""Version of the conformance kit; raised when a check is added or asks for more."""

NOT_CHECKED = "not checked"
"""What a record says of a plugin, as it is now, that the kit has not seen."""

Status: TypeAlias = Literal["passed", "failed", "skipped", "expected failure"]


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one check.

    Args:
        check: its name.
        status: "expected failure" is one that the caller gave a reason for beforehand.
        reason: why it failed or was skipped; of a passed one, what was measured ("" if nothing).
        seconds: of a processor that it took, other processes that it started included.
        traceback: of an error that the check did not foresee, or "".
    """

    check: str
    status: Status
    reason: str
    seconds: float
    traceback: str = ""


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """What the kit said of one plugin.

    Args:
        plugin: the class.
        outcomes: one for each check, in order.
    """

    plugin: type[Plugin]
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed that was not expected to."""
        return all(outcome.status != "failed" for outcome in self.outcomes)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks passed, failed, were skipped, or failed as expected."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {status: found[status] for status in _STATUSES if found[status]}

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON data: plugin, its version, that of the kit, and every outcome."""
        return {
            "plugin": f"{self.plugin.kind}:{self.plugin.name}",
            "class": f"{self.plugin.__module__}.{self.plugin.__qualname__}",
            "version": self.plugin.version,
            "code": code_digest(self.plugin),
            "kit": KIT_VERSION,
            "passed": self.passed,
            "counts": self.counts,
            "checks": [
                {"check": o.check, "status": o.status, "reason": o.reason}
                | ({"traceback": o.traceback} if o.traceback else {})
                for o in self.outcomes
            ],
        }


_STATUSES: tuple[Status, ...] = ("passed", "failed", "expected failure", "skipped")


def keep(workspace: Workspace, verdict: Verdict) -> Path:
    """Write a verdict to `.geobench/checks/`, in place of an older one; returns the file."""
    path = _file(workspace, verdict.plugin)
    write_stamped(path, verdict.to_json())
    return path


def recall(workspace: Workspace, plugin: type[Plugin]) -> Checked | str:
    """What a record copies: the kept verdict's short form, or NOT_CHECKED.

    A verdict on another version of the plugin, or on other code, is none; nor is a damaged one, or
    one without a stamp, as earlier versions kept it.
    """
    path = _file(workspace, plugin)
    if not path.exists():
        return NOT_CHECKED
    try:
        kept = read_stamped(path)
    except StoreError as error:
        log.warning(
            "%s is not what `geobench check` wrote (%s): the %s %s counts as not checked until it "
            "is checked again",
            path,
            error.problem,
            plugin.kind,
            plugin.name,
        )
        return NOT_CHECKED
    same = kept.get("version") == plugin.version and kept.get("code") == code_digest(plugin)
    if not same:
        return NOT_CHECKED
    by_status: dict[str, dict[str, str]] = {}
    for each in kept["checks"]:
        by_status.setdefault(each["status"], {})[each["check"]] = each["reason"]
    return Checked.model_validate(
        {
            "version": kept["version"],
            "kit": kept["kit"],
            "passed": len(by_status.get("passed", {})),
            "failed": by_status.get("failed", {}),
            "expected failures": by_status.get("expected failure", {}),
            "skipped": by_status.get("skipped", {}),
        }
    )


def sentence(recalled: Checked | str) -> str:
    """What a record's `check` says, in a few words for readers."""
    if isinstance(recalled, str):
        return NOT_CHECKED
    text = f"passed {recalled.passed} checks of kit {recalled.kit}"
    for what, found in (
        ("failed", recalled.failed),
        ("expected failures", recalled.expected_failures),
        ("skipped", recalled.skipped),
    ):
        if found:
            text += f"; {what}: {', '.join(found)}"
    return text


def code_digest(plugin: type[Plugin]) -> str:
    """SHA-256 of the Python files of the plugin's package (or of its only module)."""
    top = sys.modules.get(plugin.__module__.partition(".")[0])
    places = [Path(place) for place in getattr(top, "__path__", [])]
    if places:
        files = {
            p.relative_to(place).as_posix(): p for place in places for p in place.rglob("*.py")
        }
    else:
        try:
            path = Path(inspect.getfile(plugin))
        except (TypeError, OSError):  # defined in an interpreter, say
            return ""
        files = {path.name: path}
    return digest([[name, file_digest(path)] for name, path in sorted(files.items())])


def _file(workspace: Workspace, plugin: type[Plugin]) -> Path:
    return workspace.hidden / "checks" / f"{plugin.kind}-{plugin.name}.json"
