"""What plugins are tested with: the conformance kit, and the toy planet that it runs on.

In a plugin's own tests:

    from geobench.testing import parametrize_with_checks

    @parametrize_with_checks([NearestTown])
    def test_it_conforms(subject, check):
        check(subject)

On the command line, `geobench check nearest-town`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geobench.testing.check import Check as Check
    from geobench.testing.check import Failure as Failure
    from geobench.testing.check import Skip as Skip
    from geobench.testing.kit import checks_of as checks_of
    from geobench.testing.kit import examine as examine
    from geobench.testing.kit import parametrize_with_checks as parametrize_with_checks
    from geobench.testing.kit import subject_of as subject_of

_MODULES = {
    "Check": "check",
    "Failure": "check",
    "Skip": "check",
    "checks_of": "kit",
    "examine": "kit",
    "parametrize_with_checks": "kit",
    "subject_of": "kit",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: every start of the command imports this package, because the toy
    # planet's entry point lies in it.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
