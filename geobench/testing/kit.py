"""The conformance kit: one list of checks for each kind of plugin, behind two doors."""

import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from geobench.components import Plugin
from geobench.errors import ConfigError, GeobenchError, PluginError
from geobench.loading import fault_of
from geobench.names import did_you_mean
from geobench.records.verdicts import Outcome, Verdict
from geobench.requirements import check_requirements
from geobench.testing import (
    chance_checks,
    dataset_checks,
    density_checks,
    encoder_checks,
    encoder_repeatability_checks,
    gallery_checks,
    independence_checks,
    layer_checks,
    method_checks,
    metric_checks,
    repeatability_checks,
    restoring_checks,
    robustness_checks,
    split_checks,
)
from geobench.testing.check import Check, Function, Skip
from geobench.testing.dataset_checks import DatasetSubject
from geobench.testing.encoder_checks import EncoderSubject
from geobench.testing.method_subject import MethodSubject
from geobench.testing.metric_checks import MetricSubject
from geobench.testing.split_checks import SplitSubject
from geobench.testing.subject import Subject

_FUNCTIONS: dict[str, tuple[Function, ...]] = {
    "dataset": (*dataset_checks.CHECKS, *layer_checks.CHECKS),
    "split": (*split_checks.CHECKS, *layer_checks.CHECKS),
    "encoder": (
        *encoder_checks.CHECKS,
        *encoder_repeatability_checks.CHECKS,
        *encoder_checks.CHECKS_OF_MORE,
        *layer_checks.CHECKS,
    ),
    "method": (
        *method_checks.CHECKS,
        *chance_checks.CHECKS,
        *gallery_checks.CHECKS,
        *repeatability_checks.CHECKS,
        *restoring_checks.CHECKS,
        *robustness_checks.CHECKS,
        *independence_checks.CHECKS,
        *density_checks.CHECKS,
        *layer_checks.CHECKS,
    ),
    "metric": (*metric_checks.CHECKS, *layer_checks.CHECKS),
}
_SUBJECTS: dict[str, type[Subject[Any]]] = {
    "dataset": DatasetSubject,
    "split": SplitSubject,
    "encoder": EncoderSubject,
    "method": MethodSubject,
    "metric": MetricSubject,
}


def checks_of(kind: str) -> tuple[Check, ...]:
    """All checks of a kind of plugin, in the order in which they run."""
    return tuple(Check(kind, function) for function in _FUNCTIONS[kind])


def subject_of(plugin: type[Plugin], *, config: Any = None) -> Subject[Any]:
    """A plugin in the situation in which it is checked.

    Args:
        plugin: the class.
        config: its configuration; `plugin.tiny(folder)` unless given.

    Raises:
        PluginError: no plugin class, or one that lacks a package.
    """
    reason = fault_of(plugin)
    if reason:
        raise PluginError(reason)
    check_requirements(plugin)
    return _SUBJECTS[plugin.kind](plugin, config=config)


def examine(
    plugin: type[Plugin],
    *,
    config: Any = None,
    expected_failures: Mapping[str, str] | None = None,
    before: Callable[[str], None] | None = None,
    after: Callable[[Outcome, str], None] | None = None,
) -> Verdict:
    """Run all checks of a plugin.

    Args:
        plugin: the class.
        config: its configuration; `plugin.tiny(folder)` unless given.
        expected_failures: check -> why this plugin cannot keep it. Strict: one that passes
            nevertheless is a failure.
        before: told the name of each check that begins.
        after: told the outcome of each check, and what it promises.

    Raises:
        PluginError: no plugin class, or one that lacks a package or a tiny configuration.
        ConfigError: an expected failure of a check that there is not.
    """
    checks = checks_of(plugin.kind)
    expected = _known(expected_failures or {}, checks)
    subject = subject_of(plugin, config=config)
    _ = subject.config  # what is wrong with it is said once, not by every check
    outcomes = []
    for check in checks:
        if before is not None:
            before(check.name)
        outcomes.append(_outcome(check, subject, expected.get(check.name)))
        if after is not None:
            after(outcomes[-1], check.description)
    return Verdict(plugin, tuple(outcomes))


def _outcome(check: Check, subject: Subject[Any], expected: str | None) -> Outcome:
    begin = _cpu_seconds()

    def ended(status: Any, reason: str, trace: str = "") -> Outcome:
        return Outcome(check.name, status, reason, _cpu_seconds() - begin, trace)

    try:
        measured = check(subject)
    except Skip as skip:
        if expected is not None:
            return ended("failed", f"it was expected to fail ({expected}) and is skipped: {skip}")
        return ended("skipped", str(skip))
    except (Exception, SystemExit) as error:
        if expected is not None:
            return ended("expected failure", expected)
        if isinstance(error, GeobenchError):
            return ended("failed", str(error))
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return ended("failed", text, "".join(traceback.format_exception(error)))
    if expected is not None:
        return ended(
            "failed", f"it was expected to fail ({expected}) and passes: expect it no longer"
        )
    return ended("passed", measured)


def _cpu_seconds() -> float:
    """What this process and those that it waited for have used, on all cores."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def parametrize_with_checks(
    plugins: Iterable[type[Plugin]],
    *,
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
) -> Any:
    """A pytest mark that runs every check of every plugin as a test of its own.

        @parametrize_with_checks([NearestTown])
        def test_it_conforms(subject, check):
            check(subject)

    Args:
        plugins: the classes.
        expected_failures: plugin (`nearest-town`, or `method:nearest-town`) -> check -> why it
            cannot keep it. Strict: one that passes nevertheless is a failure.

    Raises:
        PluginError: no plugin class, or one that lacks a package.
        ConfigError: an expected failure of a plugin or a check that there is not.
    """
    import pytest

    plugins = list(plugins)
    names = {name for plugin in plugins for name in _names(plugin)}
    _known(expected_failures or {}, names, what="plugin")
    cases = []
    for plugin in plugins:
        subject, checks = subject_of(plugin), checks_of(plugin.kind)
        own = [(expected_failures or {}).get(name, {}) for name in _names(plugin)]
        expected = _known({**own[0], **own[1]}, checks)
        for check in checks:
            run = _for_pytest(check, expected.get(check.name))
            cases.append(pytest.param(subject, run, id=f"{plugin.kind}:{plugin.name}-{check.name}"))
    return pytest.mark.parametrize(("subject", "check"), cases)


def _for_pytest(check: Check, expected: str | None) -> Callable[[Subject[Any]], None]:
    import pytest

    def run(subject: Subject[Any]) -> None:
        try:
            check(subject)
        except Skip as skip:
            pytest.skip(str(skip))

    # No xfail mark: it would let an expected failure be skipped.
    def run_expecting_failure(subject: Subject[Any]) -> None:
        outcome = _outcome(check, subject, expected)
        if outcome.status == "expected failure":
            pytest.xfail(outcome.reason)
        pytest.fail(outcome.reason, pytrace=False)

    return run if expected is None else run_expecting_failure


def _names(plugin: type[Plugin]) -> tuple[str, str]:
    return plugin.name, f"{plugin.kind}:{plugin.name}"


def _known(
    expected: Mapping[str, Any], known: Iterable[Check | str], *, what: str = "check"
) -> Mapping[str, Any]:
    names = [each.name if isinstance(each, Check) else each for each in known]
    for name in expected:
        if name not in names:
            raise ConfigError(
                f"a failure is expected of the {what} {name!r}, and there is no such {what}",
                remedy=did_you_mean(name, names),
            )
    return expected
