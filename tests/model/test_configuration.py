"""What an app is set to, as values: nothing is known until somebody has read it."""

from __future__ import annotations

from leakhunt.model.configuration import Configuration, Surroundings


def test_without_django_and_distributions_there_are_none() -> None:
    made = Configuration("proj", {}, None, None)
    assert (made.django, made.versions) == ({}, {})


def test_two_apps_share_no_mapping() -> None:
    one, other = (Configuration("proj", {}, None, None) for _ in range(2))
    assert one.django is not other.django
    assert Surroundings().environments is not Surroundings().environments
