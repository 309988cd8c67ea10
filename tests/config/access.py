"""Who gets in where: health, overview, and what belongs to the shell around all pages."""

from __future__ import annotations

from tests.access import Row, for_administrators, public

ROWS = [
    public("config:healthz", {200, 503}),
    public("config:metrics"),
    for_administrators("config:health"),
    for_administrators("config:health-component", args=lambda cast, owner: ("Database",)),
    for_administrators("config:recovery-confirm", 303, method="POST"),
    Row("config:overview", own={200, 303}, administrator=200),
    for_administrators("config:styleguide"),
    for_administrators("config:styleguide", 303, method="POST"),
    for_administrators("config:styleguide-list"),
    for_administrators("config:styleguide-bulk", 404),
    for_administrators("config:styleguide-bulk", 404, method="POST"),
    for_administrators("config:styleguide-object"),
    for_administrators("config:styleguide-value"),
    for_administrators("config:styleguide-value", 303, method="POST", data={"value": "x"}),
    for_administrators("config:styleguide-value-reset", 303, method="POST"),
    public("config:preferences", 303, method="POST", data={"theme": "dark"}),
    Row("config:list-memory", own=303, administrator=303, method="POST", data={"list": "jobs.tasks", "do": "reset"}),
    Row("config:palette", own=200, administrator=200),
    Row("config:palette-objects", own=200, administrator=200),
    Row("config:switch", own=404, administrator=404, args=lambda cast, owner: ("nothing",)),
    Row("config:running", own=200, administrator=200),
]
