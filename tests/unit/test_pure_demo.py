"""What the demo decides before it has a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.cli.demo import by_turns


def test_one_device_of_each_family_comes_after_the_other() -> None:
    models = ["a/x/1/p", "a/x/1/q", "a/x/2/p", "a/y/1/p"]
    assert by_turns(models) == ["a/x/1/p", "a/x/1/q", "a/y/1/p", "a/x/2/p"]


parts = st.sampled_from("abc")
names = st.builds("{}/{}/{}/{}".format, parts, parts, parts, parts)


@given(st.lists(names, unique=True))
def test_nothing_is_lost_or_doubled(models: list[str]) -> None:
    assert sorted(by_turns(models)) == sorted(models)
