"""Who gets in where: the API's pages. Its operations have a table of their own (test_matrix)."""

from __future__ import annotations

from tests.access import Row, public

ROWS = [
    public("api:reference"),
    public("api:openapi"),
    public("api:reference-group", args=lambda cast, owner: ("me",)),
    Row("api:nothing-here", anonymous=404, own=404, administrator=404, args=lambda cast, owner: ("nothing",)),
]
