"""The web's pool asks a connection whether it lives, but not with every request."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from config import pooled


@pytest.fixture
def pool(db: None) -> Iterator[ConnectionPool[pooled.PooledConnection]]:
    parameters = connection.get_connection_params() | {"autocommit": True}
    for ours in ("cursor_factory", "prepare_threshold", "context"):
        parameters.pop(ours, None)
    check = ConnectionPool.check_connection
    with ConnectionPool(
        kwargs=parameters, connection_class=pooled.PooledConnection, check=check, min_size=1, max_size=1
    ) as pool:
        yield pool


def end(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_connection_that_died_while_it_rested_is_replaced_before_a_request_gets_it(
    pool: ConnectionPool[pooled.PooledConnection],
) -> None:
    with pool.connection() as held:
        first = held.info.backend_pid
        held._asked_at -= 2 * pooled.TRUSTED_S
    end(first)
    with pool.connection() as held:
        assert held.execute("SELECT 1").fetchone() == (1,)
        assert held.info.backend_pid != first


def test_within_a_second_it_is_not_asked_again_and_a_broken_one_costs_one_request(
    pool: ConnectionPool[pooled.PooledConnection],
) -> None:
    with pool.connection() as held:
        first = held.info.backend_pid
    end(first)
    with pytest.raises(psycopg.OperationalError), pool.connection() as held:
        assert held.info.backend_pid == first
        held.execute("SELECT 1")
    with pool.connection() as held:
        assert held.info.backend_pid != first
