"""Fixtures of these tests."""

from pure_fixtures import *  # noqa: F403
