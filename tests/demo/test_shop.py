"""The demo's tasks do what its sentences say: one keeps every receipt, the other the newest prices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leakhunt.demo import shop


@pytest.fixture(autouse=True)
def _emptied() -> Iterator[None]:
    yield
    shop.RECEIPTS.clear()
    shop.PRICES.clear()


def test_every_order_keeps_a_receipt() -> None:
    for number in range(3):
        assert shop.place_order(number) == number
    assert [len(receipt) for receipt in shop.RECEIPTS] == [shop.RECEIPT] * 3


def test_only_the_newest_prices_are_kept() -> None:
    for number in range(shop.PRICES_KEPT + 50):
        shop.quote(number)
    assert list(shop.PRICES) == list(range(50, shop.PRICES_KEPT + 50))


def test_the_broker_is_a_folder() -> None:
    assert shop.app.conf.broker_url == "filesystem://"
    assert shop.app.conf.task_default_queue == "shop"
