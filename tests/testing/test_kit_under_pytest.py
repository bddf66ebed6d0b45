"""The kit's two doors, pytest and `examine`, say the same of what passes, fails and is skipped."""

import pytest

from geobench import Mean
from geobench.errors import ConfigError
from geobench.testing.kit import examine, parametrize_with_checks
from sound_metrics import LogScore

pytest_plugins = ["pytester"]

REASONS = {
    "summaries-are-well-formed": "names are loud",
    "weights-leave-photos-out": "nothing is weighed",
    "inputs-untouched": "it rounds them",
}
MODULE = """
from test_kit_under_pytest import REASONS, Loud

from geobench.testing import parametrize_with_checks


@parametrize_with_checks([Loud])
def test_plainly(subject, check):
    check(subject)


@parametrize_with_checks([Loud], expected_failures={"loud": REASONS})
def test_expecting(subject, check):
    check(subject)
"""


class Loud(LogScore):
    """Fails the first of the three checks; the second does not apply, the third it passes."""

    name = "loud"
    summaries = (Mean(name="LOUD", unit="1", better="higher", column="log"),)


def under_pytest(pytester):
    """Test and check -> how it ended under pytest, and why."""
    pytester.makepyfile(test_module=MODULE)
    ran = pytester.inline_run("-q", "-p", "no:cacheprovider", "-k", " or ".join(REASONS))
    found = {}
    for report in ran.getreports("pytest_runtest_logreport"):
        if report.when == "call":
            test, _, check = report.head_line.removesuffix("]").partition("[metric:loud-")
            reason = getattr(report, "wasxfail", None)
            ended = report.outcome if reason is None else "expected failure"
            found[test, check] = (ended, reason or report.longreprtext)
    return found


def test_an_expected_failure_that_is_skipped_or_passes_fails_at_both_doors(pytester):
    examined = {o.check: o for o in examine(Loud, expected_failures=REASONS).outcomes}
    assert [examined[check].status for check in REASONS] == ["expected failure", "failed", "failed"]
    assert "is skipped" in examined["weights-leave-photos-out"].reason
    found = under_pytest(pytester)
    for check in REASONS:
        ended, why = found["test_expecting", check]
        assert ended == examined[check].status
        assert examined[check].reason in why
        assert REASONS[check] in why


def test_without_expectation_pytest_passes_fails_and_skips_as_the_kit_does(pytester):
    examined = {o.check: o for o in examine(Loud).outcomes}
    assert [examined[check].status for check in REASONS] == ["failed", "skipped", "passed"]
    found = under_pytest(pytester)
    for check in REASONS:
        ended, why = found["test_plainly", check]
        assert ended == examined[check].status
        assert ended == "passed" or examined[check].reason in why


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"lout": REASONS}, "plugin 'lout'"),
        ({"loud": {"inputs-untuched": "it rounds them"}}, "Did you mean inputs-untouched?"),
    ],
)
def test_an_expected_failure_of_what_there_is_not_is_an_error(expected, said):
    with pytest.raises(ConfigError, match=said):
        parametrize_with_checks([Loud], expected_failures=expected)
