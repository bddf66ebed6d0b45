"""The kit's own p-values agree with those of scipy.stats, which takes a second to import."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, ttest_1samp

from geobench.testing.independence_checks import _p_value
from geobench.testing.integration import heights_p_value


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5])
def test_heights_are_compared_by_the_test_of_kolmogorov_and_smirnov(shift):
    rng = np.random.default_rng(0)
    for sizes in ((300, 500), (40, 37)):
        a, b = rng.normal(size=sizes[0]), rng.normal(shift, 1, size=sizes[1])
        b[:10] = a[:10]  # ties
        expected = ks_2samp(a, b, method="asymp").pvalue
        assert heights_p_value(a, b) == pytest.approx(expected, rel=0.01 if expected < 0.1 else 0.2)
    assert heights_p_value(a, a) == 1


def test_a_mean_of_zero_is_tested_by_student():
    values = np.random.default_rng(1).normal(0.2, 1, 50)
    assert _p_value(values) == pytest.approx(ttest_1samp(values, 0).pvalue)
