"""What methods on torch share: reading, training, states."""

import random
from itertools import islice
from time import monotonic

import numpy as np
import pytest

from geobench import ConfigError, Context, DeadlineError, Fact, Rows, StoreError

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from geobench_torch import (  # noqa: E402
    Recipe,
    Standardise,
    count_parameters,
    in_chunks,
    load_module_state,
    module_state,
    packed,
    restored,
    seeded,
    shuffled_batches,
    train_network,
    unpacked,
)
from small_training import network, rows, squares, train, weights  # noqa: E402


def numbered(count, shards=1):
    whole = np.arange(count, dtype=np.float32)[:, None].repeat(3, axis=1)
    return Rows(np.array_split(whole, shards))


@pytest.mark.parametrize("chunk_bytes", [10**9, 12 * 200, 1])
@pytest.mark.parametrize("shards", [1, 3])
def test_an_epoch_has_each_photo_at_most_once(chunk_bytes, shards):
    features = numbered(500, shards)
    batches = shuffled_batches(features, 40, rng=np.random.default_rng(0), chunk_bytes=chunk_bytes)
    for _ in range(3):
        epoch = list(islice(batches, 500 // 40))
        positions = torch.cat([batch.positions for batch in epoch]).numpy()
        assert len(np.unique(positions)) == len(positions) == 480
        for batch in epoch:
            np.testing.assert_array_equal(batch.features[:, 0].numpy(), batch.positions.numpy())


def test_photos_that_neighbour_on_disk_are_mixed_across_a_chunk():
    batches = shuffled_batches(
        numbered(4096), 64, rng=np.random.default_rng(0), chunk_bytes=12 * 1024
    )
    for batch in islice(batches, 16):
        blocks = np.unique(batch.positions.numpy() // 64)
        assert len(blocks) > 10


def test_no_more_than_a_chunk_is_read_at_once(tmp_path):
    np.save(tmp_path / "shard.npy", np.zeros((5000, 8), np.float32))
    asked = []

    class Watched(np.ndarray):
        def __getitem__(self, key):
            found = np.asarray(super().__getitem__(key))
            asked.append(found.nbytes)
            return found

    shard = np.load(tmp_path / "shard.npy", mmap_mode="r").view(Watched)
    batches = shuffled_batches(Rows([shard]), 50, rng=np.random.default_rng(0), chunk_bytes=20_000)
    list(islice(batches, 250))
    assert max(asked) <= 20_000


def test_fewer_photos_than_a_batch_are_all_in_every_batch():
    batches = shuffled_batches(numbered(3), 64, rng=np.random.default_rng(0))
    for batch in islice(batches, 4):
        assert sorted(batch.positions.tolist()) == [0, 1, 2]
    with pytest.raises(ValueError, match="at least one photo"):
        next(shuffled_batches(numbered(0), 64, rng=np.random.default_rng(0)))


@pytest.mark.parametrize("chunk_bytes", [10**9, 12 * 200, 1])
@pytest.mark.parametrize("skip", [0, 1, 5, 12, 13, 36, 47])
def test_what_follows_skipped_batches_is_as_if_they_had_been_given(chunk_bytes, skip):
    given = {"chunk_bytes": chunk_bytes, "size": 40}
    whole = shuffled_batches(numbered(500, 3), rng=np.random.default_rng(0), **given)
    rest = shuffled_batches(numbered(500, 3), rng=np.random.default_rng(0), skip=skip, **given)
    for expected, found in zip(islice(whole, skip, skip + 30), rest, strict=False):
        assert torch.equal(found.positions, expected.positions)
        assert torch.equal(found.features, expected.features)


def test_of_skipped_batches_nothing_is_read(monkeypatch):
    asked = []
    read = Rows.__getitem__

    def watched(self, positions):
        asked.append(len(positions))
        return read(self, positions)

    monkeypatch.setattr(Rows, "__getitem__", watched)
    batches = shuffled_batches(
        numbered(500), 50, rng=np.random.default_rng(0), chunk_bytes=12 * 100, skip=10_000
    )
    next(batches)
    assert asked == [100]


def test_in_chunks_gives_all_photos_in_order():
    positions = [batch.positions for batch in in_chunks(numbered(10, 2), size=4)]
    assert [len(p) for p in positions] == [4, 4, 2]
    assert torch.cat(positions).tolist() == list(range(10))


def test_training_lowers_the_loss_and_reports_its_size():
    context = Context(seed=0)
    trained = train(context, steps=400)
    batch = next(in_chunks(rows()))
    with torch.no_grad():
        assert squares(trained.network, batch).item() < 0.3
    assert not trained.network.training
    assert context.facts["parameters"].value == count_parameters(trained.network) == 163
    assert trained.step == 400
    assert np.isnan(trained.value)
    assert "validation loss" not in context.facts


@pytest.mark.parametrize("average", [False, True])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(average):
    first, second, other = (
        weights(train(Context(seed=seed), average=average)) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_training_does_not_depend_on_what_was_drawn_before():
    torch.manual_seed(5)
    first = weights(train(Context(seed=3)))
    torch.rand(17)
    np.random.seed(4)
    assert weights(train(Context(seed=3))) == first


def test_global_random_state_and_torch_settings_are_left_as_they_were():
    torch.manual_seed(11)
    np.random.seed(12)
    random.seed(13)
    before = torch.get_rng_state(), np.random.get_state()[1], random.getstate()
    train(Context(seed=0), validate=lambda model: float(torch.rand(())), average=True)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.tensor([1e-310], dtype=torch.float64).mul(0.5).item() > 0


def test_settings_are_restored_when_training_fails():
    state = torch.get_rng_state()

    def fail():
        with seeded(Context(seed=0)):
            raise KeyError(float(torch.rand(())))

    with pytest.raises(KeyError):
        fail()
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_best_state_on_validation_is_kept():
    seen = []

    def validate(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        seen.append(b"".join(a.tobytes() for a in module_state(model).values()))
        return abs(len(seen) - 3)

    context = Context(seed=0)
    trained = train(context, validate=validate, evaluations=6)
    assert len(seen) == 6
    assert weights(trained) == seen[2]
    assert (trained.step, trained.value) == (30, 0)
    assert context.facts["step kept"].value == 30
    assert context.facts["validation loss"] == Fact(0.0, "loss")


def test_a_validation_that_is_no_number_is_worse_than_any_and_no_fact():
    values = iter([float("nan"), 5.0, float("nan"), 4.0, float("inf"), 6.0])
    trained = train(Context(seed=0), validate=lambda model: next(values), evaluations=6)
    assert (trained.step, trained.value) == (40, 4.0)
    context = Context(seed=0)
    train(context, validate=lambda model: float("nan"))
    assert "validation loss" not in context.facts


def test_validation_that_draws_random_numbers_does_not_change_training():
    checks = iter(range(20))
    quiet = train(Context(seed=0), validate=lambda model: -next(checks))
    noisy = train(Context(seed=0), validate=lambda model: -next(checks) - float(torch.rand(())))
    assert weights(quiet) == weights(noisy)


def test_the_moving_average_has_a_warm_up():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, 1))

    values = []

    def loss(model, batch):
        values.append(float(model.weight.detach()))
        return (model.weight - 3).square().sum()

    recipe = Recipe(steps=50, batch=4, learning_rate=0.1, weight_decay=0.0, average=True)
    trained = train_network(Constant, loss, features=rows(), recipe=recipe, context=Context(seed=0))
    free = Recipe(steps=50, batch=4, learning_rate=0.1, weight_decay=0.0)
    last = train_network(Constant, loss, features=rows(), recipe=free, context=Context(seed=0))
    path = [*values[51:], float(last.network.weight.detach())]
    expected = path[0]
    for n, value in enumerate(path[1:], start=1):
        decay = min(0.999, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
    assert float(trained.network.weight.detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_budgets_train(steps):
    trained = train(Context(seed=0), steps=steps, validate=lambda model: 0.0)
    assert 1 <= trained.step <= steps


def test_a_loss_that_is_not_finite_is_an_error_with_a_remedy():
    with pytest.raises(ConfigError, match=r"step 1 of 1.*Lower the learning rate"):
        train_network(
            network,
            lambda model, batch: model(batch.features).sum() * float("nan"),
            features=rows(),
            recipe=Recipe(steps=1, batch=8, learning_rate=0.1),
            context=Context(seed=0),
        )


def test_the_deadline_stops_training_and_progress_is_shown():
    shown = []

    def track(items, total, what):
        shown.append((total, what))
        yield from items

    with pytest.raises(DeadlineError):
        train(Context(seed=0, deadline=monotonic() - 1, track=track))
    assert shown == [(60, "train")]


def test_bfloat16_trains_nearly_the_same_network():
    exact = train(Context(seed=0), steps=200)
    rough = train(Context(seed=0), steps=200, precision="bfloat16")
    batch = next(in_chunks(rows()))
    with torch.no_grad():
        assert squares(rough.network, batch).item() == pytest.approx(
            squares(exact.network, batch).item(), rel=0.2
        )
    assert all(p.dtype == torch.float32 for p in rough.network.parameters())


def test_a_state_restores_a_network_and_a_foreign_one_is_an_error():
    trained = train(Context(seed=0), steps=5)
    state = {"other": np.zeros(2), **module_state(trained.network)}
    again = network()
    load_module_state(again, state)
    assert module_state(again).keys() == module_state(trained.network).keys()
    batch = next(in_chunks(rows()))
    np.testing.assert_array_equal(
        again.eval()(batch.features).detach(), trained.network(batch.features).detach()
    )
    with pytest.raises(StoreError, match="does not fit Linear"):
        load_module_state(nn.Linear(6, 2), state)


def test_a_state_is_packed_by_parts_and_the_network_restored_from_it(tmp_path):
    trained = train(Context(seed=0), steps=5)
    partition = {"levels": np.arange(3), "keys": np.array(["a", "b"])}
    state = packed(network=trained.network, partition=partition, cells=[1, 2], share=0.25)
    assert {name for name in state if not name.startswith("network.")} == {
        "partition.levels",
        "partition.keys",
        "cells",
        "share",
    }
    np.savez(tmp_path / "state.npz", allow_pickle=False, **state)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as stored:
        state = dict(stored)
    assert float(state["share"]) == 0.25
    np.testing.assert_equal(unpacked(state, "partition"), partition)
    before = torch.get_rng_state()
    again = restored(network, state, Context(seed=0))
    assert torch.equal(torch.get_rng_state(), before)
    assert not again.training
    assert module_state(again).keys() == module_state(trained.network).keys()
    batch = next(in_chunks(rows()))
    with torch.no_grad():
        assert torch.equal(again(batch.features), trained.network(batch.features))
    with pytest.raises(StoreError, match="does not fit Sequential"):
        restored(network, state, Context(seed=0), part="prior")


def test_the_state_does_not_share_memory_with_the_network():
    layer = nn.Linear(2, 2)
    state = module_state(layer)
    with torch.no_grad():
        layer.weight.zero_()
    assert state["network.weight"].any()


@pytest.mark.parametrize("shape", [(2500, 5), (2500, 4, 5)])
def test_standardised_features_have_mean_0_and_deviation_1(shape):
    rng = np.random.default_rng(0)
    features = (rng.standard_normal(shape) * [1, 1e-3, 5, 1, 0] + [0, 7, -300, 1, 0.1]).astype(
        np.float32
    )
    layer = Standardise.fitted(Rows([features[:900], features[900:]]))
    flat = features.reshape(-1, 5).astype(np.float64)
    np.testing.assert_allclose(layer.mean, flat.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(1 / layer.scale[:4], flat.std(axis=0)[:4], rtol=1e-4)
    out = layer(torch.tensor(features))
    assert out.shape == features.shape
    assert out[..., 4].abs().max() < 1e-6  # a feature that never varies


def test_whitening_decides_how_much_of_the_features_proportions_is_kept():
    rng = np.random.default_rng(0)
    deviations = np.array([1.0, 0.01, 4.0])
    features = (rng.standard_normal((3000, 3)) * deviations).astype(np.float32)
    for whitening in (0.0, 0.5, 1.0):
        layer = Standardise.fitted(Rows([features]), whitening=whitening)
        spread = layer(torch.tensor(features)).std(dim=0).numpy()
        np.testing.assert_allclose(spread / spread[0], deviations ** (1 - whitening), rtol=0.05)
    same = Standardise.fitted(Rows([features]), whitening=0.0)(torch.tensor(features))
    assert same.square().mean().item() == pytest.approx(1, rel=1e-3)
