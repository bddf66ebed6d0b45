"""One input in a process of its own: what the command did, and whether that is allowed."""

import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from fuzz_mutations import apply
from geobench import cli
from geobench.errors import WHOLE, of_the_system, sentence

SECONDS = 5
"""Of the processor: a command that takes longer hangs."""
_WAIT = 60  # seconds of the clock, on a machine that does other things, too
_MEMORY = 800 << 20  # bytes beyond what the process began with
_RESIDENT = 900_000  # KiB at most


def _held():
    """What this process has held at most, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


_UNFORESEEN = re.compile(
    r"Traceback \(most|nobody foresaw|\b(KeyError|TypeError|AttributeError|IndexError|"
    r"AssertionError|RecursionError|UnboundLocalError|UnicodeEncodeError|MemoryError)\b"
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_AT_PARENT = {"os.remove", "os.rmdir", "os.rename", "os.symlink", "os.link", "os.mkdir"}
_AT_FILE = {"os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.rmtree"}
_NEVER = {"socket.connect", "socket.getaddrinfo", "os.system", "os.exec", "pickle.find_class"}


@dataclass(frozen=True)
class Case:
    """An input: which file (a pattern) of which door is changed how, and the verb that meets it."""

    door: str
    verb: str
    file: str
    mutations: tuple

    def to_json(self):
        """As the corpus keeps it."""
        changes = [[each.kind, each.place, each.number] for each in self.mutations]
        return {"door": self.door, "verb": self.verb, "file": self.file, "mutations": changes}


@dataclass(frozen=True)
class Outcome:
    """How it ended.

    Args:
        code: of the command; None where it did not end by itself.
        fault: why that is not allowed, alike for alike faults; "" if it is.
        said: what it printed last, or the traceback.
        seconds: of the processor.
    """

    code: int | None
    fault: str
    said: str
    seconds: float


def run(case, base, template):
    """Make the workspace anew, change its file, and let the verb meet it in a fork."""
    work = base / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template / "work", work, symlinks=True)
    apply(case.mutations, min(work.glob(case.file)))
    before = _beside(base)
    outcome = _forked(case, base)
    if not outcome.fault and _beside(base) != before:
        return Outcome(outcome.code, "changes files beside the workspace", "", outcome.seconds)
    return outcome


def _beside(base):
    found = {}
    for path in sorted((base / "outside").rglob("*")):
        at = path.lstat()
        found[path.as_posix()] = (at.st_mode, at.st_size, at.st_mtime_ns)
    return found


def _forked(case, base):
    told = base / "told.json"
    told.unlink(missing_ok=True)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _be_the_command(case, base, told)  # never returns
    status, used = _waited(child)
    seconds = used.ru_utime + used.ru_stime
    out = _shown(base / "out") + _shown(base / "err")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        hangs = number in (signal.SIGXCPU, signal.SIGKILL)
        kind = "hangs" if hangs else f"dies of {signal.Signals(number).name}"
        return Outcome(None, f"{kind} in {case.verb.split()[0]}", out[-2000:], seconds)
    found = json.loads(told.read_text()) if told.exists() else {"fault": "says nothing"}
    code, fault = found.get("code"), found["fault"]
    # What this process holds is counted as the command's, too: they share it.
    if not fault and used.ru_maxrss > max(_RESIDENT, _held() + _RESIDENT // 2):
        fault = f"takes {used.ru_maxrss // 1000} MB in {case.verb.split()[0]}"
    if not fault and (unforeseen := _UNFORESEEN.search(out)):
        line = out[out.rfind("\n", 0, unforeseen.start()) + 1 :].split("\n")[0]
        fault = f"shows {unforeseen[0]}: {re.sub('[0-9]+', '#', line)[:120]}"
    if not fault and code and not out.strip():
        fault = f"fails without a word in {case.verb.split()[0]}"
    return Outcome(code, fault, found.get("trace") or out[-2000:], seconds)


def _shown(path):
    return path.read_bytes().decode("utf-8", "backslashreplace") if path.exists() else ""


def _waited(child):
    """Status and use of a child, which is killed if it waits for ever."""
    begin = time.monotonic()
    pause, idle = 0.002, 0.0  # the second: since when it sleeps and computes nothing
    before = ""
    while time.monotonic() < begin + _WAIT and idle < SECONDS:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return status, used
        time.sleep(pause)
        pause = min(0.05, pause * 1.2)
        now = _standing(child)
        idle = idle + pause if now == before and now.startswith("S") else 0.0
        before = now
    os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    return status, used


def _standing(child):
    """State and ticks of a process, from the system."""
    try:
        words = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return " ".join([words[0], *words[11:15]])


def _be_the_command(case, base, told):
    fault, code, trace = "", 0, ""
    try:
        work = base / "work"
        os.chdir(work)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(base / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)  # pytest has its own
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
        os.environ[WHOLE] = "1"
        if case.door == "plugin":
            sys.path.insert(0, str(work / "site"))
        sys.argv = ["geobench", *case.verb.format(file=case.file).split()]
        _limit()
        broken = _watch(base, sys.argv[1])
        code, fault, trace = _ended()
        fault = fault or next(iter(broken), "")
    except BaseException as error:
        fault, trace = f"the harness: {type(error).__name__}", traceback.format_exc()
    finally:
        told.write_text(json.dumps({"code": code, "fault": fault, "trace": trace[-6000:]}))
        os._exit(0)


def _limit():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 20, 100 << 20))


def _ended():
    """Code, fault and traceback of the command."""
    try:
        cli.main()
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as stop:
        sys.stdout.flush()
        sys.stderr.flush()
        code = stop.code or 0
        fault = "" if code in (0, 1, 2) else f"ends with {code!r}"
        return (code if isinstance(code, int) else 1), fault, ""
    except BaseException as error:
        if isinstance(error, OSError) and of_the_system(error):  # said so where WHOLE is not set
            sys.stderr.write(f"error: {sentence(error)}\n")
            sys.stderr.flush()
            return 2, "", ""
        return 1, _kind(error), traceback.format_exc()
    return 0, "", ""


def _kind(error):
    """The kind of an error and where in geobench's own code it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if "geobench" in each.filename.split("site-packages")[-1]]
    where = f"{Path(own[-1].filename).name}:{own[-1].name}" if own else "elsewhere"
    return f"{type(error).__name__} in {where}"


