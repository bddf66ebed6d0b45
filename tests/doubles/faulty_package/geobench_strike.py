"""A signal at a named moment: the process that imports this strikes itself when $STRIKE says so.

$STRIKE is JSON: `event`, an audit event of Python (`open`, `os.rename`, ...) or one that the
faulty package raises; `where`, a regular expression for what the event is about; `nth`, which of
the matching events; `torn`, whether the file that was opened last for writing loses its second
half, as if the process had been in the middle of writing it; and `signal`.

Audit events come before what they announce: at `os.rename` the old name still holds.
"""

import json
import os
import re
import signal
import sys


class Strike:
    """Counts matching events, and sends the signal at the nth."""

    def __init__(self, *, event, where="", nth=1, torn=False, signal="SIGKILL"):
        self.event = event
        self.where = re.compile(where)
        self.left = nth
        self.torn = torn
        self.signal = signal
        self.written = None

    def __call__(self, event, arguments):
        if event == self.event and self.left:
            about = " ".join(str(argument) for argument in arguments[:2])
            self.left -= self.where.search(about) is not None
            if not self.left:
                self.strike()
        if event == "open" and "w" in str(arguments[1]):
            self.written = arguments[0]

    def strike(self):
        if self.torn:
            os.truncate(self.written, os.path.getsize(self.written) // 2)
        os.kill(os.getpid(), getattr(signal, self.signal))


if "STRIKE" in os.environ:
    sys.addaudithook(Strike(**json.loads(os.environ["STRIKE"])))
