"""Named methods: those that a method's configuration names, and what it asks for with them."""

from collections.abc import Mapping

from pydantic import BaseModel

from geobench.components import Component
from geobench.methods import Method


def references(plugin: Method) -> list[Component[Method]]:
    """The methods that a method's configuration names."""
    stack = [getattr(plugin.config, name) for name in type(plugin.config).model_fields]
    found = []
    while stack:
        value = stack.pop(0)
        if isinstance(value, Component) and isinstance(value.plugin, Method):
            found.append(value)
        elif isinstance(value, Mapping):
            stack = [*value.values(), *stack]
        elif isinstance(value, list | tuple):
            stack = [*value, *stack]
        elif isinstance(value, BaseModel) and not isinstance(value, Component):
            stack = [*(getattr(value, name) for name in type(value).model_fields), *stack]
    return found


def with_components(plugin: Method) -> list[Method]:
    """A method, and those that it names, and those that these name."""
    inner = [each for reference in references(plugin) for each in with_components(reference.plugin)]
    return [plugin, *inner]


def wanted(plugin: Method) -> frozenset[str]:
    """The features that a method and its components want."""
    return frozenset().union(*(each.wants for each in with_components(plugin)))


def deterministic(plugin: Method) -> bool:
    """Whether one training does for all seeds: of the method and of all its components."""
    return all(each.deterministic for each in with_components(plugin))
