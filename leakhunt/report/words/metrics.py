"""What each metric of ``leakhunt watch --prometheus`` is."""

from __future__ import annotations

#: By the metric's name.
HELP = {
    "celery_worker_memory_bytes": "Memory of a process, as the kernel counts it.",
    "celery_worker_memory_growth_bytes_per_second": "Growth of RSS while it was watched, with a 95 % interval.",
    "celery_worker_memory_growth_bytes_per_task": "Growth of RSS per finished task, with a 95 % interval; with the hook.",
    "celery_worker_memory_limit_bytes": "RSS that the process must not reach, where there is a limit.",
    "celery_worker_memory_limit_seconds": "Time until the limit at the present growth; only where growth is sure.",
    "celery_worker_open_files": "Open descriptors of a process.",
    "celery_worker_weighed_timestamp_seconds": "When USS, PSS, swap and open files of a process were read, which is done in turn.",
    "celery_worker_level": "Whether RSS is near the limit: fine, warning or critical.",
    "celery_worker_tasks": "Tasks that a process has finished; with the hook.",
    "celery_worker_restarts": "Processes of a node that were replaced while it was watched.",
    "celery_worker_process": "What a process is: to join on node and pid.",
    "celery_worker_processes": "Processes by role.",
    "leakhunt_watch_left_out": "Processes without series, because there are too many.",
    "leakhunt_watch_last_look_timestamp_seconds": "When the processes were looked at.",
    "celery_worker_verdict": "The newest verdict on a process's snapshots.",
}
