"""Plugins of a test among the installed ones, for as long as the test needs them."""

from contextlib import contextmanager

from geobench.catalogue import Source, installed


@contextmanager
def lent(*plugins):
    """The installed catalogue with these plugins, which leave it at the end."""
    for plugin in plugins:
        installed().add(plugin, Source("tests", "tests", "1"))
    try:
        yield installed()
    finally:
        for plugin in plugins:
            del installed().registered[plugin.kind][plugin.name]
