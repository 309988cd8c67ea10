"""The servers of the session really run."""

from __future__ import annotations

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_the_session_has_a_postgresql_18_of_its_own() -> None:
    with connection.cursor() as cursor:
        cursor.execute("show server_version_num")
        assert cursor.fetchone()[0].startswith("18")


@pytest.mark.usefixtures("servers_running")
def test_the_session_has_a_broker_of_its_own() -> None:
    client = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
    assert client.ping()
