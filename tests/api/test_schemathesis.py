"""schemathesis calls every operation with data that fits the document and data that doesn't, in this process.

As an administrator and as a domain administrator, with a seed, and for about a minute each: no 500, answers as the
document says, wrong data refused, 401 without a token.
`POSTKEEP_SCHEMATHESIS=500` tries that many for each operation instead of a few.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
import schemathesis.openapi
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from api.v1.routes import door
from tests.api import world
from tests.archive.django.conftest import stores

__all__ = ["stores"]  # what a test made on disk goes with its rows

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("POSTKEEP_SCHEMATHESIS") or 6)
SECONDS = 25.0 if not os.environ.get("POSTKEEP_SCHEMATHESIS") else 3_600.0
SEED = 20_261_129
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


@pytest.fixture(scope="module")
def schema() -> Any:
    return schemathesis.openapi.from_dict(door.openapi)


@pytest.fixture(autouse=True)
def one_connection(settings: Any) -> Iterator[None]:
    """Requests stay within the test's transaction, no limit is reached, and wrong calls aren't logged one by one."""
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    logging.getLogger("django.request").setLevel(logging.NOTSET)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def operations(schema: Any) -> list[Any]:
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("who", ["administrator", "delegate"])
def test_every_operation_keeps_to_its_document(schema: Any, who: str) -> None:
    """Right and wrong data on objects that exist, and right data on any."""
    cast = world.build()
    own = {"userId": cast.own.person.pk, "domainId": cast.own.domain.pk, "customerId": cast.own.customer.pk}
    token = {"Authorization": f"Bearer {getattr(cast, who).token}"}
    began = time.monotonic()
    for operation in operations(schema):
        count = EXAMPLES if time.monotonic() - began < SECONDS else 1  # on a busy machine every operation still has one
        there = {name: value for name, value in own.items() if f"{{{name}}}" in operation.path}
        how: dict[str, Any] = {"headers": token, "path_parameters": there}
        try_out(operation, call, count, generation_mode=GenerationMode.POSITIVE, **how)
        if len(operation.body) or len(operation.query):
            try_out(operation, call, count, generation_mode=GenerationMode.NEGATIVE, **how)
        if there:
            try_out(operation, call, 2, generation_mode=GenerationMode.POSITIVE, headers=token)


def test_without_a_token_every_operation_is_401(schema: Any) -> None:
    def anonymous(case: Any) -> None:
        case.headers.pop("Authorization", None)
        assert case.call(app=WSGIHandler()).status_code in (401, 404), case.as_curl_command()

    for operation in operations(schema):
        try_out(operation, anonymous, 2, generation_mode=GenerationMode.POSITIVE)


def try_out(operation: Any, call: Callable[[Any], None], count: int, **how: Any) -> None:
    @seed(SEED)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(**how))
    def one(case: Any) -> None:
        call(case)

    one()


def call(case: Any) -> None:
    case.validate_response(case.call(app=WSGIHandler()), checks=CHECKS)
