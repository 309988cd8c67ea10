"""Who gets in where: signatures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef
from domains.models import Customer, Domain, Mailbox
from gateway.models import OwnSignature, SignaturePicture, SignatureRule, SignatureTemplate
from gateway.services import signature_pictures, signature_rules, signatures
from tests.access import Cast, Row, in_domain, of_customer, somewhere
from tests.domains.factories import make_mailbox_in
from tests.factories import make_mailbox
from tests.gateway.signatures.test_services import picture

SYSTEM = Actor.system()

_numbers = count(1)


def own_box(owner: User) -> Mailbox:
    return Mailbox.objects.filter(user=owner).first() or make_mailbox(owner)


def own_signature(box: Mailbox) -> OwnSignature:
    return signatures.create_own(SYSTEM, box, {"name": "Mine", "html": "<b>Ada</b>"})


def an_own(cast: Cast, owner: User) -> tuple[object, ...]:
    return (own_signature(own_box(owner)).pk,)


def an_own_box(cast: Cast, owner: User) -> tuple[object, ...]:
    return (own_box(owner).pk,)


def own_picture(cast: Cast, owner: User) -> tuple[object, ...]:
    return (signature_pictures.add_picture(SYSTEM, own_box(owner), name="a.png", raw=picture()).pk,)


def place_of(domain: Domain) -> ScopeRef:
    return ScopeRef(Level.DOMAIN, domain.pk)


def template_in(domain: Domain) -> SignatureTemplate:
    return signature_rules.create_template(
        SYSTEM, place_of(domain), {"name": f"House {next(_numbers)}", "html": "{{name}}"}
    )


def rule_in(domain: Domain) -> SignatureRule:
    return signature_rules.create_rule(SYSTEM, place_of(domain), {"name": "All"})


def picture_in(domain: Domain) -> SignaturePicture:
    return signature_pictures.add_picture(SYSTEM, place_of(domain), name="a.png", raw=picture())


def one(make: Callable[[Domain], Any]) -> Callable[[Cast, Domain], tuple[object, ...]]:
    return lambda cast, domain: (make(domain).pk,)


def a_box(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (make_mailbox_in(domain).pk,)


def a_place(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return ("domain", domain.pk)


def a_customer(cast: Cast, customer: Customer) -> tuple[object, ...]:
    return ("customer", customer.pk)


NEED, USERS, SEE = Right.MANAGE_SIGNATURES, Right.MANAGE_USERS, Right.VIEW_USERS
CLOSED: dict[str, Any] = {"foreign": 404, "administrator_foreign": 200, "delegate_foreign": {200, 403, 404}}
POSTED: dict[str, Any] = CLOSED | {"administrator_foreign": 303, "delegate_foreign": {303, 403, 404}}
FORM = {"name": "New", "html": "<b>Ada</b>"}
TEMPLATE = {"name": "New", "kind": "signature", "html": "{{name}}"}
RULE = {"name": "New", "side": "any", "occasion": "any", "is_enabled": "on"}


def of_box(route: str, answer: int = 200, **more: Any) -> Any:
    values: dict[str, Any] = {"see": SEE, "args": a_box} | more
    return in_domain(route, answer, **values)


def of_place(route: str, answer: int = 200, **more: Any) -> Any:
    values: dict[str, Any] = {"see": Right.VIEW_DOMAINS, "need": NEED, "args": a_place} | more
    return in_domain(route, answer, **values)


def kept_in(route: str, make: Callable[[Domain], Any], answer: int = 200, **more: Any) -> Any:
    values: dict[str, Any] = {"see": NEED, "need": NEED, "args": one(make)} | more
    return in_domain(route, answer, **values)


ROWS = [
    Row("gateway:my-signatures", own=200, administrator=200),
    Row("gateway:my-signature-create", own=200, administrator=404, delegate=404),
    Row("gateway:my-signature-create", own=303, administrator=404, delegate=404, method="POST", data=FORM),
    Row("gateway:signature-canvas", own=200, administrator=200),
    Row("gateway:my-signature-preview", own=200, administrator=200, method="POST", data=FORM),
    Row("gateway:my-signature-edit", own=200, administrator=200, args=an_own, **CLOSED),
    Row("gateway:my-signature-edit", own=303, administrator=303, method="POST", data=FORM, args=an_own, **POSTED),
    Row("gateway:my-signature-delete", own=303, administrator=303, method="POST", args=an_own, **POSTED),
    Row("gateway:signature-picture", own=200, administrator=200, args=own_picture, **CLOSED),
    Row("gateway:signature-picture-delete", own=303, administrator=303, method="POST", args=own_picture, **POSTED),
    Row("gateway:my-picture-add", own=303, administrator=303, method="POST", args=an_own_box, **POSTED),
    Row("gateway:signature-effective", own=200, administrator=200, args=an_own_box, **CLOSED),
    of_box("gateway:user-signatures"),
    of_box("gateway:user-signature-create", need=USERS),
    of_box("gateway:user-signature-create", 303, method="POST", need=USERS, data=FORM),
    somewhere("gateway:signature-template-list", need=NEED),
    somewhere("gateway:signature-trial", need=NEED),
    somewhere("gateway:signature-trial-frame", need=NEED),
    somewhere("gateway:signature-people", need=NEED),
    somewhere("gateway:signature-template-preview", need=NEED, method="POST", data=TEMPLATE),
    kept_in("gateway:signature-template-edit", template_in),
    kept_in("gateway:signature-template-edit", template_in, 303, method="POST", data=TEMPLATE),
    kept_in("gateway:signature-template-delete", template_in, 303, method="POST"),
    kept_in("gateway:signature-rule-edit", rule_in),
    kept_in("gateway:signature-rule-edit", rule_in, 303, method="POST", data=RULE),
    kept_in("gateway:signature-rule-delete", rule_in, 303, method="POST"),
    of_place("gateway:signature-place"),
    of_customer(
        "gateway:signature-place", see=Right.VIEW_CUSTOMERS, need=NEED, args=a_customer, variant="of a customer"
    ),
    of_place("gateway:signature-worth", 303, method="POST", data={"own": "never"}),
    of_place("gateway:signature-place-picture", 303, method="POST"),
    of_place("gateway:signature-template-create"),
    of_place("gateway:signature-template-create", 303, method="POST", data=TEMPLATE),
    of_place("gateway:signature-rule-create"),
    of_place("gateway:signature-rule-create", 303, method="POST", data=RULE),
]
