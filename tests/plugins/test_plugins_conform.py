"""Every registered component keeps what its kind promises: the conformance kit on all of them."""

from geobench.catalogue import installed
from geobench.loading import KINDS
from geobench.testing import parametrize_with_checks

EVERYTHING = [each.plugin for kind in KINDS for each in installed().of_kind(kind)]


@parametrize_with_checks(EVERYTHING)
def test_a_plugin_conforms(subject, check):
    check(subject)
