"""The kit on encoders: good ones pass, broken ones are caught by the check named for it."""

from pathlib import Path

import numpy as np
import pytest

from complaints import complaints, skipped
from geobench import Config, ConfigError, Encoder, Features, digests
from geobench.testing.kit import examine
from sound_encoder import Colours


class Passes(Encoder):
    """Features of the dataset, scaled."""

    name = "passes"
    reads = "features"

    def prepare(self, image):
        raise ConfigError("reads features")

    def encode(self, batch, *, tokens):
        return Features(batch.pooled * 2)


def mutant(kind=Colours, **methods):
    return type("Mutant", (kind,), methods)


class HashedProjection(Colours):
    def projection(self):
        seed = hash("projection") % 2**32
        return np.random.default_rng(seed).normal(size=(12, 8)).astype(np.float32)


class WeightedConfig(Config):
    weights: str = ""


class Weighted(Colours):
    """Projects by weights from a file that its configuration names by its path."""

    Config = WeightedConfig

    @classmethod
    def tiny(cls, folder):
        np.savetxt(folder / "projection.txt", Colours().projection())
        return WeightedConfig(weights=str(folder / "projection.txt"))

    def projection(self):
        return np.loadtxt(self.config.weights, dtype=np.float32)

    def content(self):
        return digests.of_files(Path(self.config.weights)) if self.config.weights else ""


class HoldsALambda(Colours):
    def __init__(self, config=None):
        super().__init__(config)
        self._scale = lambda values: values / 2


class LoadsItsModelLate(Colours):
    def encode(self, batch, *, tokens):
        self.__dict__["model"] = lambda values: values
        return super().encode(batch, tokens=tokens)


def encode_by(change):
    """An `encode` whose pooled features are changed."""

    def encode(self, batch, *, tokens):
        found = Colours.encode(self, batch, tokens=tokens)
        return Features(change(found.pooled), found.tokens)

    return encode


def encode_tokens_by(change):
    def encode(self, batch, *, tokens):
        found = Colours.encode(self, batch, tokens=tokens)
        return change(found) if tokens else found

    return encode


def of_length_one(pooled):
    with np.errstate(invalid="ignore"):
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)


def scratches(self, image):
    found = Colours.prepare(self, image)
    if image.flags.writeable:
        image[:] = 255 - image
    return found


def halves(self, batch, *, tokens):
    batch /= 2
    return Colours.encode(self, batch, tokens=tokens)


def doubles(self, batch, *, tokens):
    batch.pooled[:] *= 2
    return Features(batch.pooled)


def tires(self, batch, *, tokens):
    self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1
    noise = np.random.default_rng(self.__dict__["calls"]).normal(scale=1e-3, size=(1, 8))
    return Features(Colours.encode(self, batch, tokens=False).pooled + noise)


def seeded(self):
    np.random.seed(0)
    return np.random.normal(size=(12, 8)).astype(np.float32)


def dividing(self, image):
    if min(image.shape[:2]) < 2:
        raise ZeroDivisionError("no gradient")
    return Colours.prepare(self, image)


class MovesBadly(Colours):
    def to(self, device):
        self.scale = np.float32(0.5)

    def projection(self):
        return super().projection() * getattr(self, "scale", 1)


class BreaksOnceUsed(Colours):
    def to(self, device):
        self.weights.flags.writeable = True  # before anything is encoded there are none

    def encode(self, batch, *, tokens):
        self.weights = self.projection()
        return super().encode(batch, tokens=tokens)


def pads(self, batch, *, tokens):
    """Its features tell how full the batch was, as where it is filled up and averaged."""
    found = Colours.encode(self, batch, tokens=tokens)
    return Features(found.pooled - np.float32(len(batch) / self.batch / 100), found.tokens)


def full_batches_in_half_precision(self, batch, *, tokens):
    found = Colours.encode(self, batch, tokens=tokens)
    if len(batch) < self.batch:
        return found
    return Features(found.pooled.astype(np.float16).astype(np.float32), found.tokens)


