"""Which places of a gallery lie where a density has its mass."""

from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from geobench import Cells, Partition, Points, geo


@final
class Restriction:
    """The places of a gallery near the likeliest cells of a partition.

    Args:
        places: of the gallery, (G, 2).
        partition: of the densities.
        radius_km: how near to the centre of such a cell a place must be.
    """

    def __init__(self, places: Points, partition: Partition, *, radius_km: float) -> None:
        centres = geo.Places(partition.centres)
        near = centres.within(places, radius_km)
        # The cell that a place lies in counts, however large cells are.
        place = np.concatenate([near.query, np.arange(len(places))])
        cell = np.concatenate([near.place, partition.assign(places)])
        shape = (len(places), len(partition))
        self.near = csr_matrix((np.ones(len(place), np.float32), (place, cell)), shape=shape)

    def allowed(self, cells: Cells, mass: float) -> NDArray[np.bool_]:
        """Whether each place is near one of the fewest cells that hold `mass`, (N, G)."""
        return np.asarray((self.near @ likeliest_cells(cells, mass).T.astype(np.float32)).T > 0)


def likeliest_cells(cells: Cells, mass: float) -> NDArray[np.bool_]:
    """The fewest cells of each photo that hold a share `mass` of its probability, (N, C)."""
    shares = np.exp(cells.log_masses)
    order = np.argsort(-shares, axis=1, kind="stable")
    held = np.cumsum(np.take_along_axis(shares, order, axis=1), axis=1)
    taken = np.empty(shares.shape, bool)
    before = np.concatenate([np.zeros((len(held), 1)), held[:, :-1]], axis=1)
    np.put_along_axis(taken, order, before < mass, axis=1)
    return np.repeat(taken, len(cells), axis=0) if len(taken) < len(cells) else taken
