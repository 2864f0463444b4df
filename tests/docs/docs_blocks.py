"""The blocks of code in the documentation, as they stand in its pages."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paths import ROOT

#: What a reader can copy from: the pages of the documentation, and those beside it.
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("**/*.rst")),
    *sorted((ROOT / "docs").glob("**/*.md")),
)

#: The names that a language has.
SHELL = ("sh", "shell", "bash", "console")

_DIRECTIVE = re.compile(r"^( *)\.\. code-block::(?: +(\S+))?$")
_CAPTION = re.compile(r"^ *:caption: +(.+)$")
_OPTION = re.compile(r"^ *:[a-z-]+:")
_FENCE = re.compile(r"^```(\S*)$")


@dataclass(frozen=True)
class Block:
    """A block of code.

    :param page: its path in the repository.
    :param line: of the page, from 1, at which the text begins.
    :param language: ``sh`` for all of :data:`SHELL`, and where a page does not say.
    :param caption: the file that it is, or "".
    """

    page: str
    line: int
    language: str
    caption: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command of a shell block.

    :param line: what is typed, the lines of a long one joined, without a comment.
    :param output: what the page shows of its output; None if it shows none.
    """

    line: str
    output: str | None


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    find = _of_markdown if page.suffix == ".md" else _of_sphinx
    return [Block(name_of(page), *found) for found in find(lines)]


def _of_markdown(lines: list[str]) -> Iterator[tuple[int, str, str, str]]:
    begin, language = None, ""
    for index, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence and begin is None:
            begin, language = index + 1, fence.group(1)
        elif fence:
            text = "\n".join(lines[begin:index])
            yield (begin or 0) + 1, _language(language or "text"), "", text
            begin = None


def _of_sphinx(lines: list[str]) -> Iterator[tuple[int, str, str, str]]:
    for index, line in enumerate(lines):
        directive = _DIRECTIVE.match(line)
        paragraph = line.endswith("::") and not line.lstrip().startswith("..")
        if not directive and not paragraph:
            continue
        indent = len(line) - len(line.lstrip())
        first, caption = index + 1, ""
        while directive and first < len(lines) and _OPTION.match(lines[first]):
            given = _CAPTION.match(lines[first])
            caption = given.group(1) if given else caption
            first += 1
        last = _end(lines, first, indent)
        while first < last and not lines[first].strip():
            first += 1
        text = textwrap.dedent("\n".join(lines[first:last])).strip("\n")
        language = (directive.group(2) or "text") if directive else "sh"
        yield first + 1, _language(language), caption, text


def _end(lines: list[str], first: int, indent: int) -> int:
    """Return where the lines end that are indented more than ``indent``."""
    for index in range(first, len(lines)):
        line = lines[index]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            return index
    return len(lines)


def _language(name: str) -> str:
    return "sh" if name in SHELL else name


def commands(block: Block) -> list[Command]:
    """Return the commands of a shell block.

    Where lines begin with ``$``, these are the commands, and the others what each says.
    Otherwise each line is a command.
    """
    lines = block.text.replace("\\\n", " ").splitlines()
    if not any(line.startswith("$ ") for line in lines):
        return [Command(_bare(line), None) for line in lines if _bare(line)]
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            found.append((_bare(line[2:]), []))
        elif found:
            found[-1][1].append(line)
    return [Command(line, "\n".join(said).strip("\n")) for line, said in found]


def _bare(line: str) -> str:
    """Return a command without the comment behind it, and single spaces in between."""
    return " ".join(re.sub(r"(^|\s)# .*$", "", line).split())