def shapes(pooled, tokens=None):
    return lambda self, what: pooled if what == "pooled" else tokens


MUTANTS = {
    "no photos at a time": (mutant(batch=0), "declared-types", "batch is 0"),
    "a batch that is no number": (mutant(batch="64"), "declared-types", "batch is '64'"),
    "a shape that lies": (
        mutant(shape=shapes((9,))),
        "shape-is-what-encode-gives",
        "pooled of a photo have the shape (8,), and `shape` says (9,)",
    ),
    "a number for a shape": (
        mutant(shape=shapes(8)),
        "shape-is-what-encode-gives",
        "the shape of pooled is 8",
    ),
    "a shape of tokens that lies": (
        mutant(shape=shapes((8,), (4, 2))),
        "shape-is-what-encode-gives",
        "tokens of a photo have the shape (4, 3), and `shape` says (4, 2)",
    ),
    "a shape of tokens that it does not give": (
        mutant(
            shape=shapes(None, (4, 3)),
            encode=encode_tokens_by(lambda found: Features(found.pooled)),
        ),
        "shape-is-what-encode-gives",
        "it says the shape of tokens, and gives none",
    ),
    "other features on another device": (
        MovesBadly,
        "works-where-it-is-told",
        "not the same when it is told to work on the CPU before it is used",
    ),
    "moves weights that are not there": (
        BreaksOnceUsed,
        "works-where-it-is-told",
        "has no attribute 'weights'",
    ),
    "features that depend on batch": (
        mutant(encode=pads),
        "batching-does-not-matter",
        "with the batch that it is in",
    ),
    "a full batch in half precision": (
        mutant(encode=full_batches_in_half_precision),
        "batching-does-not-matter",
        "with the batch that it is in",
    ),
    "reads neither": (mutant(reads="sounds"), "declared-types", "reads is 'sounds'"),
    "fails on one pixel": (
        mutant(prepare=dividing),
        "takes-any-picture",
        "fails on a picture of one pixel (ZeroDivisionError",
    ),
    "keeps a picture's size": (
        mutant(prepare=lambda self, image: image),
        "takes-any-picture",
        "All pictures must become arrays of one shape and type",
    ),
    "divides by the length of black": (
        mutant(encode=encode_by(of_length_one)),
        "features-are-finite",
        "pooled of a black picture is not finite",
    ),
    "too large for float32": (
        mutant(encode=encode_by(lambda pooled: pooled.astype(np.float64) * 1e39)),
        "features-are-finite",
        "is not finite as float32",
    ),
    "a number of features that follows the batch": (
        mutant(encode=encode_by(lambda pooled: pooled[:, : len(pooled)])),
        "features-are-finite",
        "alone has 1 numbers, and 8 in a batch",
    ),
    "ignores the picture": (
        mutant(encode=encode_by(lambda pooled: np.ones_like(pooled))),
        "features-tell-photos-apart",
        "all photos have the same features",
    ),
    "normalises by the batch": (
        mutant(encode=encode_by(lambda pooled: pooled - pooled.mean(axis=0))),
        "batching-does-not-matter",
        "with the batch that it is in",
    ),
    "sorts the batch": (
        mutant(encode=encode_by(lambda pooled: pooled[np.argsort(pooled[:, 0])])),
        "order-does-not-matter",
        "keep the order of the batch",
    ),
    "other features each time": (
        mutant(encode=tires),
        "same-picture-same-features",
        "not the same when it is asked again",
    ),
    "weights from a hash": (HashedProjection, "same-in-another-process", "the pooled features"),
    "weights from a global seed": (
        mutant(projection=seeded),
        "global-random-state-untouched",
        "changes the global random state of numpy",
    ),
    "changes the picture": (
        mutant(prepare=scratches),
        "inputs-untouched",
        "prepare changes picture 0 of the toy planet",
    ),
    "changes the batch": (mutant(encode=halves), "inputs-untouched", "encode changes the prepared"),
    "changes the dataset's features": (
        mutant(Passes, encode=doubles),
        "inputs-untouched",
        "encode changes the pooled features",
    ),
    "one digest for both": (
        mutant(digest=lambda self, what: "abc"),
        "digest-is-stable",
        "pooled features and tokens have the same digest",
    ),
    "a digest of the instance": (
        mutant(digest=lambda self, what: f"{what} {id(self)}"),
        "digest-is-stable",
        "the digest of pooled is another in a second instance",
    ),
    "weights in no key": (
        mutant(Weighted, content=lambda self: ""),
        "weights-are-in-the-key",
        "it reads projection.txt, and nothing of it is in the key",
    ),
    "weights by the time of their file": (
        mutant(Weighted, content=lambda self: str(Path(self.config.weights).stat().st_mtime_ns)),
        "weights-are-in-the-key",
        "where projection.txt is touched",
    ),
    "a function in its fields": (HoldsALambda, "survives-pickling", "cannot be pickled"),
    "a function in its fields after use": (
        LoadsItsModelLate,
        "survives-pickling",
        "cannot be pickled",
    ),
    "tokens relative to the batch": (
        mutant(encode=encode_tokens_by(lambda f: Features(f.pooled, f.tokens - f.tokens.mean(0)))),
        "tokens-are-finite",
        "tokens of picture 0 of the toy planet changes",
    ),
    "tokens of another shape": (
        mutant(encode=encode_tokens_by(lambda f: Features(f.pooled, f.tokens[:, 0]))),
        "tokens-are-finite",
        "has the shape (12, 3), not (B, tokens, numbers)",
    ),
    "other pooled features with tokens": (
        mutant(encode=encode_tokens_by(lambda f: Features(f.pooled * 1.01, f.tokens))),
        "pooled-without-tokens",
        "others when tokens are wanted",
    ),
    "texts in another space": (
        mutant(encode_text=lambda self, texts: np.ones((len(texts), 5), np.float32)),
        "texts-are-encoded",
        "not float32 (5, 8)",
    ),
    "texts relative to others": (
        mutant(
            encode_text=lambda self, texts: (
                Colours.encode_text(self, texts) / np.float32(len(texts))
            )
        ),
        "texts-are-encoded",
        "change with the texts it is encoded with",
    ),
}


