"""The scanners of the gateway, and what the built-in scorer counts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.policy import signs
from gateway.judging.scoring.table import SIGNS
from gateway.models import Scanning
from gateway.services import scanner_trial, scanning

group = Group("Scanners", "Who looks at messages before they are judged, and what happens while nobody answers.")
Spam = Literal["none", "builtin", "rspamd"]
Virus = Literal["none", "clamd"]
Down = Annotated[Literal["deliver", "refuse"], Field(description="deliver: with a header that says so; refuse: 4xx.")]
Seconds = Annotated[int, Field(ge=1, le=120)]
Place = Annotated[str, Field(max_length=300)]


class ScannersAnswer(Answer):
    """The settings, without the password."""

    spam_scanner: Spam
    rspamd_url: str
    rspamd_learn_url: str
    has_rspamd_password: bool
    spam_timeout_s: int
    spam_when_down: Literal["deliver", "refuse"]
    virus_scanner: Virus
    clamd_address: str
    virus_timeout_s: int
    virus_when_down: Literal["deliver", "refuse"]
    authenticate: bool
    dns_timeout_s: int
    dns_when_down: Literal["deliver", "refuse"]
    verify_senders: bool
    authserv_id: str


class ScannersChange(Body):
    """What to set; fields left out stay."""

    spam_scanner: Spam = "builtin"
    rspamd_url: Annotated[str, Field(max_length=300, examples=["http://127.0.0.1:11333"])] = "http://127.0.0.1:11333"
    rspamd_learn_url: Place = ""
    rspamd_password: Annotated[str, Field(max_length=500, description="Never answered.")] = ""
    spam_timeout_s: Seconds = 10
    spam_when_down: Down = "deliver"
    virus_scanner: Virus = "none"
    clamd_address: Annotated[str, Field(max_length=300, examples=["127.0.0.1:3310"])] = "127.0.0.1:3310"
    virus_timeout_s: Seconds = 30
    virus_when_down: Down = "refuse"
    authenticate: bool = True
    dns_timeout_s: Seconds = 8
    dns_when_down: Down = "deliver"
    verify_senders: bool = False
    authserv_id: Annotated[str, Field(max_length=253)] = ""


class ScannerState(Answer):
    """How one answers now."""

    name: Literal["spam", "virus"]
    ok: bool
    text: str
    is_needed: Annotated[bool, Field(description="Without its answer no mail is taken.")]


class Trial(Answer):
    scanners: list[ScannerState]


class SignAnswer(Answer):
    """`kind`: what it belongs to; only signs of the scorer have points."""

    name: str
    kind: str
    text: str
    points: float | None


class Signs(Answer):
    signs: list[SignAnswer]


@group.get("/gateway/scanners", admit=subjects.server(Right.MANAGE_GATEWAY))
def scanners_detail(actor: Actor, server: subjects.Server) -> ScannersAnswer:
    """Read who looks at messages."""
    row: Scanning = scanning.get_scanning(actor)
    names = [name for name in ScannersAnswer.model_fields if name != "has_rspamd_password"]
    return ScannersAnswer(has_rspamd_password=bool(row.rspamd_password), **{name: getattr(row, name) for name in names})


@group.patch("/gateway/scanners", admit=subjects.server(Right.MANAGE_GATEWAY))
def scanners_change(actor: Actor, server: subjects.Server, body: ScannersChange) -> None:
    """Set who looks at messages. A password is kept only for the addresses it was given for."""
    scanning.update_scanning(actor, body.changes())


@group.post("/gateway/scanners/test", admit=subjects.server(Right.MANAGE_GATEWAY), status=200)
def scanners_test(actor: Actor, server: subjects.Server) -> Trial:
    """Ask the scanners now whether they answer."""
    states = scanner_trial.try_scanners(actor)
    return Trial(
        scanners=[
            ScannerState.model_validate(
                {"name": each.name, "ok": each.ok, "text": each.text, "is_needed": each.is_needed}
            )
            for each in states
        ]
    )


@group.get("/gateway/signs", admit=subjects.server(Right.MANAGE_GATEWAY))
def gateway_sign_list(actor: Actor, server: subjects.Server) -> Signs:
    """Read what the built-in scorer counts, and what makes headers or encodings broken, or advertising."""
    found = [
        SignAnswer(name=name, kind=sign.group.value, text=sign.text, points=sign.points) for name, sign in SIGNS.items()
    ]
    tables = {"bad_headers": signs.BAD_HEADERS, "bad_encoding": signs.BAD_ENCODING, "advert": signs.ADVERT_SIGNS}
    for kind, table in tables.items():
        found += [SignAnswer(name=name, kind=kind, text=text, points=None) for name, text in table.items()]
    return Signs(signs=found)
