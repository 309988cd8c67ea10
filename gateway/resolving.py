"""From an address as it was written to the final recipients: aliases, groups, forwards, lists, catch-alls followed.

    resolve("team@example.org", "bob@elsewhere.example") -> Resolved(routes, refusal)
    sender_of(client, "ada@example.org")                 -> who may send so, and whose policy counts; None: nobody

What the directory says is remembered while it stays the same (`gateway.directory`). Not for content or policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.utils import timezone

from accounts.addresses import MailAddress, parse_address
from accounts.errors import BadAddress
from domains.expansion import Expansion, Outcome, Step, expand
from domains.models import Address, Domain, DomainName, Mailbox, MailingList, Relay, Status
from domains.policy.facts import Direction
from domains.selectors.identities import Identity, identity_of
from gateway.directory import Remembered, before_reading, changes
from gateway.flow import Answer, Client, Route, Ways
from gateway.ip_table import CLIENT
from gateway.lists.addresses import parts_of
from gateway.lists.deciding import Verdict, decide
from gateway.reception_rows import ip_table, routed, transport_of

REMEMBERED = 20_000
LARGEST_REMEMBERED = 200  # routes; a large group is read again each time


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where an address leads. Without routes `refusal` is what to answer; `is_ours`: we serve its domain.

    depends_on_sender: another sender may get another answer. domain_id, customer_id: of the domain it names.
    """

    asked: str
    routes: tuple[Route, ...] = ()
    refusal: Answer | None = None
    is_ours: bool = True
    depends_on_sender: bool = False
    domain_id: int | None = None
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Somebody we serve who sends. mailbox_id is None where a whole domain may send from its own servers."""

    mailbox_id: int | None
    domain_id: int
    customer_id: int | None


NOT_OURS = Answer(550, "5.7.1", "We don't take mail for this domain")
BAD_ADDRESS = Answer(553, "5.1.3", "This is not an address")
NO_RELAY = Answer(451, "4.3.5", "Nobody has said yet where mail of this domain goes; try again later")
MAY_NOT_SEND = Answer(550, "5.7.1", "You may not send as this address")
UNKNOWN = Answer(550, "5.1.1", "There is no such address here")
MAY_NOT_POST = Answer(550, "5.7.1", "You may not post to this mailing list")
NOBODY = Answer(550, "5.2.1", "Nobody gets what is sent to this address")
# What is answered where nothing is left of an address; of several outcomes the first here counts.
_ANSWERS: dict[str, Answer] = {
    Outcome.PENDING: Answer(450, "4.2.1", "This mailbox is not in use yet"),
    Outcome.DOMAIN_PENDING: Answer(450, "4.1.2", "This domain is not in use yet"),
    Outcome.SENDER_REFUSED: Answer(550, "5.7.1", "You may not send to this address"),
    Outcome.DISABLED: Answer(550, "5.2.1", "This address is disabled"),
    Outcome.DELETED: Answer(550, "5.2.1", "This address is no longer in use"),
    Outcome.DOMAIN_DISABLED: Answer(550, "5.2.1", "This domain is disabled"),
    Outcome.DOMAIN_DELETED: Answer(550, "5.2.1", "This domain is no longer in use"),
    Outcome.UNKNOWN_ADDRESS: UNKNOWN,
    Outcome.CYCLE: Answer(554, "5.4.6", "This address leads back to itself"),
    Outcome.TOO_DEEP: Answer(554, "5.4.6", "This address leads on too often"),
    Outcome.TOO_MANY: Answer(554, "5.5.3", "This address leads to too many"),
}
_GOES_ON = frozenset({Outcome.DELIVERED, Outcome.EXTERNAL, Outcome.BEHIND})

_parsed = lru_cache(REMEMBERED)(parse_address)
_resolved: Remembered[tuple[str, str], Resolved] = Remembered(REMEMBERED)
_senders: Remembered[tuple[int | None, str, str], Sender | bool] = Remembered(REMEMBERED)


def resolve(asked: str, sender: str) -> Resolved:
    """Where mail to `asked` from `sender` ("" for bounces) goes. Never raises for what somebody may write."""
    try:
        address = _parsed(asked)
    except BadAddress:
        return Resolved(asked, refusal=BAD_ADDRESS, is_ours=False)
    text = str(address)
    found = _resolved.get((text, ""))
    if found is None or (found.depends_on_sender and sender):
        found = _resolved.get((text, sender))
    if found is not None:
        return found
    before_reading()
    stamp = changes.stamp()
    made = _resolve(address, sender)
    if len(made.routes) <= LARGEST_REMEMBERED:
        _resolved.put((text, sender if made.depends_on_sender else ""), made, stamp)
    return made


def _resolve(address: MailAddress, sender: str) -> Resolved:
    text = str(address)
    domain = _domain_named(address.domain)
    if domain is None:
        return Resolved(text, refusal=NOT_OURS, is_ours=False)
    of_list = _other_address_of_list(address, domain)
    if of_list is not None:
        return of_list
    try:
        expansion = expand(text, sender or None, through_lists=False)
    except BadAddress:  # a sender that is none of our idea of an address belongs to no list
        expansion = expand(text, None, through_lists=False)
    depends = any(step.data and "senders" in step.data for step in expansion.steps) or any(
        step.outcome == Outcome.SENDER_REFUSED for step in expansion.steps
    )
    routes = tuple(_routes(expansion, domain))
    refusal = None
    if len(routes) == 1 and routes[0].ends is Ways.LIST:
        refusal = _may_not_post(routes[0], sender)
        return Resolved(text, () if refusal else routes, refusal, True, True, domain.pk, domain.customer_id)
    if not routes:
        refusal = _answer_for(expansion)
    elif any(route.ends is Ways.MAILBOX and not (route.relay_id or route.transport) for route in routes):
        routes, refusal = (), NO_RELAY
    return Resolved(text, routes, refusal, True, depends, domain.pk, domain.customer_id)


def _domain_named(name: str) -> Domain | None:
    found = DomainName.objects.select_related("domain").filter(name=name).exclude(domain__status=Status.PURGED).first()
    return None if found is None else found.domain


def _answer_for(expansion: Expansion) -> Answer:
    outcomes = {step.outcome for step in expansion.steps}
    return next((answer for outcome, answer in _ANSWERS.items() if outcome in outcomes), NOBODY)


def _routes(expansion: Expansion, domain: Domain) -> Iterator[Route]:
    """One for each delivery, with the mailboxes and relays of all read at once."""
    deliveries = [each for each in expansion.deliveries if each.outcome in _GOES_ON]
    boxes = _mailboxes([each.email for each in deliveries])
    behind = _domains_of([each.email for each in deliveries if each.outcome == Outcome.BEHIND])
    relays = _default_relays({box.domain_id for box in boxes.values()} | {each.pk for each in behind.values()})
    for each in deliveries:
        way = tuple(_way(expansion.steps, each.step))
        box = boxes.get(each.email)
        if each.outcome == Outcome.BEHIND:
            own = behind[each.email.rpartition("@")[2]]
            yield _to_relay_of(own, relays.get(own.pk), expansion.email, each.email, way)
            continue
        if expansion.steps[each.step].kind == Address.Kind.LIST:
            found = MailingList.objects.select_related("address__domain").filter(address__text=each.email).first()
            if found is not None:
                yield route_to_list(expansion.email, found, way)
            continue
        if box is None:
            yield Route(
                asked=expansion.email,
                address=each.email,
                ends=Ways.EXTERNAL,
                direction=Direction.INCOMING,
                domain_id=domain.pk,
                customer_id=domain.customer_id,
                way=way,
                transport=transport_of(each.email),
            )
            continue
        relay_id = box.relay_id or relays.get(box.domain_id)
        yield Route(
            asked=expansion.email,
            address=each.email,
            ends=Ways.MAILBOX,
            direction=Direction.INCOMING,
            domain_id=box.domain_id,
            customer_id=box.customer_id,
            mailbox_id=box.pk,
            policy_of=box.pk,
            relay_id=relay_id,
            way=way,
            transport=routed(each.email).via if relay_id else transport_of(each.email),
        )


def _to_relay_of(own: Domain, relay_id: int | None, asked: str, address: str, way: tuple[str, ...]) -> Route:
    """Of an address that only the server behind its domain knows; without a mailbox, so that the domain's policy
    decides and the domain's administrators look after what is kept."""
    return Route(
        asked=asked,
        address=address,
        ends=Ways.MAILBOX,
        direction=Direction.INCOMING,
        domain_id=own.pk,
        customer_id=own.customer_id,
        relay_id=relay_id,
        way=way,
        transport=routed(address).via if relay_id else transport_of(address),
        unknown=own.unknown_recipients,
    )


