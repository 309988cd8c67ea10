"""Who gets in where: the API's pages. Its operations have a table of their own (test_matrix)."""

from __future__ import annotations

from tests.access import for_administrators, public

ROWS = [
    public("api:reference"),
    public("api:openapi"),
    public("api:reference-group", args=lambda cast, owner: ("me",)),
    for_administrators("dialects:dialect-list"),
    for_administrators("dialects:dialect-detail", args=lambda cast, owner: ("james",)),
    for_administrators(
        "dialects:dialect-detail", 422, method="POST", args=lambda cast, owner: ("james",), data={"clients": "nowhere"}
    ),
    for_administrators(
        "dialects:dialect-check", method="POST", args=lambda cast, owner: ("james",), data={"text": "GET /domains"}
    ),
]
