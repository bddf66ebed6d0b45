"""The leaderboard as a page: tables and pictures, what they mean, and the credits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from geobench import footprints
from geobench.board.leaderboard import Leaderboard
from geobench.board.same_answers import NEARLY_ALL, SAME_PLACE_KM
from geobench.board.tables import Row, Tables
from geobench.markdown_text import code, disarmed, named, plain, prose, said
from geobench.names import CEILING
from geobench.pages import about_intervals
from geobench.pages.dropped_photos import dropped, withheld
from geobench.pages.markdown_tables import (
    copies,
    gap_table,
    glance_table,
    is_contrast,
    measured,
    novelty_table,
    out_of_reach,
    primary,
    slice_table,
    summary_table,
)
from geobench.readable import number
from geobench.records import ManifestRow
from geobench.records.documents import Facts
from geobench.records.manifest import StoredDataset

_MEANING = """\
Each cell: value, 95 % interval, and the range of ranks that the paired tests allow (all pairs,
Holm's correction). {seeds}
Intervals resample units, not photos; which ones, stands at the top of each part, or of the page.
*Italics*: a weak interval (fewer than 10 effective units, fewer than 5 effective hits or misses,
too few photos for skewed scores, or nothing that varies). ↑ higher is better, ↓ lower is better.
{ceiling}`resolves`: the smallest true
difference that two methods would show in one comparison (p < 0.05) with a chance of 80 %, the
median over pairs of methods here that look at photos. `gallery` says what places a retrieval method
can answer with.{caveats}
What each summary is, and its source: docs/metrics.md of geobench.
"""

_CEILING = f"""\
`{CEILING}` answers with the training place nearest to the truth: no method that answers with
training places can pass it. It stands where nearest is best. """

_GAP = (
    "Generalisation gap",
    (
        "The same photos, after two trainings {size}: the score of {source}, which trains on "
        "the surroundings of these photos, too, minus that of {part}. A gap is read with the "
        "level that it starts from: who has learned little has little to lose. Of an error a gap "
        "below zero is what is lost in new places, of a score one above zero."
    ),
)

_DIFFERENCE = (
    "Difference of the parts",
    (
        "The score on {source} minus that on {part}. It holds the difficulty of the places, "
        "too: the photos are others. A split's twin (`surroundings: train`), where a split has "
        "one, measures the gap on the same photos."
    ),
)

_SAME_GROUND = (
    "{source} trains on the same ground: the training photo that shows most of the ground of a "
    "test photo shows {best} of it (median; at most {most}), all together {union} (mean "
    "{mean}), and {sharing} of the test photos share some. {contrast} holds the loss of these "
    "near-duplicates, too."
)

_CHECKED = """\
## Conformance

<details><summary>What `geobench check` had said of each method when its records were made</summary>
"""

_RELEASED = """\
## Released weights

What weights that were trained elsewhere have seen: photos of these places may be among it.
"""

_FILES = """\
Every number can be computed again from the stored answers: `geobench verify` with this folder's
path. Machine-readable: `table.csv`, `curves.csv`, `costs.csv`, `resolution.csv`, `benchmark.json`.
"""


def page(board: Leaderboard, tables: Tables) -> str:
    """README.md of a leaderboard's folder."""
    manifest = board.manifest
    dataset, bench = manifest.dataset, manifest.benchmark
    copied = copies(tables.rows)
    kept = [row for row in tables.rows if measured(row) not in copied]
    tables = replace(tables, rows=kept)
    lines = [f"# {named(board.name)}", ""]
    if manifest.limit:
        text = f"A trial with at most {manifest.limit} photos a part (`--limit`): not ranked."
        lines += [f"> **{text}**", ""]
    if manifest.missing:
        lines += [f"> **Incomplete: {len(manifest.missing)} records are not there yet.**", ""]
    encoder = code(bench.encoder.name if bench.encoder else "none")
    seeds = ", ".join(map(str, bench.seeds))
    lines += [f"Dataset {_named(dataset)} ({dataset.photos:,} photos), encoder {encoder},"]
    lines += [f"seeds {seeds}; benchmark digest {code(manifest.digest[:12])}.", ""]
    lines += [
        "In the tables: value, 95 % interval, range of ranks; [how to read it](#how-to-read-it).",
        *filter(None, [about_intervals.of_all(manifest.parts.values())]),
    ]
    lines += [""]
    lines += dropped(manifest)
    if overall := [row for row in tables.rows if row.overall and not is_contrast(row)]:
        lines += ["## At a glance", ""]
        if len(manifest.parts) > 1:
            lines += [glance_table(tables.rows, primary(overall)), ""]
        lines += [*_same_answers(board), *_pictures(board, "")]
    for part in manifest.parts:
        lines += _part(board, part, tables, copied=copied)
    trainings = (
        "With fewer than three seeds, an interval holds for the trained model at hand."
        if len(bench.seeds) < 3
        else "Intervals include the spread over trainings."
    )
    lines += ["## How to read it", "", _meaning(board, tables, trainings=trainings)]
    lines += [_CHECKED]
    for label, found in board.conformance().items():
        lines.append(f"- {code(label)}: {disarmed(', and '.join(found))}")
    lines += ["", "</details>", "", *_released(manifest.rows), _notes(tables.rows)]
    lines += ["## Credits", ""]
    for about in {each.digest: each for each in manifest.datasets}.values():
        lines += [
            prose(about.citation) or f"Dataset {prose(about.title) or named(about.name)}.",
            "",
        ]
        lines += [f"Licence: {prose(about.licence)}", ""] if about.licence else []
    return "\n".join([*lines, _FILES])


def _named(dataset: StoredDataset) -> str:
    return prose(dataset.title) or code(dataset.name)


def _meaning(board: Leaderboard, tables: Tables, *, trainings: str) -> str:
    found = dict.fromkeys(metric.caveat for metric in board.metrics if metric.caveat)
    caveats = "".join(f"\n{disarmed(each)}" for each in found)
    ceiling = _CEILING if CEILING in tables.labels else ""
    return _MEANING.format(ceiling=ceiling, seeds=trainings, caveats=caveats)


def _pictures(board: Leaderboard, part: str) -> list[str]:
    return [
        text
        for picture in board.manifest.pictures
        for text in (
            f"![{plain(picture.title)}]({quote(picture.file)})",
            "",
            disarmed(picture.caption),
            "",
        )
        if picture.part == part
    ]


def _part(board: Leaderboard, part: str, tables: Tables, *, copied: Mapping[str, str]) -> list[str]:
    """The section of a part: summaries, gaps, pictures, novelty, slices, the split in numbers."""
    rows = tables.rows
    mine = [row for row in rows if row.part == part]
    folded = out_of_reach(mine)
    resolutions = [each for each in tables.resolutions if each.part == part]
    minor = {each.name for metric in board.metrics for each in metric.summaries if each.minor}
    kept = [row for row in mine if row.summary not in folded]
    major = [row for row in kept if row.summary not in minor]
    lines = [
        f"## {named(part)}",
        "",
        *_about(board, part),
        summary_table(major or kept, resolutions),
        "",
        *_folded(folded),
        *_copied(copied),
    ]
    if major and (rest := [row for row in kept if row.summary in minor and row.overall]):
        names = ", ".join(dict.fromkeys(named(row.summary) for row in rest))
        lines += [f"<details><summary>{names}</summary>", ""]
        lines += [summary_table(rest, resolutions, among=kept), "", "</details>", ""]
    contrasts = [row for row in mine if is_contrast(row)]
    if contrasts:
        twin = board.twins.get(part, "")
        source = twin or board.contrasted[part]
        there = [row for row in rows if row.part == source and row.overall]
        levels = {(row.label, row.summary): row for row in there}
        title, text = _GAP if twin else _DIFFERENCE
        size = board.size_of_twins(part)
        lines += [
            f"### {title}",
            "",
            text.format(source=code(source), part=code(part), size=named(size)),
            "",
        ]
        lines += _same_ground(source, board.manifest.parts[source].facts, title=title)
        first = primary([row for row in mine if row.overall and not is_contrast(row)])
        shown = [row for row in contrasts if row.summary.startswith(f"{first}.")]
        overall = [row for row in mine if row.overall and row.summary == first]
        lines += [gap_table([*overall, *shown], levels), ""]
        lines += ["<details><summary>Of all summaries</summary>", ""]
        nothing = set(folded) & set(out_of_reach([row for row in rows if row.part == source]))
        lasting = [row for row in contrasts if measured(row) not in nothing]
        lines += [gap_table([*overall, *lasting], levels), "", "</details>", ""]
    lines += _pictures(board, part)
    if novel := novelty_table([point for point in tables.curves if point.part == part], mine):
        how = "the distance to the nearest training photo, in bins of equally many, at their median"
        lines += [f"<details><summary>By {how}</summary>"]
        lines += ["", novel, "", "</details>", ""]
    if any(not row.overall for row in mine):
        first = primary([row for row in mine if row.overall])
        lines += [f"<details><summary>{named(first)} by slice</summary>", ""]
        lines += [slice_table(mine, first), "", "</details>", ""]
    lines += withheld(board.part(part))
    return [*lines, _facts(board.manifest.parts[part].facts), ""]


def _about(board: Leaderboard, part: str) -> list[str]:
    """What the intervals of a part are about, unless the top of the page says it of all parts."""
    parts = board.manifest.parts
    said = about_intervals.of_part(parts[part])
    return [] if not said or about_intervals.of_all(parts.values()) else [said, ""]


def _same_ground(source: str, facts: Facts, *, title: str) -> list[str]:
    """What training photos of `source` show of its test photos; nothing where that is not known."""
    if footprints.SHARING not in facts or not facts[footprints.SHARING].value:
        return []
    names = {
        "best": footprints.BEST,
        "most": footprints.BEST_OF_ALL,
        "union": footprints.UNION,
        "mean": footprints.UNION_MEAN,
        "sharing": footprints.SHARING,
    }
    shares = {word: number(facts[name].value, "share") for word, name in names.items()}
    contrast = f"The {title[0].lower()}{title[1:]}"
    return [_SAME_GROUND.format(source=code(source), contrast=contrast, **shares), ""]


def _folded(folded: Mapping[str, Row]) -> list[str]:
    """What the table of a part leaves out, why, and what methods reach that answer elsewhere."""
    names = []
    for summary, best in folded.items():
        most = (
            f" (at most {number(best.value, best.unit)}, {code(best.label)})" if best.value else ""
        )
        names.append(f"{code(summary)}{most}")
    text = (
        f"In table.csv alone: {', '.join(names)}. Even the training place nearest to the truth "
        "scores 0 on every photo."
    )
    return [text, ""] if names else []


def _copied(copied: Mapping[str, str]) -> list[str]:
    """What the table of a part leaves out because another line of it says the same."""
    lines = []
    for summary, of in copied.items():
        same = f"{code(summary)}, which is {code(of)} where each answer is one place."
        lines += [f"In table.csv alone: {same}", ""]
    return lines


def _same_answers(board: Leaderboard) -> list[str]:
    """A sentence that names rows which are one."""
    pairs: dict[str, list[str]] = {}
    for each in board.same_answers():
        shares = pairs.setdefault(f"{code(each.a)} and {code(each.b)}", [])
        shares.append(f"{named(each.part)} {number(each.share, 'share')}")
    told = "; ".join(f"{pair} ({', '.join(shares)})" for pair, shares in pairs.items())
    most = number(NEARLY_ALL, "share")
    text = f"The same answer, within {SAME_PLACE_KM:g} km, to over {most} of photos: {told}."
    return [text, ""] if pairs else []


def _facts(facts: Facts) -> str:
    lines = ["<details><summary>The split in numbers</summary>", ""]
    for name, fact in facts.items():
        value, unit = fact.value, fact.unit
        whole = float(value).is_integer() and unit != "share"
        text = f"{value:,.0f}" if whole else number(value, unit)
        known = unit == "share" or unit in name  # train photos: 10,994
        lines.append(f"- {said(name)}: {text}" + ("" if known else f" {plain(unit)}"))
    return "\n".join([*lines, "", "</details>"])


def _released(rows: Sequence[ManifestRow]) -> list[str]:
    found: dict[str, None] = {}
    for row in rows:
        head = f"- {code(row.label)}: "
        if row.trained_on:
            found[head + disarmed(row.trained_on)] = None
        for inner in row.components or ():
            found[f"{head}{disarmed(inner.trained_on)} (by {code(inner.method)})"] = None
    return [_RELEASED, *found, ""] if found else []


def _notes(rows: Sequence[Row]) -> str:
    failed = [row for row in rows if row.status in ("failed", "deadline", "absent")]
    notes = dict.fromkeys(
        f"- {code(row.label)} on {named(row.part)}: {said(row.note)}" for row in failed
    )
    return "\n".join(["## Failures", "", *notes, ""]) if notes else ""
