"""A Celery app whose task is a target of ``released``: what a worker runs of a release."""

import released
import shop

app = shop.app


@app.task(name="upgraded.use")
def use(library):
    getattr(released, library)()
