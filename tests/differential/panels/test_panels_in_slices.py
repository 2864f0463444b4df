"""The same as in ``test_panels``, with forms whose rows are made in slices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.panels.pair import Pair
from tests.differential.panels.test_panels import (
    form,
    pytestmark,
    test_a_configuration_is_changed_and_seen_again,
    test_a_form_is_saved_and_loaded,
    test_a_panel_of_a_device,
    test_a_taurus_gui_is_saved_and_loaded,
    test_an_attribute_is_dropped_onto_the_form_that_has_it,
    test_labels_and_formatter_of_one_and_of_all,
    test_nothing_was_complained_of,
    test_one_row_and_all_are_compact,
    test_rows_of_a_device_that_comes,
    test_the_contents_are_modified,
    test_the_context_menu_of_each_row,
    test_the_rows_of_a_form,
    test_what_is_typed_is_pending_until_it_is_applied,
    window,
)

__all__ = [
    "form",
    "pytestmark",
    "test_a_configuration_is_changed_and_seen_again",
    "test_a_form_is_saved_and_loaded",
    "test_a_panel_of_a_device",
    "test_a_taurus_gui_is_saved_and_loaded",
    "test_an_attribute_is_dropped_onto_the_form_that_has_it",
    "test_labels_and_formatter_of_one_and_of_all",
    "test_nothing_was_complained_of",
    "test_one_row_and_all_are_compact",
    "test_rows_of_a_device_that_comes",
    "test_the_contents_are_modified",
    "test_the_context_menu_of_each_row",
    "test_the_rows_of_a_form",
    "test_what_is_typed_is_pending_until_it_is_applied",
    "window",
]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Both programs, with devices that are well."""
    running = Pair("panels")
    running.ask("rows_in_slices")
    yield running
    running.close()
