"""Who gets at mail rules: their own, those of a domain, of a mailbox, of the server."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.models import Domain
from gateway.models import SieveScript
from gateway.services.mail_rules.scripts import Owner, create_script
from gateway.services.mail_rules.simple import set_rules
from gateway.sieve.simple import Act, Rule
from tests.access import Cast, Row, in_domain

SYSTEM = Actor.system()
SEE, CHANGE = Right.VIEW_POLICIES, Right.MANAGE_FILTERS
RULE: dict[str, Any] = {"name": "News", "priority": 5, "rows": "1,1", "a0_what": "discard"}
SCRIPT: dict[str, Any] = {"name": "A script", "text": "keep;"}
SETTINGS: dict[str, Any] = {"folders": "header", "most_redirects": 4}
AWAY: dict[str, Any] = {"days": 7, "inside": "", "outside": ""}
MESSAGE: dict[str, Any] = {"raw": "From: a@b.example\nSubject: x\n\nx"}


def _rule(owner: Owner) -> int:
    set_rules(SYSTEM, owner, [Rule("First", actions=(Act("keep"),))])
    return 1


def _script(owner: Owner) -> int:
    return create_script(SYSTEM, owner, name=f"Script {SieveScript.objects.count()}", text="keep;").pk


def _word(domain: Domain) -> str:
    return f"domain-{domain.pk}"


def place(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (_word(domain),)


def place_and_rule(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return _word(domain), _rule(domain)


def place_and_script(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return _word(domain), _script(domain)


def a_mailbox(cast: Cast, domain: Domain) -> tuple[object, ...]:
    from tests.domains.factories import make_mailbox_in

    return (f"user-{make_mailbox_in(domain).pk}",)


def of_server(cast: Cast, owner: User) -> tuple[object, ...]:
    return ("server",)


def for_all(route: str, answer: int = 200, *, args: Any = place, **more: Any) -> list[Any]:
    need = more.pop("need", ())
    return [in_domain(f"gateway:{route}", answer, see=SEE, need=need, args=args, **more)]


ROWS = [
    Row("gateway:own-mailrules", own=200, administrator=200),
    Row("gateway:own-away", own=200, administrator=200),
    Row("gateway:own-away", own=303, administrator=404, delegate=404, method="POST", data=AWAY),
    Row("gateway:server-mailrules", own=403, administrator=200),
    Row("gateway:mailrules-settings", own=403, administrator=200, foreign=403, args=of_server, variant="server"),
    *for_all("mailrules"),
    *for_all("mailrules", args=a_mailbox, variant="user"),
    *for_all("mailrules-try"),
    *for_all("mailrules-try", method="POST", data=MESSAGE),
    *for_all("mailrules-settings", need=CHANGE),
    *for_all("mailrules-settings", 303, need=CHANGE, method="POST", data=SETTINGS),
    *for_all("mailrule-create", need=CHANGE),
    *for_all("mailrule-create", 303, need=CHANGE, method="POST", data=RULE),
    *for_all("mailrule-edit", args=place_and_rule, need=CHANGE),
    *for_all("mailrule-edit", 303, args=place_and_rule, need=CHANGE, method="POST", data=RULE),
    *for_all("mailrule-delete", 303, args=place_and_rule, need=CHANGE, method="POST"),
    *for_all("mailscript-create", need=CHANGE),
    *for_all("mailscript-create", 303, need=CHANGE, method="POST", data=SCRIPT),
    *for_all("mailscript-edit", args=place_and_script),
    *for_all("mailscript-edit", 303, args=place_and_script, need=CHANGE, method="POST", data=SCRIPT),
    *for_all("mailscript-use", 303, args=place_and_script, need=CHANGE, method="POST"),
    *for_all("mailscript-delete", 303, args=place_and_script, need=CHANGE, method="POST"),
    *for_all("away", args=a_mailbox, need=CHANGE),
    *for_all("away", 303, args=a_mailbox, need=CHANGE, method="POST", data=AWAY),
]
