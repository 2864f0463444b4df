"""What the documentation points to is there.

Of pages that Sphinx builds, ``make docs`` holds ``:doc:``, ``:ref:`` and ``toctree``: a
target that is not there is a warning, and so an error. Links to other hosts are looked
at by ``make docs-links``, which needs a network.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs_blocks import PAGES, name_of
from paths import ROOT

from benchmarks import report

MARKDOWN = [
    *(page for page in PAGES if page.suffix == ".md"),
    ROOT / "CHANGELOG.md",
    ROOT / "conf" / "facilities" / "README.md",
]
README = (ROOT / "README.md").read_text(encoding="utf-8")

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_RULED = re.compile(r"^(\S.*)\n([=~^\"'-])\2{2,}$", re.MULTILINE)
_HASHED = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def links(page: Path) -> list[str]:
    """Return where the links of a page of Markdown lead that stay in the repository."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    return [link for link in _LINK.findall(text) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """Return the anchors that the titles of a page have."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        titles = _HASHED.findall(_CODE.sub("", text))
    else:
        titles = [title for title, _ in _RULED.findall(text)]
    words = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in words}


@pytest.mark.parametrize(
    ("page", "link"),
    [(page, link) for page in MARKDOWN for link in links(page)],
    ids=lambda value: value if isinstance(value, str) else name_of(value),
)
def test_a_link_leads_somewhere(page: Path, link: str):
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.exists()
    assert target.is_relative_to(ROOT)
    assert not anchor or anchor in anchors(target)


@pytest.mark.parametrize(
    "page",
    [
        name_of(page)
        for page in PAGES
        if page.is_relative_to(ROOT / "docs")
        and page.parent.name != "decisions"
        and page.stem != "index"
    ],
)
def test_an_index_leads_to_each_page(page: str):
    name = page.removeprefix("docs/").rpartition(".")[0]
    folder, _, stem = name.rpartition("/")
    places = [(ROOT / "docs" / "index.rst", name)]
    places.append((ROOT / "docs" / folder / "index.rst", stem))
    there = [
        (index.read_text("utf-8"), what) for index, what in places if index.exists()
    ]
    assert any(f"`{what}`" in text or f"<{what}>" in text for text, what in there)


def test_the_readme_leads_to_the_index():
    assert "docs/index.rst" in links(ROOT / "README.md")


@pytest.mark.parametrize("guide", sorted((ROOT / "docs" / "how-to").glob("*.rst")))
def test_each_guide_answers_a_question(guide: Path):
    index = (ROOT / "docs" / "how-to" / "index.rst").read_text(encoding="utf-8")
    questions = re.findall(r"^\* .*?:doc:`[\w-]+`$", index, re.DOTALL | re.MULTILINE)
    assert guide.stem == "index" or any(f"`{guide.stem}`" in one for one in questions)


def test_what_is_said_of_make_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    said = {name for text in texts for name in re.findall(r"`make ([a-z-]+)", text)}
    assert "docs" in said
    assert said <= targets


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "_static").glob("*.png")))
def test_a_picture_is_shown_and_can_be_taken_anew(picture: Path):
    shown = [
        page for page in PAGES if f"_static/{picture.name}" in page.read_text("utf-8")
    ]
    assert shown
    program = (ROOT / "tools" / "pictures.py").read_text(encoding="utf-8")
    assert f'"{picture.stem}"' in program or f'"{picture.name}"' in program
    assert picture.stat().st_size < 150_000


def test_the_readme_shows_the_last_benchmark():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert report.with_summary(README, page) == README
    assert "| stock, s |" in README
    later = page.replace("1000 attributes on 40", "2000 attributes on 80")
    assert "2000 attributes on 80" in report.with_summary(README, later)