def _domains_of(addresses: Iterable[str]) -> dict[str, Domain]:
    """The domains of these addresses, by the name that stands in them."""
    names = {address.rpartition("@")[2] for address in addresses}
    rows = DomainName.objects.select_related("domain").filter(name__in=names).exclude(domain__status=Status.PURGED)
    return {row.name: row.domain for row in rows} if names else {}


def route_to_list(
    asked: str, found: MailingList, way: tuple[str, ...] = (), command: str = "", argument: str = ""
) -> Route:
    """To a mailing list, or to one of its other addresses."""
    domain = found.address.domain
    return Route(
        asked=asked,
        address=found.address.text,
        ends=Ways.LIST,
        direction=Direction.INCOMING,
        domain_id=domain.pk,
        customer_id=domain.customer_id,
        way=way or (asked,),
        list_id=found.pk,
        command=command,
        argument=argument,
    )


def _other_address_of_list(address: MailAddress, domain: Domain) -> Resolved | None:
    """Of "news-subscribe@" and the like, where nobody has that address; None for every other address."""
    parts = parts_of(address.local)
    if parts is None or Address.objects.filter(text=f"{address.local}@{domain.name}").exists():
        return None
    base, command, argument = parts
    rows = MailingList.objects.select_related("address__domain", "owner")
    found = rows.filter(address__text=f"{base}@{domain.name}", address__is_enabled=True).first()
    if found is None or not domain.is_serving:
        return None
    text = str(address)
    if command == "owner":
        led = resolve(found.owner.address, "")
        routes = tuple(replace(route, asked=text, way=(text, *route.way)) for route in led.routes)
        return Resolved(text, routes, led.refusal, True, False, domain.pk, domain.customer_id)
    routes = (route_to_list(text, found, (text,), command, argument),)
    return Resolved(text, routes, None, True, False, domain.pk, domain.customer_id)


