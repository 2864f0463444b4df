"""What the documentation tells people to type does what it says.

Every shell block is run, and every block of Python; every settings file is read; what
is shown as output is compared. ``docs_tables.py`` has what is left out, and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from docs_blocks import PAGES, Block, blocks, commands, name_of
from docs_reader import WAYS, Reader
from docs_tables import IN_PLACE_OF, NO_OUTPUT, NOT_RUN, STATUS

BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMANDS = [c.line for b in BLOCKS if b.language == "sh" for c in commands(b)]
FIRST_LINES = [" ".join(block.text.splitlines()[0].split()) for block in BLOCKS]


#: How many pages are followed at once: they mostly wait.
READERS = 2


@pytest.fixture(scope="module")
def followed(
    request, documented, tmp_path_factory
) -> Iterator[dict[Path, Future[None]]]:
    """What becomes of each page that is to be tested."""
    name = test_a_page_does_what_it_says.__name__
    items = [i for i in request.session.items if i.originalname == name]
    pages = [item.callspec.params["page"] for item in items]
    with ThreadPoolExecutor(READERS, "reader") as pool:
        yield {
            page: pool.submit(
                Reader(tmp_path_factory.mktemp("page"), documented).follow, page
            )
            for page in pages
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=name_of)
def test_a_page_does_what_it_says(page: Path, followed):
    followed[page].result()


def test_the_blocks_are_found():
    assert "taurus tpo check" in COMMANDS
    assert {block.language for block in BLOCKS} == set(WAYS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_no_block_in_other_words(page: Path):
    text = page.read_text(encoding="utf-8")
    others = r"^ *(\.\. (code|sourcecode|parsed-literal|highlight)::|~~~|>>> )"
    assert not re.findall(others, text, re.MULTILINE)


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "python" and block.caption],
    ids=lambda block: block.caption,
)
def test_a_file_of_python_is_used(block: Block):
    module = Path(block.caption).stem
    page = (other for other in BLOCKS if other.page == block.page)
    assert any(module in other.text for other in page if other is not block)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_of_a_known_language(block: Block):
    assert block.language in WAYS
    assert block.text.strip()


@pytest.mark.parametrize("table", [NOT_RUN, IN_PLACE_OF, STATUS])
def test_what_is_said_of_a_command_is_of_one_that_is_there(table):
    assert set(table) <= set(COMMANDS)


def test_what_is_no_output_is_there_still():
    assert set(NO_OUTPUT) <= set(FIRST_LINES)
