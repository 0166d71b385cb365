"""The demo's Celery app: one task leaks, the other one caches honestly.

``place_order`` keeps the receipt of every order for ever: RECEIPT bytes an order at the line
marked below. ``quote`` keeps the PRICES_KEPT newest prices and lets the older ones go.
Broker and results are files below the folder named by SHOP_FOLDER.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

from celery import Celery

FOLDER = Path(os.environ.get("SHOP_FOLDER") or Path.cwd())
RECEIPT = 12 * 1024
PRICES_KEPT = 200

app = Celery("shop", broker="filesystem://", backend=f"file://{FOLDER / 'results'}")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(FOLDER / "queue"),
        "data_folder_out": str(FOLDER / "queue"),
        "control_folder": str(FOLDER / "control"),
        "polling_interval": 0.02,
    },
    task_default_queue="shop",
    worker_prefetch_multiplier=16,
    broker_connection_retry_on_startup=True,
)

RECEIPTS: list[bytes] = []
PRICES: OrderedDict[int, bytes] = OrderedDict()


@app.task(name="shop.place_order")
def place_order(number: int) -> int:
    # The leak: nothing ever takes a receipt out again.
    RECEIPTS.append(f"order {number}: ".encode().ljust(RECEIPT))
    return number


@app.task(name="shop.quote")
def quote(number: int) -> int:
    PRICES[number] = f"price {number}: ".encode().ljust(1024)
    while len(PRICES) > PRICES_KEPT:
        PRICES.popitem(last=False)
    return number
