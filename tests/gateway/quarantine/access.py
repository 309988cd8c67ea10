"""Who gets in where: quarantine and recent mail."""

from __future__ import annotations

from accounts.models import User
from accounts.permissions import Right
from archive.mail.reading import read_message
from domains.models import Domain, Mailbox
from gateway.models import Recipient, ReleaseRequest
from tests.access import Cast, Row, in_domain, somewhere
from tests.domains.factories import make_mailbox_in
from tests.factories import make_mailbox
from tests.gateway.factories import held_for, spam

FILES = [("offer.bin", b"nothing much")]


def held(box: Mailbox) -> Recipient:
    return held_for(box, raw=spam(files=FILES))


def an_item(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (held(make_mailbox_in(domain)).pk,)


def nobodys_item(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (held_for((domain, "kim")).pk,)


def own_item(cast: Cast, owner: User) -> tuple[object, ...]:
    return (held(Mailbox.objects.filter(user=owner).first() or make_mailbox(owner)).pk,)


def own_part(cast: Cast, owner: User) -> tuple[object, ...]:
    part = next(each for each in read_message(spam(files=FILES)).parts if each.name == "offer.bin")
    return (*own_item(cast, owner), part.index)


def a_request(cast: Cast, domain: Domain) -> tuple[object, ...]:
    row = held(make_mailbox_in(domain))
    return (ReleaseRequest.objects.create(recipient=row, why="It is a bill").pk,)


SEE, NEED = Right.TRACK_MAIL, Right.MANAGE_QUARANTINE
CLOSED = {"foreign": 404, "administrator_foreign": 404, "delegate_foreign": {403, 404}}
ROWS = [
    Row("gateway:own-list", own=200, administrator=200),
    Row("gateway:own-released", own=200, administrator=200),
    Row("gateway:own-recent", own=200, administrator=200),
    Row("gateway:own-bulk", own=404, administrator=404),
    Row("gateway:own-bulk", own=404, administrator=404, method="POST"),
    Row("gateway:own-item", own=200, administrator=200, args=own_item, **CLOSED),  # type: ignore[arg-type]
    Row("gateway:item-body", own=200, administrator=200, args=own_item, **CLOSED),  # type: ignore[arg-type]
    Row("gateway:item-eml", own=200, administrator=200, args=own_item, **CLOSED),  # type: ignore[arg-type]
    Row("gateway:item-part", own=200, administrator=200, args=own_part, **CLOSED),  # type: ignore[arg-type]
    somewhere("gateway:quarantine-list", need=NEED),
    somewhere("gateway:released-list", need=NEED),
    somewhere("gateway:recent-list", need=NEED),
    somewhere("gateway:request-list", need=NEED),
    Row("gateway:quarantine-bulk", own=404, administrator=404),
    Row("gateway:quarantine-bulk", own=404, administrator=404, method="POST"),
    in_domain("gateway:quarantine-item", see=SEE, need=NEED, args=an_item),
    in_domain(
        "gateway:item-open",
        303,
        method="POST",
        see=SEE,
        need=(NEED, Right.READ_OTHERS_MAIL),
        args=nobodys_item,
        data={"reason": "They wait for it"},
    ),
    in_domain("gateway:item-release", 303, method="POST", see=SEE, need=NEED, args=an_item),
    in_domain("gateway:item-delete", 303, method="POST", see=SEE, need=NEED, args=an_item),
    in_domain(
        "gateway:item-sender",
        303,
        method="POST",
        see=SEE,
        need=(NEED, Right.MANAGE_FILTERS),
        args=an_item,
        data={"mark": "block"},
    ),
    in_domain("gateway:item-report", 303, method="POST", see=SEE, need=NEED, args=an_item, data={"verdict": "clean"}),
    in_domain("gateway:item-request", 303, method="POST", see=SEE, need=NEED, args=an_item, data={"why": "Please"}),
    in_domain(
        "gateway:request-decide", 303, method="POST", see=SEE, need=NEED, args=a_request, data={"answer": "It is spam"}
    ),
]
