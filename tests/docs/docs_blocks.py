"""The blocks of code in the documentation, as they stand in its pages."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from paths import ROOT
from sybil import Document, Region
from sybil.parsers.abstract.lexers import BlockLexer
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.parsers.rest.lexers import END_PATTERN_TEMPLATE, DirectiveLexer

#: What a reader can copy from: the pages of the documentation, and those beside it.
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("**/*.rst")),
    *sorted((ROOT / "docs").glob("**/*.md")),
)

#: The names that a language has.
SHELL = ("sh", "shell", "bash", "console")

_DIRECTIVES = DirectiveLexer("code-block", r"\S*")
_FENCES = FencedCodeBlockLexer(r"\S*")
#: A paragraph that ends with two colons, and what is indented below it.
_PARAGRAPHS = BlockLexer(
    re.compile(r"^(?P<prefix>[ \t]*)(?!\.\. )(?=\S).*::\n", re.MULTILINE),
    END_PATTERN_TEMPLATE,
)


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
    document = Document(page.read_text(encoding="utf-8"), str(page))
    lexers = [_FENCES] if page.suffix == ".md" else [_DIRECTIVES, _PARAGRAPHS]
    regions = [region for lexer in lexers for region in lexer(document)]
    regions.sort(key=attrgetter("start"))
    return [_block(page, document, region) for region in regions]


def _block(page: Path, document: Document, region: Region) -> Block:
    parts = region.lexemes
    source = parts["source"].strip_leading_newlines()
    line, _ = document.line_column(region.start + source.offset).split(", ")
    is_paragraph = not {"arguments", "language"} & set(parts)
    language = parts.get("arguments") or parts.get("language") or "text"
    return Block(
        name_of(page),
        int(line.partition(" ")[2]),
        _language("sh" if is_paragraph else language),
        parts.get("options", {}).get("caption", ""),
        textwrap.dedent(source).strip("\n"),
    )


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
