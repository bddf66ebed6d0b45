"""Plugins that do what no plugin should, each an installed distribution of one module.

Beside each stands what must be said of it: that it is broken, or what it changes or prints. Each
brings the metric `bystander`, unless it cannot: the metric is then not there, and all else works.
"""

import textwrap
from dataclasses import dataclass, field

METRIC = """
from geobench import Mean, Metric, hookimpl
from geobench.hookspecs import hookimpl as mark


class Bystander(Metric):
    "Gives every photo a one."
    name = "bystander"
    columns = ("one",)
    summaries = (Mean(name="bystander", unit="", better="higher", column="one"),)

    def score(self, prediction, truth, context):
        return truth.points[:, :1] * 0 + 1


@hookimpl
def register_metrics():
    return [Bystander]
"""
CLASS = """
from geobench import Mean, Metric, hookimpl
import abc


class Meta(abc.ABCMeta):
    {meta}


def make(**members):
    members = dict(name="bystander", columns=("one",), summaries=(), score=lambda *_: 1) | members
    return Meta("Bystander", (Metric,), members)


{made}


@hookimpl
def register_metrics():
    return [{given}]
"""
BROKEN, CHANGES, PRINTS, QUIET = "broken ", "changes ", "prints ", ""


@dataclass
class Hostile:
    """A distribution of one module.

    Args:
        source: of its module.
        says: what stands beside its name on standard error or in the listing.
        entry: the text of its entry points.
        metadata: its METADATA.
        slow: it is found by a time limit.
    """

    source: str
    says: str = QUIET
    entry: str = ""
    metadata: bytes = b""
    slow: bool = False
    files: dict[str, str] = field(default_factory=dict)


def first(code, says, **more):
    """One that runs code when it is imported, and then brings its metric."""
    return Hostile(textwrap.dedent(code) + METRIC, says, **more)


def hook(code, says, **more):
    """One that runs code in its hook."""
    body = textwrap.indent(textwrap.dedent(code).strip(), "    ")
    return Hostile(METRIC.replace("    return [Bystander]", body), says, **more)


def metaclass(meta, says, **more):
    """One whose class has a metaclass with these members."""
    lines = textwrap.indent(textwrap.dedent(meta).strip(), "    ").strip()
    return Hostile(CLASS.format(meta=lines, made="", given="make()"), says, **more)


def members(given, says, *, before="", **more):
    """One whose class has these members."""
    source = CLASS.format(meta="pass", made=textwrap.dedent(before), given=f"make({given})")
    return Hostile(source, says, **more)


