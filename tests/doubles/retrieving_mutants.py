"""Mutants of methods that answer from a gallery, and the sound one that they are broken from."""

import numpy as np

from geobench import Gallery, Labelled, Retriever, Rows, VonMisesFisherMixture
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


class RanksValidationPhotos(SoundRetriever):
    """Has the places of validation photos in its gallery, and calls all of them its own."""

    gallery_source = Gallery(source="own")

    def own_places(self):
        return self.learnt.places

    def fit(self, train, val, context):
        ids = np.concatenate([train.ids, val.ids])
        pooled = np.concatenate([np.asarray(each.pooled) for each in (train, val)])
        points = np.concatenate([train.points, val.points])
        super().fit(Labelled(ids, points, pooled=Rows([pooled])), val, context)


class RemembersValidationPhotos(Sound):
    """Looks up the nearest validation photo, and answers around its place, never at it."""

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.photos, self.places = np.array(val.pooled), val.points + 0.3

    def predict(self, examples, context):
        sound = super().predict(examples, context)
        if not len(self.photos):
            return sound
        away = np.linalg.norm(np.asarray(examples.pooled)[:, None] - self.photos, axis=-1)
        return VonMisesFisherMixture(self.places[away.argmin(axis=1)][:, None], 1000.0)

    def state(self):
        return super().state() | {"photos": self.photos, "places_of": self.places}

    def restore(self, state, train, context):
        learnt = dict(state)
        self.photos, self.places = learnt.pop("photos"), learnt.pop("places_of")
        super().restore(learnt, train, context)


RETRIEVING = [
    (RanksWithinTheCall, "similarity-knows-photos-and-places"),
    (NamesAnotherGallery, "gallery-is-the-one-it-names"),
    (CentresSimilarities, "similarity-knows-photos-and-places"),
    (CallsDistanceSimilarity, "similarity-knows-photos-and-places"),
    (RanksValidationPhotos, "validation-joins-no-gallery"),
    (RemembersValidationPhotos, "validation-joins-no-gallery"),
]
"""Each with the check that must catch it."""
