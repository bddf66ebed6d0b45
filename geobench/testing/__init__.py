"""What plugins are tested with: the conformance kit, which runs on the toy planet.

In a plugin's own tests:

    from geobench.testing import parametrize_with_checks

    @parametrize_with_checks([NearestTown])
    def test_it_conforms(subject, check):
        check(subject)

On the command line, `geobench check nearest-town`.
"""

from geobench.testing.check import Check as Check
from geobench.testing.check import Failure as Failure
from geobench.testing.check import Skip as Skip
from geobench.testing.kit import checks_of as checks_of
from geobench.testing.kit import examine as examine
from geobench.testing.kit import parametrize_with_checks as parametrize_with_checks
from geobench.testing.kit import subject_of as subject_of