@pytest.mark.parametrize("what", MUTANTS)
def test_a_broken_encoder_is_caught_by_the_check_named_for_it(what):
    broken, check, said = MUTANTS[what]
    found = complaints(broken, about=check)
    assert check in found, found
    assert said in found[check]


def test_a_good_encoder_passes_every_check():
    verdict = examine(Weighted)
    assert {o.check: o.reason for o in verdict.outcomes if o.status != "passed"} == {}


def test_an_encoder_is_given_no_more_photos_than_it_asks_for():
    def small(self, batch, *, tokens):
        assert len(batch) <= self.batch
        return Colours.encode(self, batch, tokens=tokens)

    assert complaints(mutant(encode=small, batch=3, shape=shapes((8,), (4, 3)))) == {}


def test_an_encoder_of_features_is_given_features():
    verdict = examine(Passes)
    assert verdict.passed
    assert {o.check: o.reason for o in verdict.outcomes if o.status == "skipped"} == {
        "takes-any-picture": "it reads features, not pictures",
        "weights-are-in-the-key": "it reads no file of weights beside its configuration's",
        "tokens-are-finite": "it gives no tokens",
        "pooled-without-tokens": "it gives no tokens",
        "texts-are-encoded": "it encodes no texts",
    }


def test_an_encoder_may_refuse_tokens():
    def refuse(self, batch, *, tokens):
        if tokens:
            raise ConfigError("colours has no tokens")
        return Colours.encode(self, batch, tokens=False)

    plain = mutant(encode=refuse)
    assert complaints(plain) == {}
    assert skipped(plain)["tokens-are-finite"] == "it gives no tokens: colours has no tokens"
