"""A method whose module computes while it is imported."""

import time

from sound_method import Sound

_begin = time.process_time()
while time.process_time() - _begin < 0.4:
    pass


class SlowMethod(Sound):
    """Would take its time whenever geobench starts."""
