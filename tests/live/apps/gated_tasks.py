"""Celery tasks as targets."""

from celery import Celery

app = Celery("gated", broker="redis://nobody.invalid")
KEPT = []


@app.task
def keeps(number=0):
    KEPT.append(bytearray(1500))  # LEAK


@app.task
def adds(a=1, b=2):
    return a + b


@app.task
def fails():
    raise ValueError("no such order")


@app.task(bind=True)
def asks(self, eager):
    if self.request.called_directly or bool(self.request.is_eager) is not eager:
        raise RuntimeError(f"called in another way: {self.request!r}")


@app.task(bind=True, max_retries=1)
def retries(self):
    if self.app is not app:
        raise RuntimeError(f"run by {self.app!r}")
    if self.request.retries < 1:
        raise self.retry(countdown=300)


@app.task(bind=True)
def sends(self):
    adds.delay()
