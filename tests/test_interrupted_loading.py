"""Ctrl-C while code of others is imported is the user's, whatever that code makes of it."""

import os
import signal

import pytest

from geobench import interrupts, loading
from geobench.errors import Interrupted, PluginError
from geobench.importing import under_guard


def _swallows():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        return "loaded"


def _fails():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:
        raise ValueError("cannot go on") from None


@pytest.mark.parametrize("work", [_swallows, _fails])
def test_a_signal_that_code_of_others_catches_stops_the_command(work):
    with interrupts.heard(), pytest.raises(Interrupted):
        under_guard(work, "plugin theirs")


class _Entry:
    name, value = "ours", "geobench_ours"

    def load(self):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_ctrl_c_while_a_plugin_of_geobench_is_imported_is_no_fault_of_it():
    with interrupts.heard(), pytest.raises(Interrupted):
        loading.bring(_Entry())


def test_outside_of_a_command_a_ctrl_c_is_pythons_own():
    with pytest.raises(KeyboardInterrupt):
        under_guard(_swallows, "plugin theirs")


def test_what_code_of_others_raises_itself_is_no_ctrl_c():
    def raises():
        raise KeyboardInterrupt

    with interrupts.heard(), pytest.raises(PluginError, match="KeyboardInterrupt"):
        under_guard(raises, "plugin theirs")
