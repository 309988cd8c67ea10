"""The product's Celery application with the commands of the tests: `celery -A tests.jobs.worker_app worker`."""

from __future__ import annotations

import django

django.setup()

from config.celery import app  # noqa: E402
from tests.jobs import commands  # noqa: E402, F401

__all__ = ["app"]
