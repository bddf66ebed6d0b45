"""Encode once: the feature store, and what methods see of a part."""
