"""Copies: a process that a plugin's code has forked goes no further than that code."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended() -> Iterator[None]:
    """A copy of this process that the block makes, and that comes to its end, ends there.

    What forks to share its work ends its copies itself. One that does not would go on with
    whatever comes next beside this process, and write the same files.
    """
    process = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != process:
            os._exit(0)
