"""Photos of which nothing can be learnt, at places of a distribution that is known."""

import numpy as np

from geobench import Labelled, Rows, VonMisesFisherMixture, geo

PLACES = [[[48.0, 10], [40, -100], [-30, 140], [-80, 0]]]
MASSES = [[0.4, 0.3, 0.2, 0.1]]
TRUTH = VonMisesFisherMixture(PLACES, geo.concentration_of(600.0), MASSES)


def photos(count, *, seed, truth=TRUTH):
    """At places of `truth`."""
    points = truth.sample(count, np.random.default_rng(seed))[0]
    ids = np.array([f"{seed}-{k}" for k in range(count)])
    return Labelled(ids, points, pooled=Rows([np.zeros((count, 3), np.float32)]))


def weighted(density, count, *, seed):
    """Places from the mixture and from everywhere (count, 2), and the density there of one photo
    over the one that they are drawn from, (count,)."""
    rng = np.random.default_rng(seed)
    tenth = count // 10
    points = np.concatenate(
        [TRUTH.sample(count - tenth, rng), geo.uniform((1, tenth), rng)], axis=1
    )
    uniform = -np.log(geo.SPHERE_AREA)
    log_p = np.logaddexp(TRUTH.log_prob(points) + np.log(0.9), uniform + np.log(0.1))
    return points[0], np.exp(density.log_prob(points) - log_p)[0]


def told_apart(draws, others, rng):
    """Whether chordal energy distance tells two sets of places (n, 2) apart, by 200 permutations
    at the level of 1 %."""
    count = len(draws)
    vectors = geo.unit_vectors(np.concatenate([draws, others]))
    chords = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)

    def energy(order):
        one, other = order[:count], order[count:]
        within = chords[np.ix_(one, one)].mean() + chords[np.ix_(other, other)].mean()
        return 2 * chords[np.ix_(one, other)].mean() - within

    shuffled = [energy(rng.permutation(len(vectors))) for _ in range(200)]
    return energy(np.arange(len(vectors))) >= np.quantile(shuffled, 0.99)
