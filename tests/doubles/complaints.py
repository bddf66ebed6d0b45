"""What the kit says against a plugin: the checks that fail, in the order in which they run."""

from geobench.testing.check import Skip
from geobench.testing.kit import checks_of, subject_of

_SLOW = ("same-in-another-process", "first-layer-is-light")
"""Start a process: only where they are asked about."""


def complaints(plugin, *, about=""):
    """Failed check -> why; the check of another process is left out unless it is asked about."""
    found, subject = {}, subject_of(plugin)
    for check in checks_of(plugin.kind):
        if check.name in _SLOW and check.name != about:
            continue
        try:
            check(subject)
        except Skip:
            continue
        except Exception as error:
            found[check.name] = str(error)
    return found


def skipped(plugin):
    """Skipped check -> why, but for those that start a process."""
    found, subject = {}, subject_of(plugin)
    for check in checks_of(plugin.kind):
        if check.name not in _SLOW:
            try:
                check(subject)
            except Skip as skip:
                found[check.name] = str(skip)
    return found
