"""Messages reach a worker's folder whole, in the order in which they were sent."""

from __future__ import annotations

from pathlib import Path

from leakhunt.hook.celery.outbox import deliver


def test_messages_are_moved_and_nothing_else(tmp_path: Path) -> None:
    outbox, queue = tmp_path / "outbox", tmp_path / "queue"
    for folder in (outbox, queue):
        folder.mkdir()
    (queue / "0_a.shop.msg").write_text("earlier")
    for number in (2, 1):
        (outbox / f"{number}_b.shop.msg").write_text(str(number))
    deliver(outbox, queue)
    assert list(outbox.iterdir()) == []
    assert {path.name: path.read_text() for path in queue.iterdir()} == {
        "0_a.shop.msg": "earlier",
        "1_b.shop.msg": "1",
        "2_b.shop.msg": "2",
    }
    deliver(outbox, queue)
    assert len(list(queue.iterdir())) == 3