def _watch(base, verb):
    """Note what is written outside of the workspace, and every door to the network."""
    broken = []
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    own = (base / "work", base / "tmp", os.path.join(cache, "geobench"))
    allowed = tuple(os.path.realpath(each) + os.sep for each in own)

    def outside(path, folder, *, parent):
        path = os.fsdecode(path)
        if folder not in (None, -1):
            path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
        head, tail = os.path.split(path.rstrip(os.sep))
        real = os.path.join(os.path.realpath(head), tail) if parent else os.path.realpath(path)
        return not (real + os.sep).startswith((*allowed, "/dev/null/", "/proc/"))

    def hook(event, arguments):
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & _WRITES
            if writes and isinstance(path, str | bytes) and outside(path, None, parent=False):
                broken.append(f"writes {os.fsdecode(path)[:80]}")
        elif event in _AT_PARENT or event in _AT_FILE:
            folders = [each for each in arguments if isinstance(each, int)]
            paths = [each for each in arguments if isinstance(each, str | bytes)]
            paths = paths[1:] if event == "os.symlink" else paths
            for path in paths:
                if outside(path, folders[-1] if folders else None, parent=event in _AT_PARENT):
                    broken.append(f"{event} outside of the workspace: {os.fsdecode(path)[-90:]}")
        # The kit reads what its own second process says.
        elif event in _NEVER and (event, verb) != ("pickle.find_class", "check"):
            broken.append(f"{event}, which no verb needs")

    sys.addaudithook(hook)
    return broken
