"""What a plugin needs beyond the base install, and what installs it where it is absent."""

import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING, final

from geobench.components import Plugin
from geobench.distributions import plugin_entry_points
from geobench.errors import PluginError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_OWN = "geobench-geolocation"

# Of well-known packages, the distributions that bring them, the one to install first. Of others
# the name of the module says nothing: whoever may register a name can put anything there.
_BRINGS = {
    "PIL": ("pillow",),
    "cv2": (
        *("opencv-python-headless", "opencv-python"),
        *("opencv-contrib-python-headless", "opencv-contrib-python"),
    ),
    "datasets": ("datasets",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "huggingface_hub": ("huggingface-hub",),
    "open_clip": ("open-clip-torch",),
    "pillow_heif": ("pillow-heif",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "timm": ("timm",),
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "transformers": ("transformers",),
    "webdataset": ("webdataset",),
    "yaml": ("pyyaml",),
}


_HEAD = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(\[)?")  # of a requirement: its name, and extras


@final
@dataclass(frozen=True, slots=True)
class _Offer:
    """What `pip install` can be told: a distribution, with an extra ("" for none) of it."""

    distribution: str
    extra: str
    modules: frozenset[str]  # of the absent ones, those that it brings
    size: int  # how many requirements name the extra


def check_requirements(plugin: type[Plugin]) -> None:
    """Raise PluginError if a package that `plugin` needs is absent, with the pip command for it.

    The command names the plugin's own distribution, and an extra of it only where its installed
    metadata have that extra and it brings what is absent; then extras of geobench itself; then
    the package, if it is well known. Otherwise the plugin's documentation has to say it.
    """
    absent = [name for name in plugin.requires if not _importable(name)]
    if absent:
        raise PluginError(
            f"{plugin.kind} {plugin.name} needs {', '.join(absent)}, which is not installed",
            remedy=_remedy(plugin, list(dict.fromkeys(name.split(".")[0] for name in absent))),
        )


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # a package above it is absent; or it is no name of a module
        return False


def _remedy(plugin: type[Plugin], absent: list[str]) -> str:
    owner = _distribution_of(plugin)
    left, chosen = set(absent), list[tuple[str, str]]()
    for source in {each.name: each for each in (owner, _installed(_OWN)) if each}.values():
        offers = list(_offers(source, absent))
        while best := _best(offers, left):
            chosen.append((best.distribution, best.extra))
            left -= best.modules
    known = [_BRINGS[name][0] for name in absent if name in left and name in _BRINGS]
    unknown = [name for name in absent if name in left and name not in _BRINGS]
    wanted = [*_arguments(chosen), *known]
    about = owner.name if owner else plugin.__module__.split(".")[0]
    said = f"ee the documentation of {about}, which must say what provides {', '.join(unknown)}"
    if not wanted:
        return f"S{said}."
    command = f"Install it: pip install {' '.join(wanted)}"
    return f"{command}; for the rest s{said}." if unknown else command


def _arguments(chosen: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What pip is told, each distribution once."""
    for name in dict.fromkeys(name for name, _ in chosen):
        extras = sorted(extra for other, extra in chosen if other == name and extra)
        yield f"'{name}[{','.join(extras)}]'" if extras else name


def _best(offers: Iterable[_Offer], left: set[str]) -> _Offer | None:
    """The offer that brings most of what is left; of equal ones, that which brings least else."""
    ranked = sorted(offers, key=lambda offer: (-len(offer.modules & left), offer.size))
    return next((offer for offer in ranked if offer.modules & left), None)


def _distribution_of(plugin: type[Plugin]) -> Distribution | None:
    """The distribution whose entry point leads into the plugin's package, if one does."""
    module = plugin.__module__
    # Its value may name no module at all.
    found = [entry for entry in plugin_entry_points() if entry.pattern.match(entry.value)]
    found = [entry for entry in found if _package(entry.module, module)]
    # Distributions may share a package: that which names more of the module's path is meant.
    found.sort(key=lambda entry: (not f"{module}.".startswith(f"{entry.module}."), entry.name))
    return found[0].dist if found else None


def _package(one: str, other: str) -> bool:
    return one.split(".")[0] == other.split(".")[0]


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _offers(source: Distribution, absent: Sequence[str]) -> Iterator[_Offer]:
    """What of a distribution brings some of these modules: itself, or one of its extras.

    A distribution that is installed brings, when it is installed again, what it requires and
    somebody took away.
    """
    bringing = {m: {_normal(d) for d in _BRINGS.get(m, (m,))} for m in absent}
    wanted = frozenset().union(*bringing.values())
    for extra in ("", *(source.metadata.get_all("Provides-Extra") or ())):
        names = {_normal(found.name) for found in _requirements(source, extra, wanted)}
        modules = frozenset(m for m, brought in bringing.items() if names & brought)
        if modules:
            size = sum(
                f"{quote}{extra}{quote}" in r for r in source.requires or () for quote in "'\""
            )
            yield _Offer(source.name, extra, modules, size)


def _requirements(
    source: Distribution,
    extra: str,
    wanted: frozenset[str],
    seen: frozenset[tuple[str, str]] = frozenset(),
) -> Iterator["Requirement"]:
    """What of `wanted` a distribution requires on this machine with an extra, or with none ("").

    A requirement with extras of its own, such as `geobench-geolocation[methods]`, is followed.
    """
    from packaging.requirements import Requirement

    for text in source.requires or ():
        # `geobench list` waits for this: only what can matter is parsed.
        head = _HEAD.match(text)
        if head is None or not (head[2] or _normal(head[1]) in wanted):
            continue
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is not None and not marker.evaluate({"extra": extra}):
            continue
        if extra and (marker is None or marker.evaluate({"extra": ""})):
            continue  # it comes without the extra, too
        yield requirement
        for inner in sorted(requirement.extras):
            step = (_normal(requirement.name), _normal(inner))
            further = _installed(requirement.name)
            if further is not None and step not in seen:
                yield from _requirements(further, inner, wanted, seen | {step})


def _normal(name: str) -> str:
    """A distribution's name as the index compares it, and a module's likewise."""
    return name.lower().replace("_", "-").replace(".", "-")
