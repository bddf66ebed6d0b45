"""The encoder under check: a few ordinary and a few odd pictures, or features to pass on."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench.data import Image, Indices
from geobench.encoders import Encoder, Features
from geobench.errors import GeobenchError
from geobench.features.batches import in_batches
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.other_process import Findings
from geobench.testing.subject import Subject
from geobench.toy_planet import ToyPlanet

_PLAIN = 5  # pictures of the toy planet


def pictures() -> dict[str, Image]:
    """What is on them -> pictures of many sizes, all of which an encoder must take."""
    plain = zip(range(_PLAIN), ToyPlanet().images(np.arange(_PLAIN)), strict=True)
    found = {f"picture {number} of the toy planet": np.asarray(p) for number, p in plain}
    rng = np.random.default_rng(0)
    odd = {
        "a picture of one pixel": np.full((1, 1, 3), 90),
        "a very wide picture (6 x 200)": rng.integers(0, 256, (6, 200, 3)),
        "a very high picture (200 x 6)": rng.integers(0, 256, (200, 6, 3)),
        "a black picture": np.zeros((40, 60, 3)),
        "a white picture": np.full((40, 60, 3), 255),
        "a picture of noise": rng.integers(0, 256, (64, 64, 3)),
        "a large picture (200 x 300)": rng.integers(0, 256, (200, 300, 3)),
    }
    return found | {name: picture.astype(np.uint8) for name, picture in odd.items()}


@final
@dataclass(frozen=True, slots=True)
class Both:
    """Pooled features (B, D) and tokens (B, T, E), or None, as float32."""

    pooled: NDArray[np.float32]
    tokens: NDArray[np.float32] | None = None


@final
class Photos:
    """What an encoder is given: pictures, or the features of a dataset."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.from_pictures = encoder.reads == "images"
        self.pictures = pictures()
        self.names = list(self.pictures)
        if not self.from_pictures:
            self.names = [f"photo {number} of the toy planet" for number in range(_PLAIN)]
        self.all = np.arange(len(self.names))

    def prepared(self, row: int) -> NDArray[Any]:
        """One picture as `prepare` gives it."""
        name = self.names[row]
        try:
            found = self.encoder.prepare(self.pictures[name])
        except Exception as error:
            raise Failure(
                f"prepare fails on {name} ({type(error).__name__}: {error})",
                remedy="It must take any uint8 (H, W, 3).",
            ) from error
        ensure(
            isinstance(found, np.ndarray),
            f"prepare gives a {type(found).__name__} of {name}",
            "Return a numpy array.",
        )
        return found

    def batch(self, rows: Indices) -> Any:
        """What `encode` takes, of these photos."""
        if not self.from_pictures:
            return ToyPlanet().features(rows)
        found = [self.prepared(int(row)) for row in rows]
        for row, array in zip(rows, found, strict=True):
            ensure(
                array.shape == found[0].shape and array.dtype == found[0].dtype,
                f"prepare gives {array.dtype} {array.shape} of {self.names[row]}, and "
                f"{found[0].dtype} {found[0].shape} of {self.names[rows[0]]}",
                "All pictures must become arrays of one shape and type: they are stacked.",
            )
        return np.stack(found)

    def pooled(self, rows: Indices | None = None) -> NDArray[np.float32]:
        """Pooled features of photos (of all, unless given)."""
        rows = self.all if rows is None else rows
        found = in_batches(self.encoder, [self.batch(rows)], tokens=False)
        return self._checked(found, rows).pooled

    def both(self, rows: Indices | None = None) -> Both:
        """Pooled features and tokens of photos (of all, unless given).

        Raises:
            Skip: the encoder has no tokens.
        """
        rows = self.all if rows is None else rows
        try:
            features = in_batches(self.encoder, [self.batch(rows)], tokens=True)
        except Failure:
            raise
        except GeobenchError as error:
            raise Skip(f"it gives no tokens: {error}") from error
        if isinstance(features, Features) and features.tokens is None:
            raise Skip("it gives no tokens")
        found = self._checked(features, rows)
        return Both(found.pooled, self._numbers("tokens", features.tokens, rows, dimensions=3))

    def _checked(self, features: Any, rows: Indices) -> Both:
        ensure(
            isinstance(features, Features),
            f"encode gives a {type(features).__name__}",
            "Return a geobench.Features.",
        )
        ensure(features.pooled is not None, "encode gives no pooled features")
        return Both(self._numbers("pooled", features.pooled, rows, dimensions=2))

    def _numbers(
        self, what: str, values: Any, rows: Indices, *, dimensions: int
    ) -> NDArray[np.float32]:
        array = np.asarray(values)
        ensure(
            array.dtype.kind in "fiu",
            f"{what} of a batch is {array.dtype} ({type(values).__name__})",
            "Give numpy float32.",
        )
        shape = "(B, numbers)" if dimensions == 2 else "(B, tokens, numbers)"
        ensure(
            array.ndim == dimensions and len(array) == len(rows) and array.size > 0,
            f"{what} of a batch of {len(rows)} has the shape {array.shape}, not {shape}",
        )
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
        bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
        ensure(
            not bad.any(),
            f"{what} of {self.names[rows[bad.argmax()]]} is not finite as float32",
            "Mind divisions by a length or a deviation that can be zero.",
        )
        return array


@final
class EncoderSubject(Subject[Encoder]):
    """An encoder class and the photos that it encodes."""

    @property
    def photos(self) -> Photos:
        """The photos before one instance."""
        return self.memo("photos", lambda: Photos(self.make()))

    @property
    def pooled(self) -> NDArray[np.float32]:
        """Pooled features of all photos in one batch, (B, D)."""
        return self.memo("pooled", lambda: self.photos.pooled())

    @property
    def tokens(self) -> Both:
        """The same with tokens; Skip where there are none."""
        return self.memo("tokens", lambda: self.photos.both())


def findings(encoder: Encoder) -> Findings:
    """All that an encoder says of the photos: features and digests."""
    found: dict[str, Any] = {"the pooled features": Photos(encoder).pooled()}
    found["the digest of pooled features"] = encoder.digest("pooled")
    found["the digest of tokens"] = encoder.digest("tokens")
    return found


def findings_anew(plugin: type[Encoder], config: Any) -> Findings:
    """The findings of a new instance."""
    return findings(plugin(config))


def given_arrays(batch: Any) -> dict[str, NDArray[Any] | None]:
    """The arrays of a batch, by name."""
    if isinstance(batch, Features):
        return {"the pooled features": batch.pooled, "the tokens": batch.tokens}
    return {"the prepared pictures": batch}
