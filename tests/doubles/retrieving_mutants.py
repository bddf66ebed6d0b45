"""Mutants of methods that answer from a gallery, and the sound one that they are broken from."""

import numpy as np

from geobench import Gallery, Retriever
from sound_method import Sound


class SoundRetriever(Sound, Retriever):
    """The sound method as a retriever of its places."""

    gallery_source = Gallery()

    def gallery(self):
        return self.learnt.places

    def similarity(self, examples, places, context):
        every = np.broadcast_to(places, (len(examples), places.shape[-1]))
        return np.take_along_axis(np.log(self.shares(examples)), every, axis=1)


class RanksWithinTheCall(SoundRetriever):
    """Gives ranks among the places asked for, which no two calls share."""

    def similarity(self, examples, places, context):
        every = np.broadcast_to(places, (len(examples), places.shape[-1]))
        return np.broadcast_to(np.arange(every.shape[1]), every.shape)


class NamesAnotherGallery(SoundRetriever):
    """Says that it answers with a grid, and answers with training places."""

    gallery_source = Gallery(source="grid")


class CentresSimilarities(SoundRetriever):
    """Subtracts the mean over the photos that are asked for together."""

    def similarity(self, examples, places, context):
        found = super().similarity(examples, places, context)
        return found - found.mean()


class CallsDistanceSimilarity(SoundRetriever):
    """Gives a number that is smaller for places that fit better."""

    def similarity(self, examples, places, context):
        return -super().similarity(examples, places, context)


RETRIEVING = [
    (RanksWithinTheCall, "similarity-knows-photos-and-places"),
    (NamesAnotherGallery, "gallery-is-the-one-it-names"),
    (CentresSimilarities, "similarity-knows-photos-and-places"),
    (CallsDistanceSimilarity, "similarity-knows-photos-and-places"),
]
"""Each with the check that must catch it."""
