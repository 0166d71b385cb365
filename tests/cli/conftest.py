"""Fixtures of the console's tests."""

from tests.support.console import pair

__all__ = ["pair"]
