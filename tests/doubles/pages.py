"""The project's pages as sections, tables, code blocks and links, for tests of what they say."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    path: Path
    text: str

    @classmethod
    def read(cls, name):
        return cls(ROOT / name, (ROOT / name).read_text())

    @property
    def name(self):
        return self.path.relative_to(ROOT).as_posix()

    @property
    def prose(self):
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, language):
        return [text for found, text in _FENCE.findall(self.text) if found == language]

    def anchors(self):
        """What links may name after a `#`, by GitHub's rule: one for each heading."""
        found = {}
        anchors = set()
        for _, title in _HEADING.findall(self.prose):
            plain = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            anchors.add(f"{plain}-{found[plain]}" if plain in found else plain)
            found[plain] = found.get(plain, 0) + 1
        return anchors

    def links(self):
        """The targets of links and pictures that stay within the project."""
        targets = re.findall(r"\]\(([^)\s]+)\)", self.prose)
        targets += re.findall(r"<(?:img|a)\s[^>]*(?:src|href)=\"([^\"]+)\"", self.prose)
        return [target for target in targets if not re.match(r"\w+:", target)]

    def spans(self):
        """What stands between backticks in the prose."""
        return re.findall(r"`([^`\n]+)`", self.prose)

    def section(self, title, *, nested=True):
        """What is under a heading, up to the next of its level or above (or to any next one)."""
        found = re.search(rf"^(#+) {re.escape(title)}$(.*)", self.text, re.DOTALL | re.MULTILINE)
        assert found, f"{self.name} has no heading {title}"
        level = len(found[1]) if nested else 6
        return re.split(rf"^#{{1,{level}}} ", found[2], flags=re.MULTILINE)[0]


def tables(text):
    """Every table of a text: the first cell of a row, without backticks -> its cells by column."""
    found = []
    for lines in re.findall(r"(?:^\|.*\|$\n?){2,}", text, re.MULTILINE):
        head, _, *rows = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in lines.splitlines()
        ]
        assert all(len(row) == len(head) for row in rows), f"a table is ragged: {head}"
        assert len({row[0] for row in rows}) == len(rows), f"a row repeats: {head}"
        found.append({row[0].strip("`"): dict(zip(head, row, strict=True)) for row in rows})
    return found


PAGES = [
    Page.read(path.relative_to(ROOT).as_posix())
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
]
"""Every page of the project itself."""
