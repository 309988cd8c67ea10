"""Who gets in where: the API's pages. Its operations have a table of their own (test_matrix)."""

from __future__ import annotations

from tests.access import public

ROWS = [
    public("api:reference"),
    public("api:openapi"),
    public("api:reference-group", args=lambda cast, owner: ("me",)),
]
