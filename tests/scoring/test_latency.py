"""Latency: single photos are asked about after all answers, and measuring changes nothing."""

import logging
import random
import statistics
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from counted_calls import Counting, run
from geobench import Atoms, Context, Examples, Rows, smallest_by_hash
from geobench.data import Fact
from geobench.run import execution
from geobench.scoring import costs
from geobench.toy_planet import ToyPlanet


def test_photos_are_asked_about_once_in_chunks_and_then_twenty_alone_after_a_warm_up(tmp_path):
    toy_ids = ToyPlanet(ToyPlanet.Config(photos=700)).table.ids
    found = run(tmp_path, "counting")
    calls = list(Counting.calls)
    for _, part in found.records:
        mine = [ids for asked, ids in calls if asked == part]
        alone = mine[-21:]
        chunks = mine[:-21]
        asked = [photo for ids in chunks for photo in ids]
        assert set(asked) <= set(toy_ids.tolist())
        assert len(asked) == len(set(asked)) == found.records["counting", part]["photos"]
        assert all(len(ids) == 16 for ids in chunks[:-1])
        kept = np.array(asked)[smallest_by_hash(np.array(asked), 20)].tolist()
        assert [photo for ids in alone for photo in ids] == [kept[0], *kept]


@pytest.mark.parametrize("name", ["counting", "forgetful"])
def test_answers_and_facts_are_those_of_a_run_without_measuring(tmp_path, monkeypatch, name):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    measured = run(tmp_path / "a", name)
    with monkeypatch.context() as patch:
        patch.setattr(execution, "latency", lambda method, examples, context: None)
        plain = run(tmp_path / "b", name)
    assert measured.answers.keys() == plain.answers.keys()
    assert len(measured.answers) == 2
    for key, answers in measured.answers.items():
        np.testing.assert_array_equal(answers, plain.answers[key])
        assert (np.abs(answers) > 0).any(axis=1).all()  # no photo was answered a second time
        first, second = (board.records[key] for board in (measured, plain))
        assert first["latency_photos"] == 20
        assert second["latency_photos"] is None
        assert first["facts"] == second["facts"]


def test_a_file_of_answers_is_never_asked_for_single_photos(tmp_path):
    found = run(tmp_path, "from-file")
    assert sum(len(ids) for _, ids in Counting.calls) == sum(
        record["photos"] for record in found.records.values()
    )
    assert all(record["latency_photos"] is None for record in found.records.values())


def test_a_method_that_cannot_answer_one_photo_has_answers_and_no_latency(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "geobench.scoring.costs"):
        found = run(tmp_path, "gregarious")
    for record in found.records.values():
        assert record["status"] == "ok"
        assert "latency_median_seconds" not in record["timings"]
    assert "latency of method gregarious is not measured: a photo alone" in caplog.text
    assert not {row["quantity"] for row in found.rows} & {"latency_photos", "latency_p95_seconds"}


class Slow(Counting):
    """Takes, by a clock of its own, as many seconds as it is told, and draws from everything."""

    def __init__(self, clock, takes):
        super().__init__()
        self.clock, self.takes = clock, iter(takes)
        self.contexts = []

    def predict(self, examples, context):
        self.contexts.append(context)
        context.fact("noise", 1.0, "1")
        context.log.warning("heard by nobody")
        random.random()
        np.random.random()
        torch.rand(3)
        self.clock.now += next(self.takes)
        return Atoms(np.zeros((len(examples), 1, 2)))


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        here = SimpleNamespace(perf_counter=lambda: self.now, monotonic=lambda: self.now)
        monkeypatch.setattr(costs, "time", here)


def photos(count):
    ids = np.array([f"photo-{n}" for n in range(count)])
    return Examples(ids, pooled=Rows([np.arange(3.0 * count).reshape(count, 3)]))


def test_median_and_95th_percentile_are_of_the_calls_after_the_first(monkeypatch):
    takes = [0.01 * ((7 * n) % 20 + 1) for n in range(20)]  # 0.01 ... 0.20, mixed
    found = costs.latency(Slow(Clock(monkeypatch), [3.0, *takes]), photos(50), Context(seed=0))
    assert found.photos == 20
    assert found.median_seconds == pytest.approx(statistics.median(takes))
    # Of 20 values, the 95th percentile lies 0.05 of the way from the 19th to the 20th.
    assert found.p95_seconds == pytest.approx(0.19 + 0.05 * 0.01)


@pytest.mark.parametrize(("takes", "count"), [(2.0, 2), (100.0, 1), (0.3, 16)])
def test_a_slow_method_is_asked_about_fewer_photos(monkeypatch, takes, count):
    slow = Slow(Clock(monkeypatch), [takes] * 30)
    found = costs.latency(slow, photos(50), Context(seed=0))
    assert found.photos == count
    assert found.median_seconds == pytest.approx(takes)


def test_measuring_leaves_context_and_random_states_and_puts_the_deadline_off(monkeypatch, caplog):
    clock = Clock(monkeypatch)
    slow = Slow(clock, [0.25] * 30)
    before = Context(seed=4, part="unseen-cells/seen", deadline=2000.0)
    before.fact("known", 1.0, "1")
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    states = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    found = costs.latency(slow, photos(5), before)
    assert found.photos == 5
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert after == states
    assert before.facts == {"known": Fact(1.0, "1")}
    assert before.deadline == 2000.0 + 6 * 0.25
    assert caplog.text == ""
    for own in slow.contexts:
        assert (own.seed, own.part, own.deadline) == (4, "unseen-cells/seen", None)


def test_a_part_without_photos_has_no_latency(monkeypatch):
    assert costs.latency(Slow(Clock(monkeypatch), []), photos(0), Context(seed=0)) is None


def test_features_are_in_memory_when_single_photos_are_asked_about(monkeypatch):
    reads = []

    class Watched(np.ndarray):
        def __getitem__(self, key):
            reads.append(key)
            return super().__getitem__(key)

    ids = np.array([f"photo-{n}" for n in range(50)])
    stored = np.arange(150.0).reshape(50, 3)
    examples = Examples(ids, pooled=Rows([stored.view(Watched)]))
    seen = []

    class Reading(Slow):
        def predict(self, one, context):
            before = len(reads)
            seen.append(np.asarray(one.pooled))
            assert len(reads) == before
            return super().predict(one, context)

    found = costs.latency(Reading(Clock(monkeypatch), [0.1] * 30), examples, Context(seed=0))
    assert found.photos == 20
    kept = smallest_by_hash(ids, 20)
    np.testing.assert_array_equal(np.concatenate(seen[1:]), stored[kept])
