"""`make fuzz`: thousands of damaged inputs through every verb, and what came of them.

    python tests/fuzz/fuzz.py --seconds 60 --seed 1
    python tests/fuzz/fuzz.py --corpus
    python tests/fuzz/fuzz.py --replay tests/fuzz/found/case.json

Each input ends in a result or in an error of geobench's own, within five seconds of the processor
and without a file outside of its workspace. Inputs are drawn by hypothesis from the seed; one that
breaks that rule is made as small as it gets, printed, and stored below tests/fuzz/found/.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins"), str(ROOT / "tests/doubles")]
CORPUS = Path(__file__).parent / "corpus" / "cases.json"
FOUND = Path(__file__).parent / "found"
_ROUND = 200  # inputs that are drawn by one seed of hypothesis

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from fuzz_child import Case, run  # noqa: E402
from fuzz_material import BOARD, DOORS, MAP, make, make_board  # noqa: E402
from fuzz_mutations import KINDS, Mutation  # noqa: E402

_DEAR = {MAP, "check acme", f"report {BOARD}", f"worst {BOARD} --method toy-oracle"}


def say(text):
    """A line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Tried:
    """What was tried, how it ended, and the faults, each with its smallest case."""

    def __init__(self, base, template):
        self.base, self.template = base, template
        self.counts = Counter()
        self.ends = Counter()
        self.faults = {}
        self.often = Counter()
        self.seconds = 0.0
        self.slowest = 0.0

    def case(self, case):
        """Try a case; a fault that is new is made small and kept."""
        outcome = run(case, self.base, self.template)
        self.counts[case.door] += 1
        self.ends[outcome.code] += 1
        self.seconds += outcome.seconds
        self.slowest = max(self.slowest, outcome.seconds)
        if outcome.fault:
            self.often[outcome.fault] += 1
            if outcome.fault not in self.faults:
                self.faults[outcome.fault] = self._small(case, outcome)
        return outcome

    def _small(self, case, outcome):
        """The case without the changes that the fault does not need."""
        kept = list(case.mutations)
        for each in case.mutations:
            fewer = tuple(other for other in kept if other is not each)
            smaller = Case(case.door, case.verb, case.file, fewer)
            if fewer and (found := run(smaller, self.base, self.template)).fault == outcome.fault:
                kept, outcome = list(fewer), found
        return Case(case.door, case.verb, case.file, tuple(kept)), outcome

    def tell(self):
        """Print counts and faults."""
        total = sum(self.counts.values())
        doors = ", ".join(f"{name} {count:,}" for name, count in sorted(self.counts.items()))
        ends = ", ".join(f"{code}: {count:,}" for code, count in self.ends.most_common())
        say(f"{total:,} inputs ({doors}); ended with {ends}")
        say(f"{self.seconds:.0f} s of the processor, the slowest {self.slowest:.1f} s")
        for fault, (case, outcome) in self.faults.items():
            say(f"\nFAULT, {self.often[fault]} times: {fault}\n{json.dumps(case.to_json())}")
            say("\n".join(outcome.said.strip().splitlines()[-8:]))
        say(f"{len(self.faults)} kinds of faults")

    def store(self):
        """Keep the smallest case of each fault as a file that can be replayed."""
        FOUND.mkdir(exist_ok=True)
        for fault, (case, _) in self.faults.items():
            name = hashlib.sha256(fault.encode()).hexdigest()[:12]
            told = {"fault": fault, **case.to_json()}
            (FOUND / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


def of_json(data):
    """A case as the corpus keeps it."""
    changes = tuple(Mutation(*each) for each in data["mutations"])
    return Case(data["door"], data["verb"], data["file"], changes)


_READ_BEFORE = (
    ("report", "--check", BOARD),
    ("verify", BOARD),
    ("compare", BOARD, "prior", "uniform", "--json"),
    ("score", "truth.csv", "answers.csv", "--no-figures"),
    ("run", "tabled.yaml", "--no-figures"),
    ("data", "folder", "--config", "root=photos"),
    ("worst", BOARD, "--method", "prior"),
    ("map", "tiny.yaml", "--photos", "2"),
)
"""What is typed once, so that forks find in memory what every command reads."""


def template(folder):
    """The workspace that all cases begin with: their folder is a copy of it."""
    make(folder)
    place, warm = os.getcwd(), folder / "warm"
    try:
        os.chdir(folder / "work")
        make_board(ask)
        shutil.copytree(folder / "work", warm)
        os.chdir(warm)
        for words in _READ_BEFORE:
            assert ask(*words) == 0, words
    finally:
        os.chdir(place)
    shutil.rmtree(warm)
    (folder / "template").mkdir()
    (folder / "work").rename(folder / "template/work")
    return folder / "template"


def ask(*words):
    """The command in this process, silent; its code."""
    from geobench import cli

    kept = sys.argv, sys.stdout, sys.stderr
    sys.argv = ["geobench", *words]
    try:
        with open(os.devnull, "w") as sys.stdout:
            cli.main()
    except SystemExit as stop:
        return stop.code or 0
    finally:
        sys.argv, sys.stdout, sys.stderr = kept
    return 0


def cases(folder):
    """A strategy of cases: every door is as likely as any other."""
    mutation = st.builds(
        Mutation,
        st.sampled_from(KINDS),
        st.floats(0, 1, exclude_max=True, width=32),
        st.integers(0, 10_000),
    )
    return st.one_of(
        [
            st.builds(
                Case,
                st.just(door.name),
                st.sampled_from(door.verbs),
                st.sampled_from(door.found(folder / "work")),
                st.lists(mutation, min_size=1, max_size=3).map(tuple),
            )
            for door in DOORS
        ]
    )


def drawn(strategy, number):
    """Cases that hypothesis draws by this seed."""
    found = []

    @seed(number)
    @settings(
        max_examples=_ROUND,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case):
        found.append(case)

    draw()
    return found


def corpus(tried, number):
    """Cases for the corpus, which are quick and break no rule: of each verb and kind of change."""
    strategy = cases(tried.template)
    wanted = Counter(dict.fromkeys([*KINDS, *(verb for door in DOORS for verb in door.verbs)], 1))
    chosen = []
    for case in (case for turn in range(20) for case in drawn(strategy, number + turn)):
        new = wanted[case.verb] + wanted[case.mutations[0].kind]
        if len(case.mutations) > 1 or new <= 0 or case.verb in _DEAR:
            continue
        case = replace(case, file=re.sub(r"[0-9a-f]{8,}", "*", case.file))  # keys may change
        outcome = tried.case(case)
        if not outcome.fault and outcome.seconds < 0.25:
            wanted.subtract([case.verb, case.mutations[0].kind])
            chosen.append(case)
    return chosen


def main():
    """Fuzz for the budget, or try the corpus; 1 if any input broke the rule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--door", action="append", help="only this one; repeatable")
    parser.add_argument("--corpus", action="store_true", help="try the corpus alone")
    parser.add_argument("--make-corpus", action="store_true", help="choose the corpus anew")
    parser.add_argument("--replay", type=Path, help="a stored case")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geobench-fuzz-") as name:
        base = Path(name).resolve()
        os.environ |= {"TMPDIR": str(base / "tmp"), "MPLCONFIGDIR": str(base / "tmp")}
        os.environ |= {"HOME": str(base / "tmp"), "HF_HUB_OFFLINE": "1"}
        tempfile.tempdir = None
        tried = Tried(base, template(base))
        if wanted.make_corpus:
            chosen = [case.to_json() for case in corpus(tried, wanted.seed)]
            CORPUS.parent.mkdir(exist_ok=True)
            lines = ",\n".join(json.dumps(case) for case in chosen)
            CORPUS.write_text(f"[\n{lines}\n]\n")
            say(f"{len(chosen)} cases in {CORPUS}")
            return 0
        begin = time.monotonic()
        for case in _wanted_cases(wanted, tried.template):
            tried.case(case)
            if wanted.corpus or wanted.replay:
                continue
            done = sum(tried.counts.values())
            if time.monotonic() - begin > wanted.seconds or done == wanted.inputs:
                break
    tried.tell()
    if not wanted.corpus:
        tried.store()
    return int(bool(tried.faults))


def _wanted_cases(wanted, folder):
    if wanted.replay:
        yield of_json(json.loads(wanted.replay.read_text()))
        return
    if wanted.corpus:
        yield from map(of_json, json.loads(CORPUS.read_text()))
        return
    strategy = cases(folder)
    if wanted.door:
        strategy = strategy.filter(lambda case: case.door in wanted.door)
    number = wanted.seed * 1_000_000
    while True:
        yield from drawn(strategy, number)
        number += 1


if __name__ == "__main__":
    sys.exit(main())
