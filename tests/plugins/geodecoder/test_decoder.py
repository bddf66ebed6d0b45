"""The decoder's blocks and network: who sees whom, and what is computed."""

import numpy as np
import pytest

from geobench_geodecoder.config import GeoDecoderConfig
from scene_photos import scene_photos

torch = pytest.importorskip("torch")

from geobench_geodecoder.decoder import Attention, FeedForward  # noqa: E402
from geobench_geodecoder.joined import joined  # noqa: E402
from geobench_geodecoder.network import SceneDecoder, scene_scores  # noqa: E402

CLASSES = (3, 5, 9)
SHAPES = {"pooled": (4,), "tokens": (4, 6)}
FEATURES = joined(scene_photos(40).features)


def network(*, hard=True, shapes=SHAPES, **changes):
    """Its weights are three times as large as they begin, so that little is negligible."""
    torch.manual_seed(0)
    small = {
        "independent_blocks": 1,
        "width": 16,
        "heads": 2,
        "feed_forward": 24,
        "scenes": 4,
    } | changes
    made = SceneDecoder(shapes, CLASSES, GeoDecoderConfig(**small), hard=hard).double().eval()
    made.requires_grad_(False)
    for weight in made.parameters():
        weight *= 3
    return made


def features(count=7):
    return torch.tensor(FEATURES[:count], dtype=torch.float64)


def multihead(attention):
    """torch's own attention with the same weights."""
    width = attention.out.in_features
    own = torch.nn.MultiheadAttention(width, attention.heads, batch_first=True).double()
    own.requires_grad_(False)
    own.in_proj_weight.copy_(attention.project.weight)
    own.in_proj_bias.zero_()
    own.out_proj.load_state_dict(attention.out.state_dict())
    return own


def test_attention_and_its_weights_are_those_of_torch():
    torch.manual_seed(0)
    attention = Attention(16, 4).double().requires_grad_(False)
    queries, tokens = torch.randn(3, 5, 16).double(), torch.randn(3, 7, 16).double()
    for asked, seen in ((queries, tokens), (queries, queries)):
        out, weights = multihead(attention)(asked, seen, seen, average_attn_weights=False)
        torch.testing.assert_close(attention(asked, seen), out)
        torch.testing.assert_close(attention.weights(asked, seen), weights)
    alike = attention(queries[:1], tokens)
    torch.testing.assert_close(alike, attention(queries[:1].expand(3, -1, -1), tokens))


def test_the_attention_of_the_network_is_the_mean_over_its_blocks():
    net, photos = network(dependent_blocks=2), features()
    asked = []
    for block in net.blocks:
        look = block.cross_attention
        look.register_forward_hook(lambda module, inputs, out: asked.append((module, *inputs)))
    net(photos)
    assert len(asked) == 3
    total = torch.zeros(7, 12, 5).double()
    for look, queries, tokens in asked:
        queries = queries.expand(7, -1, -1)
        total += multihead(look)(queries, tokens, tokens)[1]  # the mean over heads
    found = net.attention(photos)
    assert found.shape == (7, 3, 4, 5)
    torch.testing.assert_close(found, total.reshape(7, 3, 4, 5) / 3)
    torch.testing.assert_close(found.sum(-1), torch.ones(7, 3, 4).double())


def test_a_network_of_one_block_says_what_it_looks_at_too():
    net = network(independent_blocks=0)
    assert len(net.blocks) == 1
    assert net.attention(features()).shape == (7, 3, 4, 5)


@pytest.mark.parametrize("kind", ["pooled", "tokens", "both"])
@pytest.mark.parametrize("scenes", [1, 4])
def test_shapes(kind, scenes):
    shapes = SHAPES if kind == "both" else {kind: SHAPES[kind]}
    photos = joined({each: scene_photos(40).features[each] for each in shapes})
    net = network(shapes=shapes, scenes=scenes)
    net.standardise_by(photos)
    decoded = net.decode(torch.tensor(photos[:6]).double())
    assert decoded.scores.shape == (6, scenes)
    assert [each.shape for each in decoded.logits] == [(6, count) for count in CLASSES]
    tokens = {"pooled": 1, "tokens": 4, "both": 5}[kind]
    assert net.attention(torch.tensor(photos[:6]).double()).shape == (6, 3, scenes, tokens)
    assert net.reader.count == tokens


def test_features_are_standardised_by_kind():
    net = network(whitening=1.0)
    net.standardise_by(FEATURES)
    photos = scene_photos(40)
    for kind, axes in (("pooled", 0), ("tokens", (0, 1))):
        standard = net.reader.standardise[kind](torch.tensor(photos.features[kind][:]))
        np.testing.assert_allclose(standard.mean(axes), 0, atol=1e-5)
        np.testing.assert_allclose(standard.std(axes, correction=0), 1, atol=1e-4)


def test_scores_are_the_mean_over_levels_of_the_first_number():
    net, photos = network(), features()
    outputs = net.outputs(photos)
    assert outputs.shape == (7, 3, 4, 16)
    scores = np.zeros((7, 4))
    for photo in range(7):
        for scene in range(4):
            numbers = [float(outputs[photo, level, scene, 0]) for level in range(3)]
            scores[photo, scene] = sum(numbers) / 3
    np.testing.assert_allclose(scene_scores(outputs), scores)
    np.testing.assert_allclose(net.decode(photos).scores, scores)


