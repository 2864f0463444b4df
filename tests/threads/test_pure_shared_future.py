"""Several wait for one thing; each has a future of its own."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from taurus_tpo.concurrency.shared_future import own


@pytest.fixture
def shared() -> Future[Any]:
    return Future()


def test_each_gets_the_result(shared: Future[Any]) -> None:
    one, other = own(shared), own(shared)
    shared.set_result(1)
    assert (one.result(0), other.result(0), own(shared).result(0)) == (1, 1, 1)


def test_each_gets_the_failure(shared: Future[Any]) -> None:
    one = own(shared)
    shared.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        one.result(0)


def test_whoever_cancels_ends_it_for_nobody_else(shared: Future[Any]) -> None:
    one, other = own(shared), own(shared)
    assert one.cancel()
    assert not shared.cancelled()
    shared.set_result(1)
    assert other.result(0) == 1
    assert one.cancelled()


def test_what_is_cancelled_is_so_for_all(shared: Future[Any]) -> None:
    one = own(shared)
    shared.cancel()
    assert one.cancelled()