RAISING = {
    "keyboard-interrupt": ("KeyboardInterrupt", "KeyboardInterrupt"),
    "system-exit": ("SystemExit(0)", "SystemExit: 0"),
    "base-exception": ("BaseException('base')", "BaseException: base"),
    "generator-exit": ("GeneratorExit", "GeneratorExit"),
    "group": ("BaseExceptionGroup('two', [KeyboardInterrupt(), ValueError()])", "two (2 sub"),
    "recursion": ("RecursionError('deep')", "RecursionError: deep"),
    "surrogate": (r"ValueError('half \udcff of one')", r"half \udcff of one"),
    "huge": ("ValueError('x' * 5_000_000)", "ValueError: xxxx"),
    "mute": (
        "type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()",
        "its text raises ZeroDivisionError",
    ),
    "leaving-text": (
        "type('Mute', (Exception,), {'__str__': lambda self: exit(3)})()",
        "its text raises SystemExit",
    ),
    "ansi": (r"ValueError('\x1b[2J\x1b[31mred')", r"\x1b[2J"),
    "renamed": ("type('A\\nB', (ValueError,), {})('lines')", "lines"),
}
AT_IMPORT = {
    f"import-{name}": first(f"raise {error}\n", f"{BROKEN}{said}")
    for name, (error, said) in RAISING.items()
}
IN_A_HOOK = {
    f"hook-{name}": hook(f"raise {error}", f"{BROKEN}{said}")
    for name, (error, said) in RAISING.items()
}
ENDING = {
    "exit-at-once": first("import os; os._exit(0)", f"{BROKEN}ends the process (exit code 0)"),
    "exit-with-code": first("import os; os._exit(7)", f"{BROKEN}ends the process (exit code 7)"),
    "exit-in-hook": hook("import os; os._exit(0)", f"{BROKEN}ends the process"),
    "abort": first("import os; os.abort()", f"{BROKEN}SIGABRT"),
    "segfault": first("import ctypes; ctypes.string_at(0)", f"{BROKEN}SIGSEGV"),
    "killed": first("import os; os.kill(os.getpid(), 9)", f"{BROKEN}SIGKILL"),
    "terminated": first("import os; os.kill(os.getpid(), 15)", f"{BROKEN}SIGTERM"),
    "kills-its-parent": first(
        "import os, time; os.kill(os.getppid(), 9); os._exit(0)", f"{BROKEN}process"
    ),
    "kills-its-group": first("import os; os.killpg(0, 9)", f"{BROKEN}SIGKILL"),
    "sends-ctrl-c": first(
        "import os, signal; os.kill(os.getpid(), signal.SIGINT)", f"{BROKEN}Ctrl-C"
    ),
    "forks": first("import os; os.fork()", QUIET),
    "forks-and-stays": first(
        "import os, time\nif os.fork() == 0:\n    time.sleep(60)", f"{BROKEN}leaves a copy"
    ),
    "leaves-a-process": first("import subprocess; subprocess.Popen(['sleep', '30'])", QUIET),
    "exits-at-the-end": first(
        "import atexit, os; atexit.register(os._exit, 7)", f"{BROKEN}how the process ends"
    ),
    "dies-at-the-end": first(
        "import atexit, os; atexit.register(os.abort)", f"{BROKEN}how the process ends"
    ),
    "prints-at-the-end": first("import atexit; atexit.register(print, 'AT THE END')", QUIET),
    "raises-at-the-end": first("import atexit; atexit.register(lambda: 1 / 0)", QUIET),
    "eats-memory": first("x = bytearray(2**40)", f"{BROKEN}memory"),
}
ENDLESS = {
    "loops": first("while True: pass", f"{BROKEN}does not end within", slow=True),
    "sleeps": first("import time; time.sleep(1e6)", f"{BROKEN}does not end within", slow=True),
    "ignores-signals": first(
        """\
        import signal, time
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(each, signal.SIG_IGN)
        time.sleep(1e6)
        """,
        f"{BROKEN}does not end within",
        slow=True,
    ),
    "catches-all": first(
        """\
        import time
        while True:
            try:
                time.sleep(1)
            except BaseException:
                pass
        """,
        f"{BROKEN}does not end within",
        slow=True,
    ),
    "hook-loops": hook("while True: pass", f"{BROKEN}does not end within", slow=True),
    "hook-generates": hook(
        "from itertools import repeat\nreturn repeat(Bystander)", f"{BROKEN}does not end"
    ),
    "hook-yields": hook("while True: yield Bystander", f"{BROKEN}does not end"),
    "hook-yields-nothing": hook(
        "while True:\n    if not Bystander: yield", f"{BROKEN}does not end within", slow=True
    ),
    "waits-for-itself": first(
        "import threading; a = threading.Lock(); a.acquire(); a.acquire()",
        f"{BROKEN}does not end within",
        slow=True,
    ),
    "reads-a-pipe": first(
        "import os; a, b = os.pipe(); os.read(a, 1)", f"{BROKEN}does not end within", slow=True
    ),
    "stops-itself": first(
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        f"{BROKEN}does not end within",
        slow=True,
    ),
    "thread": first(
        "import threading, time; threading.Thread(target=time.sleep, args=(1e6,)).start()",
        f"{BROKEN}leaves a thread that keeps the process from ending",
    ),
    "thread-in-hook": hook(
        """
        import threading
        threading.Thread(target=threading.Event().wait, name="for ever").start()
        return [Bystander]
        """,
        f"{BROKEN}leaves a thread that keeps the process from ending (for ever)",
    ),
    "pool": first(
        """\
        from concurrent.futures import ThreadPoolExecutor
        from threading import Event
        pool = ThreadPoolExecutor()
        pool.submit(Event().wait)
        """,
        f"{BROKEN}keeps the process from ending",
    ),
    "daemon-spins": first(
        """\
        import threading
        def spin():
            while True: pass
        threading.Thread(target=spin, daemon=True).start()
        """,
        f"{BROKEN}goes on working",
    ),
    "daemon-prints": first(
        """\
        import threading, time
        def say():
            while True:
                print("still here")
                time.sleep(0.01)
        threading.Thread(target=say, daemon=True).start()
        """,
        f"{BROKEN}goes on printing",
    ),
    "daemon-waits": first(
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        QUIET,
    ),
    "waits-at-the-end": first(
        "import atexit, time; atexit.register(time.sleep, 1e6)", f"{BROKEN}from ending"
    ),
    "prints-for-ever": first("while True: print('x' * 1000)", f"{BROKEN}prints without end"),
}
LOUD = {
    "print": first("print('LOUD')", f"{PRINTS}LOUD"),
    "print-flush": first("print('LOUD', flush=True)", f"{PRINTS}LOUD"),
    "print-in-hook": hook("print('LOUD'); return [Bystander]", f"{PRINTS}LOUD"),
    "os-write": first("import os; os.write(1, b'LOUD')", f"{PRINTS}LOUD"),
    "c-stdio": first("import ctypes; ctypes.CDLL(None).puts(b'LOUD')", f"{PRINTS}LOUD"),
    "original-stdout": first("import sys; print('LOUD', file=sys.__stdout__)", f"{PRINTS}LOUD"),
    "stderr": first("import sys; print('LOUD', file=sys.stderr)", f"{PRINTS}LOUD"),
    "subprocess-prints": first("import os; os.system('echo LOUD')", f"{PRINTS}LOUD"),
    "prints-codes": first(r"print('LOUD \x1b[2J\x1b]0;mine\x07')", f"{PRINTS}LOUD"),
    "prints-bytes": first(r"import os; os.write(1, b'LOUD \xff\xfe\x00')", f"{PRINTS}LOUD"),
    "prints-a-half": first(r"print('LOUD \udcff')", f"{PRINTS}LOUD"),
    "asks": first("input('who are you? ')", f"{BROKEN}EOFError"),
    "warns": first("import warnings; warnings.warn('LOUD')", f"{PRINTS}"),
    "logs": first("import logging; logging.getLogger('x').error('LOUD')", f"{PRINTS}LOUD"),
}
MEDDLING = {
    "closes-stdout": first("import sys; sys.stdout.close()", f"{CHANGES}sys.stdout"),
    "closes-stderr": first("import sys; sys.stderr.close()", f"{CHANGES}sys.stderr"),
    "closes-original": first("import sys; sys.__stdout__.close()", f"{CHANGES}sys.__stdout__"),
    "detaches": first("import sys; sys.__stdout__.detach()", f"{CHANGES}sys.__stdout__"),
    "closes-files": first("import os; os.close(1); os.close(2)", QUIET),
    "closes-all-files": first("import os; os.closerange(0, 200)", BROKEN),
    "replaces-stdout": first(
        "import io, sys; sys.stdout = sys.stderr = io.StringIO()", f"{CHANGES}sys.stdout"
    ),
    "no-stdout": first("import sys; sys.stdout = None", f"{CHANGES}sys.stdout"),
    "strict-warnings": first(
        "import warnings; warnings.simplefilter('error')", f"{CHANGES}warnings.filters"
    ),
    "chdir": first("import os; os.chdir('/')", f"{CHANGES}the working folder"),
    "recursion-limit": first(
        "import sys; sys.setrecursionlimit(90)", f"{CHANGES}the recursion limit"
    ),
    "seterr": first("import numpy; numpy.seterr(all='raise')", f"{CHANGES}numpy's error state"),
    "handles-signals": first(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        f"{CHANGES}handlers of signals",
    ),
    "alarm": first("import signal; signal.alarm(1)", f"{CHANGES}timers"),
    "blocks-signals": first(
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})",
        f"{CHANGES}blocked signals",
    ),
    "logging": first(
        "import logging; logging.basicConfig(level=1, format='LOUD %(message)s')",
        f"{CHANGES}logging",
    ),
    "no-logging": first("import logging; logging.disable()", f"{CHANGES}disabled logging"),
    "fewer-files": first(
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (12, 4096))",
        f"{CHANGES}the limit RLIMIT_NOFILE",
    ),
    "no-len": first("import builtins; builtins.len = None", f"{CHANGES}builtins.len"),
    "no-print": first("import builtins; del builtins.print", f"{CHANGES}builtins.print"),
    "no-builtins": first(
        "import builtins; [vars(builtins).pop(n) for n in list(vars(builtins)) if n != 'list']",
        BROKEN,
    ),
    "no-open": first("import builtins; builtins.open = None", f"{CHANGES}builtins.open"),
    "no-exceptions": first(
        "import builtins; builtins.BaseException = builtins.Exception = None",
        f"{CHANGES}builtins.BaseException",
    ),
    "no-json": first("import json; json.dumps = None", f"{CHANGES}json.dumps"),
    "no-modules": first("import sys; sys.modules.clear()", "sys.modules"),
    "other-numpy": first(
        "import sys, types; sys.modules['numpy'] = types.ModuleType('numpy')", "sys.modules"
    ),
    "other-geobench": first(
        "import geobench.loading; geobench.loading.look_at = None",
        f"{CHANGES}geobench.loading.look_at",
    ),
    "path-first": first(
        "import sys, os; sys.path.insert(0, os.path.dirname(__file__) + '/shadows')",
        f"{CHANGES}the order of sys.path",
        files={"shadows/scipy/__init__.py": "raise SystemExit('SHADOW')\n"},
    ),
    "no-path": first("import sys; sys.path.clear()", f"{CHANGES}the order of sys.path"),
    "odd-path": first("import sys; sys.path[:] = [None, 5]", f"{CHANGES}the order of sys.path"),
    "finds-all": first(
        """\
        import sys
        class Finder:
            def find_spec(self, *_):
                raise ImportError("MINE")
        sys.meta_path.insert(0, Finder())
        """,
        f"{CHANGES}the order of sys.meta_path",
    ),
    "environment": first(
        "import os; os.environ['PATH'] = ''; os.environ.pop('HOME', 0)",
        f"{CHANGES}the environment variable PATH",
    ),
    "traces": first("import sys; sys.settrace(lambda *_: exit(4))", BROKEN),
    "excepthook": first(
        "import sys; sys.excepthook = sys.unraisablehook = None", f"{CHANGES}sys.excepthook"
    ),
    "no-exit": first("import sys; sys.exit = print", f"{CHANGES}sys.exit"),
    "seeds": first("import random, numpy; random.seed(0); numpy.random.seed(0)", QUIET),
    "locale": first("import locale; locale.setlocale(locale.LC_ALL, 'C')", QUIET),
    "no-collection": first("import gc; gc.disable()", f"{CHANGES}garbage collection"),
    "asks-for-plugins": first("from geobench.catalogue import installed; installed()", QUIET),
}
RAISES = "def {}(*_):\n    raise KeyboardInterrupt('no')"
OF_A_METACLASS = {
    f"meta-{name}": metaclass(RAISES.format(f"__{name}__"), said)
    for name, said in {
        "repr": QUIET,
        "str": QUIET,
        "eq": QUIET,
        "hash": QUIET,
        "getattribute": f"{BROKEN}whether something else is a plugin",
        "getattr": QUIET,
        "dir": BROKEN,
        "subclasscheck": f"{BROKEN}whether something else is a plugin",
        "instancecheck": QUIET,
        "call": QUIET,
        "bool": QUIET,
        "len": QUIET,
    }.items()
} | {
    "meta-name": metaclass("@property\ndef __name__(self): raise SystemExit(5)", QUIET),
    "meta-qualname": metaclass("@property\ndef __qualname__(self): raise SystemExit(5)", BROKEN),
    "meta-module": metaclass("@property\ndef __module__(self): return 5", BROKEN),
    "meta-mro": metaclass("def mro(cls): raise BaseException('no order')", BROKEN),
    "meta-properties": metaclass("@property\ndef name(self): raise SystemExit(5)", BROKEN),
    "meta-loops": metaclass(
        "def __getattribute__(cls, name):\n    while True: pass",
        f"{BROKEN}does not end within",
        slow=True,
    ),
}
PROPERTY = """
class Raising:
    def __get__(self, *_):
        raise KeyboardInterrupt("looked at")
class Text(str):
    def __eq__(self, other): raise SystemExit(6)
    def __hash__(self): raise SystemExit(6)
    def __format__(self, *_): raise SystemExit(6)
    def __str__(self): raise SystemExit(6)
class Liar:
    __class__ = property(lambda self: type)
    def __repr__(self): raise SystemExit(8)
class Odd:
    __class__ = property(lambda self: 1 / 0)
"""
OF_A_CLASS = {
    f"raising-{name}": members(f"{name}=Raising()", BROKEN, before=PROPERTY)
    for name in ("name", "version", "requires", "Config", "describe", "kind")
} | {
    "raising-summaries": members("summaries=Raising()", BROKEN, before=PROPERTY),
    "name-list": members("name=['bystander']", f"{BROKEN}has no name"),
    "name-none": members("name=None", f"{BROKEN}has no name"),
    "name-text": members("name=Text('bystander')", f"{BROKEN}has no name", before=PROPERTY),
    "name-megabytes": members("name='x' * 5_000_000", f"{BROKEN}letters, and 80"),
    "name-codes": members(r"name='\x1b[31mred'", f"{BROKEN}is named"),
    "name-lines": members(r"name='one\ntwo'", f"{BROKEN}is named"),
    "name-half": members(r"name='half\udcff'", f"{BROKEN}is named"),
    "kind-list": members("kind=[]", f"{BROKEN}its kind is metric"),
    "kind-other": members("kind='method'", f"{BROKEN}its kind is metric"),
    "version-text": members("version='two'", f"{BROKEN}no whole number"),
    "requires-text": members("requires='torch'", f"{BROKEN}no tuple of names"),
    "requires-odd": members("requires=('..', '.x', 'a b')", QUIET),
    "requires-half": members(r"requires=('half\udcff', 'nul\0')", QUIET),
    "describe-none": members("describe=classmethod(lambda cls: None)", BROKEN),
    "describe-exits": members("describe=classmethod(lambda cls: exit(9))", BROKEN),
    "doc-number": members("__doc__=5", BROKEN),
    "doc-megabytes": members("__doc__='x' * 5_000_000", QUIET),
    "doc-codes": members(r"__doc__='\x1b[2J'", QUIET),
    "module-number": members("__module__=5", BROKEN),
    "module-gone": members("__module__='no.such.module'", QUIET),
    "config-number": members("Config=5", f"{BROKEN}no geobench.Config"),
    "config-unbuilt": members(
        "Config=type('C', (Config,), {'__annotations__': {'x': 'Nowhere'}, '__module__': 'no'})",
        QUIET,
        before="from geobench import Config",
    ),
    "given-liar": Hostile(
        CLASS.format(meta="pass", made=PROPERTY, given="Liar()"), f"{BROKEN}gives a Liar"
    ),
    "given-odd": Hostile(
        CLASS.format(meta="pass", made=PROPERTY, given="Odd()"), f"{BROKEN}gives a Odd"
    ),
    "given-metaclass": Hostile(
        CLASS.format(meta="pass", made="", given="Meta"), f"{BROKEN}no subclass"
    ),
    "given-none": hook("return None", f"{BROKEN}registers nothing"),
    "given-number": hook("return 5", f"{BROKEN}TypeError"),
    "given-text": hook("return 'geobench'", f"{BROKEN}a str"),
    "hook-is-no-function": Hostile(METRIC + "\nregister_methods = hookimpl(int)\n", BROKEN),
    "module-getattr": Hostile(
        METRIC + "\ndef __getattr__(name):\n    raise KeyboardInterrupt\n", QUIET
    ),
    "module-dir": Hostile(METRIC + "\ndef __dir__():\n    raise KeyboardInterrupt\n", BROKEN),
    "module-is-another": first(
        "import sys\nsys.modules[__name__] = type('M', (), {'__eq__': lambda *_: 1 / 0})()",
        BROKEN,
    ),
}
HEAD = b"Metadata-Version: 2.1\n"
INSTALLED = {
    "no-module": Hostile(METRIC, BROKEN, entry="odd = :"),
    "empty-value": Hostile(METRIC, BROKEN, entry="odd ="),
    "spaces": Hostile(METRIC, BROKEN, entry="odd = a module of words"),
    "extras": Hostile(METRIC, QUIET, entry="odd = {module} [one, two]"),
    "odd-extras": Hostile(METRIC, BROKEN, entry="odd = {module}[[[["),
    "dots": Hostile(METRIC, BROKEN, entry="odd = ..{module}"),
    "attribute": Hostile(METRIC, BROKEN, entry="odd = {module}:a.b.c"),
    "codes-in-name": Hostile("import nowhere\n", BROKEN, entry="\x1b[31mred\x07 = {module}"),
    "return-in-name": Hostile("import nowhere\n", QUIET, entry="one\x85two = {module}"),
    "name-of-megabytes": Hostile("import nowhere\n", BROKEN, entry="n" * 2_000_000 + " = {module}"),
    "twice": Hostile("import nowhere\n", BROKEN, entry="odd = {module}\nodd = {module}"),
    "as-ours": Hostile("import nowhere\n", BROKEN, entry="basics = {module}"),
    "ours": Hostile("", QUIET, entry="basics = geobench_basics"),
    "main": Hostile("", BROKEN, entry="odd = __main__"),
    "standard-library": Hostile("", BROKEN, entry="odd = this"),
    "many": Hostile(METRIC, QUIET, entry="\n".join(f"odd-{n} = {{module}}" for n in range(60))),
    "metadata-latin": Hostile(METRIC, QUIET, metadata=HEAD + b"Name: caf\xe9\nVersion: 1\n"),
    "metadata-zeros": Hostile(METRIC, QUIET, metadata=b"\0" * 1000),
    "metadata-codes": Hostile(
        "import nowhere\n", QUIET, metadata=HEAD + b"Name: \x1b[31mred\nVersion: \x1b[2J\n"
    ),
    "metadata-megabytes": Hostile(
        "import nowhere\n", QUIET, metadata=HEAD + b"Name: " + b"n" * 2_000_000 + b"\nVersion: 1\n"
    ),
    "syntax": Hostile("def (:\n", f"{BROKEN}SyntaxError"),
    "zeros": Hostile("\0\0", BROKEN),
    "deep": Hostile(f"x = {'(' * 3000}{')' * 3000}\n", BROKEN),
}
HOSTILE = {
    **AT_IMPORT,
    **IN_A_HOOK,
    **ENDING,
    **ENDLESS,
    **LOUD,
    **MEDDLING,
    **OF_A_METACLASS,
    **OF_A_CLASS,
    **INSTALLED,
}


def install(folder, name, *, record="{module}.py,,\n"):
    """Put one of them into a folder of the path; returns the name of its distribution."""
    hostile = HOSTILE[name]
    module = f"hostile_{name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(hostile.source)
    for path, text in hostile.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    metadata = hostile.metadata or HEAD + f"Name: hostile-{name}\nVersion: 1.0\n".encode()
    (info / "METADATA").write_bytes(metadata)
    entry = (hostile.entry or f"{name} = {{module}}").replace("{module}", module)
    (info / "entry_points.txt").write_text(f"[geobench]\n{entry}\n", "utf-8")
    (info / "RECORD").write_text(record.format(module=module))
    return f"hostile-{name}"
