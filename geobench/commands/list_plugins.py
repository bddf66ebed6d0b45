"""The door `geobench list`: what is installed."""

from geobench.commands.terminal import screen


def list_plugins() -> None:
    """List the plugins, and every dataset, split, encoder, method and metric."""
    from geobench.catalogue import installed
    from geobench.commands import listing

    listing.show_plugins(screen(), installed())
