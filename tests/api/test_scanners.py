"""The scanners of the gateway by API v1."""

from __future__ import annotations

import pytest

from gateway.services import scanning
from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db


def test_a_program_sets_who_looks_at_messages_and_asks_them() -> None:
    cast = world.build()
    scanning.forget_kept()
    before = cast.administrator.get("/gateway/scanners").json()
    assert (before["spamScanner"], before["virusScanner"], before["hasRspamdPassword"]) == ("builtin", "none", False)
    change = {"virusScanner": "clamd", "clamdAddress": "127.0.0.1:1", "rspamdPassword": "s3cret"}
    assert cast.administrator.patch("/gateway/scanners", change).status_code == 204
    after = cast.administrator.get("/gateway/scanners").json()
    assert after == before | {"virusScanner": "clamd", "clamdAddress": "127.0.0.1:1", "hasRspamdPassword": True}
    problem = is_problem(cast.administrator.patch("/gateway/scanners", {"clamdAddress": "/etc/passwd"}), 422)
    assert "clamdAddress" in str(problem)
    spam, virus = cast.administrator.post("/gateway/scanners/test", {}).json()["scanners"]
    assert (spam["ok"], virus["ok"], virus["isNeeded"]) == (True, False, True)
    signs = {sign["name"]: sign for sign in cast.administrator.get("/gateway/signs").json()["signs"]}
    assert signs["link-number"]["points"] > 0
    assert signs["missing-date"]["points"] is None
