"""A Celery task as a target: in a real worker in this process, on a broker of files, or eagerly.

The worker is Celery's own, with its consumer, its serializers and its tracing of tasks, in a thread
(pool ``solo``): what Celery keeps for each message shows as it does in production. Nothing leaves the machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from celery import signals, states

from leakhunt.gate.orders import WORKER
from leakhunt.gate.target import Arguments, TargetError, last, told
from leakhunt.hook.celery import outbox

#: The queue that the messages go to, which nobody else's worker listens to.
QUEUE = "leakhunt-check"


def eagerly(task: Any) -> Callable[..., Any]:
    """Runs the task here, through Celery's tracing, without a message; what it raises is raised."""

    def run(*args: Any, **keywords: Any) -> None:
        task.apply(args, keywords, throw=True)

    return run


def _at_once(headers: Any = None, routing_key: Any = None, **_: Any) -> None:
    """What a run sends to its own queue, as ``retry`` does, is not waited for: the run is over when that is."""
    if routing_key == QUEUE and isinstance(headers, dict):
        headers["eta"] = None


class Worker:
    """A worker that runs until the process ends."""

    def __init__(self, task: Any, folder: Path, done: Callable[[], None]) -> None:
        """``folder``: for the messages; ``done`` is called after each run. Raises TargetError."""
        self.task = task
        self._done = done
        self._finished = threading.Condition()
        self._count = self._wanted = 0
        self._is_idle = False
        self._consumer: Any = None
        self._failure: tuple[BaseException | None, str] | None = None
        self._trouble: BaseException | None = None
        self._folder = folder / "broker"
        self._configure()
        ready = threading.Event()
        signals.before_task_publish.connect(_at_once, weak=False)
        signals.task_postrun.connect(self._ran, weak=False)
        signals.task_failure.connect(self._failed, weak=False)
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()
        self._raise()

    def batches(self, arguments: Iterator[Arguments]) -> Callable[[int], int]:
        """A function that sends so many messages and waits until they are done and the worker looks for the next; how many
        there were.
        """

        def run(runs: int) -> int:
            sent = 0
            before = self._count
            self._wanted, self._is_idle = before + runs, False
            written = {"data_folder_out": str(self._folder / "out")}
            with self.task.app.connection_for_write(transport_options=written) as connection:
                producer = self.task.app.amqp.Producer(connection)
                for _ in range(runs):
                    try:
                        args, keywords = next(arguments)
                    except StopIteration:
                        break
                    self.task.apply_async(args, keywords, producer=producer, queue=QUEUE)
                    outbox.deliver(self._folder / "out", self._folder / "in")
                    sent += 1
            if not sent:
                return 0
            if sent < runs:
                self._wanted = before + sent
                self._consumer.call_soon(self._rest)
            with self._finished:
                self._finished.wait_for(lambda: self._is_idle or self._failure or self._trouble)
            self._raise()
            self._forget()
            return sent

        return run

    def _forget(self) -> None:
        """What tasks have sent to queues that nobody listens to here: to list them all would take longer run by run."""
        for message in (self._folder / "in").iterdir():
            if not message.name.endswith(f".{QUEUE}.msg"):
                message.unlink(missing_ok=True)

    def _configure(self) -> None:
        folder = self._folder
        for name in ("in", "out", "control"):
            (folder / name).mkdir(parents=True, mode=0o700, exist_ok=True)
        where = str(folder / "in")
        conf = self.task.app.conf
        conf.update(
            broker_url="filesystem://",
            broker_read_url="filesystem://",
            broker_write_url="filesystem://",
            broker_transport_options={
                "data_folder_in": where,
                "data_folder_out": where,
                "control_folder": str(folder / "control"),
                "store_processed": False,
                "polling_interval": 0.005,
            },
            result_backend=None,
            task_always_eager=False,
            task_create_missing_queues=True,
            worker_hijack_root_logger=False,
            worker_enable_remote_control=False,
            worker_prefetch_multiplier=1,
        )
        self.task.app.set_current()
        self.task.app.set_default()  # as in a worker: threads of the program's own see this app

    def _serve(self, ready: threading.Event) -> None:
        try:
            app = self.task.app
            app.finalize()
            app.set_current()  # in this thread: else the tasks are run as copies of them that another app has
            worker = app.WorkController(
                app=app, pool="solo", concurrency=1, queues=[QUEUE], loglevel="CRITICAL",
                without_heartbeat=True, without_mingle=True, without_gossip=True, hostname="check@localhost",
                ready_callback=lambda consumer: self._begun(consumer, ready),
            )  # fmt: skip
            worker.start()
        except BaseException as error:  # noqa: BLE001 - told by whoever waits
            self._trouble = error
        finally:
            ready.set()
            with self._finished:
                self._trouble = self._trouble or RuntimeError("the worker has ended")
                self._finished.notify_all()

    def _begun(self, consumer: Any, ready: threading.Event) -> None:
        self._consumer = consumer
        ready.set()

    def _ran(self, sender: Any = None, state: Any = None, **_: Any) -> None:
        """A run that is tried again is not over."""
        if getattr(sender, "name", None) == self.task.name and state != states.RETRY:
            self._done()
            self._count += 1
            if self._count >= self._wanted:
                self._consumer.call_soon(self._rest)

    def _rest(self) -> None:
        """The worker has let go of the last message and looks for the next: nothing of the run is alive on its stack."""
        if self._count >= self._wanted:
            with self._finished:
                self._is_idle = True
                self._finished.notify_all()

    def _failed(
        self, sender: Any = None, exception: Any = None, einfo: Any = None, **_: Any
    ) -> None:
        if getattr(sender, "name", None) == self.task.name:
            shown = getattr(einfo, "traceback", None)
            with self._finished:
                self._failure = self._failure or (exception, str(shown or ""))
                self._finished.notify_all()

    def _raise(self) -> None:
        if self._failure is not None:
            error, shown = self._failure
            said = "something" if error is None else last(error)
            raise TargetError("target", f"it raised {said}", shown)
        if self._trouble is not None:
            raise TargetError(
                WORKER, f"the worker does not run: {last(self._trouble)}", told(self._trouble)
            )