def _may_not_post(route: Route, sender: str) -> Answer | None:
    """What to say to who may not post; what has to wait for a moderator is taken."""
    assert route.list_id is not None
    found = MailingList.objects.select_related("address__domain", "owner").get(pk=route.list_id)
    decided = decide(found, sender)
    return MAY_NOT_POST if decided.verdict is Verdict.REFUSE else None


def _way(steps: list[Step], number: int) -> list[str]:
    """The addresses from the one that was asked for to this one; its own name behind an alias name of its domain."""
    found = []
    while number >= 0:
        step = steps[number]
        own = (step.data or {}).get("alias_of")
        found += [own, step.email] if own else [step.email]
        number = step.parent
    return found[::-1]


def _mailboxes(addresses: Iterable[str]) -> dict[str, Mailbox]:
    rows = Mailbox.objects.filter(address__in=list(addresses), status=Status.ENABLED)
    return {row.address: row for row in rows.only("pk", "address", "domain_id", "customer_id", "relay_id")}


def _default_relays(domain_ids: Iterable[int]) -> dict[int, int]:
    return dict(Relay.objects.filter(domain_id__in=list(domain_ids), is_default=True).values_list("domain_id", "pk"))


def sender_of(client: Client, sender: str) -> Sender | None:
    """As whom this client may send from this address to anywhere; None: it may only bring mail for us.

    Somebody signed in may use their own address and their aliases. A client in a subnet that a domain names as its
    own may use every address of that domain, one on the list of clients those of all domains. The empty sender may be
    used by people who signed in (bounces, read receipts). Who was shut out meanwhile sends nothing more over the
    connection that they have.
    """
    key = (client.user_id, client.address if client.user_id is None else "", sender)
    found = _senders.ask(key, lambda: _sender_of(client, sender) or False)
    return found if isinstance(found, Sender) else None


def address_of(sender: Sender) -> str:
    """Their own address; "" of a domain's servers."""
    if sender.mailbox_id is None:
        return ""
    before_reading()
    return Mailbox.objects.values_list("address", flat=True).get(pk=sender.mailbox_id)


def _sender_of(client: Client, sender: str) -> Sender | None:
    if client.user_id is not None:
        return _signed_in(client.user_id, sender)
    return _from_own_net(client.address, sender)


def _signed_in(user_id: int, sender: str) -> Sender | None:
    boxes = Mailbox.objects.filter(user_id=user_id, user__is_active=True, status=Status.ENABLED)
    box = boxes.select_related("domain").first()
    if box is None or not box.domain.is_serving or (sender and identity_of(box, sender) is Identity.NONE):
        return None
    return Sender(box.pk, box.domain_id, box.customer_id)


def _from_own_net(client_address: str, sender: str) -> Sender | None:
    try:
        address, who = ip_address(client_address), parse_address(sender)
    except (ValueError, BadAddress):
        return None
    domain = _domain_named(who.domain)
    if domain is None or not domain.is_serving:
        return None
    if not _is_within(address, domain.outgoing_subnets) and ip_table().state(client_address, timezone.now()) != CLIENT:
        return None
    box = Mailbox.objects.filter(address=f"{who.local}@{domain.name}", status=Status.ENABLED).first()
    return Sender(None if box is None else box.pk, domain.pk, domain.customer_id)


def _is_within(address: IPv4Address | IPv6Address, subnets: Iterable[str]) -> bool:
    return any(address in ip_network(subnet, strict=False) for subnet in subnets)


def outgoing_route(asked: str, sender: Sender, return_path: str, transport: str = "") -> Route:
    """The row of somebody's own message to one recipient: the sender's, judged by the sender's policy."""
    return Route(
        asked=asked,
        address=asked,
        ends=Ways.EXTERNAL,
        direction=Direction.OUTGOING,
        domain_id=sender.domain_id,
        customer_id=sender.customer_id,
        mailbox_id=sender.mailbox_id,
        policy_of=sender.mailbox_id,
        way=(asked,),
        return_path=return_path,
        transport=transport or transport_of(asked),
    )


def notice_route(
    address: str, *, domain_id: int | None, customer_id: int | None, mailbox_id: int | None = None
) -> Route:
    """Where a message of our own to somebody elsewhere goes; the domain's administrators see it. From the empty sender
    without `replace`."""
    return Route(
        asked=address,
        address=address,
        ends=Ways.EXTERNAL,
        direction=Direction.OUTGOING,
        domain_id=domain_id,
        customer_id=customer_id,
        mailbox_id=mailbox_id,
        way=(address,),
        transport=transport_of(address),
    )