def test_a_hard_choice_keeps_the_queries_of_the_best_scene_and_no_others():
    net, photos = network(), features(40)
    outputs, decoded = net.outputs(photos), net.decode(photos)
    best = decoded.scores.argmax(1)
    assert len(set(best.tolist())) > 1
    for photo, scene in enumerate(best.tolist()):
        for level, classify in enumerate(net.classifiers):
            torch.testing.assert_close(
                decoded.logits[level][photo], classify(outputs[photo, level, scene])
            )
    others = outputs + 9 * (1 - torch.nn.functional.one_hot(best, 4))[:, None, :, None]
    torch.testing.assert_close(
        net.chosen(others, decoded.scores), net.chosen(outputs, decoded.scores)
    )


def test_a_hard_choice_is_made_in_training_too():
    net, photos = network(dropout=0.0), features()
    torch.testing.assert_close(net.train().decode(photos).logits, net.eval().decode(photos).logits)


def test_a_soft_choice_weighs_scenes_by_their_probabilities():
    net, photos = network(hard=False), features()
    outputs, decoded = net.outputs(photos), net.decode(photos)
    weights = torch.softmax(decoded.scores, 1)
    for level, classify in enumerate(net.classifiers):
        logits = [classify(outputs[:, level, scene]) for scene in range(4)]
        mean = sum(weights[:, [scene]] * logits[scene] for scene in range(4))
        torch.testing.assert_close(decoded.logits[level], mean)


def outputs_after_a_change(net, level):
    """By level, whether its outputs change if the queries of one level do."""
    photos = features()
    before = net.outputs(photos)
    net.queries[level] += torch.rand(net.queries[level].shape).double()
    after = net.outputs(photos)
    return [not torch.equal(before[:, each], after[:, each]) for each in range(3)]


@pytest.mark.parametrize("level", range(3))
def test_within_a_level_no_other_level_is_seen(level):
    net = network(independent_blocks=0, dependent_blocks=2)
    assert outputs_after_a_change(net, level) == [each == level for each in range(3)]


@pytest.mark.parametrize("level", range(3))
@pytest.mark.parametrize(
    "changes",
    [
        {"independent_blocks": 0, "self_attention": "across-levels"},
        {"independent_blocks": 1},
    ],
)
def test_across_levels_and_in_independent_blocks_all_levels_are_seen(level, changes):
    assert outputs_after_a_change(network(**changes), level) == [True] * 3


def test_scenes_of_a_level_see_each_other():
    net, photos = network(independent_blocks=0), features()
    before = net.outputs(photos)
    net.queries[0, 0] += torch.rand(16).double()
    after = net.outputs(photos)
    assert all(not torch.equal(before[:, 0, scene], after[:, 0, scene]) for scene in range(4))


def test_every_level_has_a_feed_forward_network_of_its_own_in_dependent_blocks():
    net = network(independent_blocks=1, dependent_blocks=1)
    assert [len(block.feed_forward.inner) for block in net.blocks] == [1, 3]
    photos = features()
    before = net.outputs(photos)
    net.blocks[1].feed_forward.outer[1].weight += 1
    after = net.outputs(photos)
    changed = [not torch.equal(before[:, each], after[:, each]) for each in range(3)]
    assert changed == [False, True, False]


def test_a_feed_forward_network_of_groups_is_one_of_each_group():
    torch.manual_seed(0)
    together = FeedForward(6, 10, groups=3).double()
    queries = torch.randn(5, 12, 6).double()
    found = together(queries)
    for group in range(3):
        rows = slice(4 * group, 4 * group + 4)
        alone = together.outer[group](
            torch.nn.functional.gelu(together.inner[group](queries[:, rows]))
        )
        torch.testing.assert_close(found[:, rows], alone)


def test_every_token_matters_and_their_order_only_by_their_positions():
    net = network()
    tokens = torch.tensor(scene_photos(7).tokens[:]).double()
    pooled = torch.tensor(scene_photos(7).pooled[:]).double()

    def logits():
        return net(torch.cat([pooled, tokens.flatten(1)], dim=1))

    before = logits()
    for token in range(4):
        kept = tokens[:, token].clone()
        tokens[:, token] += 1
        assert all((a != b).all() for a, b in zip(before, logits(), strict=True))
        tokens[:, token] = kept
    order = torch.tensor([2, 0, 3, 1])
    tokens = tokens[:, order]
    assert not torch.allclose(before[0], logits()[0])
    net.reader.positions.copy_(net.reader.positions[order].clone())
    torch.testing.assert_close(logits(), before)
    pooled += 1
    assert not torch.allclose(before[0], logits()[0])


def test_each_photo_is_decoded_by_itself():
    net, photos = network(), features()
    together = net(photos)
    for photo in range(7):
        alone = net(photos[photo : photo + 1])
        torch.testing.assert_close([each[photo : photo + 1] for each in together], alone)


def test_queries_begin_as_they_are_told_to():
    def begun(how):
        torch.manual_seed(0)
        config = GeoDecoderConfig(width=128, scenes=64, initial_queries=how)
        return SceneDecoder({"tokens": (4, 5)}, [3, 4], config, hard=True).queries.detach()

    uniform, normal = begun("uniform"), begun("normal")
    assert 0 <= uniform.min() < 0.02
    assert 0.98 < uniform.max() <= 1
    assert abs(uniform.mean() - 0.5) < 0.05
    assert abs(normal.mean()) < 0.002
    assert abs(normal.std() - 0.02) < 0.001
