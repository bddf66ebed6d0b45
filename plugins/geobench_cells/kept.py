"""What a partition must do besides, so that a method can keep it in its state."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from geobench import Partition


class KeptPartition(Partition):
    """A partition that a method keeps in its state."""

    kind: ClassVar[str]
    """The word by which a configuration asks for it."""

    @abstractmethod
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All that defines the partition, for a method's state."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The partition that `to_arrays` gave these arrays of."""
