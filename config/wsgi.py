"""The WSGI application that granian serves, and how its process collects garbage and shares its time."""

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 - imports every view now, not in the first request

# What is there for ever is never looked through again: a full collection over it held up a request for 150 to 300 ms.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 10, 10)
# So long a thread that comes back from the database waits for one that computes; Python's own 5 ms are a whole request.
sys.setswitchinterval(0.001)
