"""The kit on a flow: an honest one passes, and is asked for few of the points that cost so much."""

import pytest

from geobench.testing import examine
from small_flow import SmallFlow

HEAVY = {"first-layer-is-light": "the flow of these tests imports torch with its class"}


@pytest.mark.slow
# torch deprecates what its own forward derivatives still use.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
def test_a_flow_passes_and_few_densities_are_solved():
    SmallFlow.solved.update({False: 0, True: 0})
    verdict = examine(SmallFlow, expected_failures=HEAVY)
    assert {o.check: o.reason for o in verdict.outcomes if o.status == "failed"} == {}
    # 250,000 by kit 2. Probes of two photos are 8,000 to 32,000 of them.
    assert SmallFlow.solved[True] < 60_000
    assert SmallFlow.solved[False] < 120_000
