"""The Celery application: a broker and no results; the task row in the database is the truth.

Not for tasks: they are `@shared_task` in the `tasks.py` of their app. Periodic ones register with config.kit.clock.
"""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("postkeep")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
