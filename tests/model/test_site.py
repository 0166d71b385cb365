"""What a site was before, and is after."""

from __future__ import annotations

from leakhunt.model.site import Change, Site
from leakhunt.model.snapshot import Tally
from tests.support.builders import stack


def test_a_change_is_what_came_and_may_be_below_nothing() -> None:
    place = stack("/srv/shop/tasks.py:40")
    site = Site("/srv/shop/tasks.py", 40)
    assert Change(site, place, Tally(10, 1), Tally(4, 3)).diff == Tally(-6, 2)
    assert (site.package, site.name) == (None, None)
