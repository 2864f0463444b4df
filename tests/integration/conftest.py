"""Fixtures of these tests."""

from facility_fixtures import *  # noqa: F403
