"""tracemalloc leak forensics for Celery workers and other long-lived processes."""
