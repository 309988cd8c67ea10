"""Whose signature is which: the book of a mailbox's rules, and blocks filled in for it, kept while nothing changes.

    person = person_for(mailbox_id)                 # None: nobody of ours
    chosen = choose(person.book, writing)           # pure
    blocks = blocks_for(person, chosen.templates)

The database says when what is remembered is old (`gateway.directory`, migration of the signatures). Rights are the
callers'. Not for placing (`gateway.signatures.placing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.permissions import Level
from domains.models import Address, Mailbox, Recipient
from gateway.directory import Remembered, changes
from gateway.models import OwnSignature, SignaturePicture, SignatureRule, SignatureSetting, SignatureTemplate
from gateway.services import signature_html
from gateway.signatures.block import Block, Picture, key_of
from gateway.signatures.choosing import Book, Kind, Occasion, Own, Rule, Side, Template
from gateway.signatures.filling import fill_html, fill_text
from gateway.signatures.plain import text_of

REMEMBERED = 20_000
NESTED = 10  # groups in groups
PLACES = (Level.DOMAIN, Level.CUSTOMER, Level.SERVER)
# names of facts about a person (`MailboxProfile.information`) that stand for a placeholder, folded
_FACTS = {
    "title": ("title", "jobtitle", "position", "role", "function"),
    "department": ("department", "dept", "ou", "organizationalunit", "team"),
    "company": ("company", "organization", "organisation", "o", "companyname"),
    "phone": ("phone", "telephone", "telephonenumber", "tel", "businessphone", "workphone"),
    "mobile": ("mobile", "mobilephone", "cell", "cellphone", "handy"),
    "fax": ("fax", "facsimiletelephonenumber", "faxnumber"),
    "address": ("address", "postaladdress", "businessaddress"),
    "street": ("street", "streetaddress"),
    "postcode": ("postcode", "postalcode", "zip", "zipcode", "plz"),
    "city": ("city", "l", "locality", "town"),
    "country": ("country", "c", "co"),
    "location": ("location", "office", "physicaldeliveryofficename", "room"),
    "website": ("website", "url", "homepage", "wwwhomepage"),
    "pronouns": ("pronouns",),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose mail is signed."""

    mailbox_id: int
    domain_id: int
    customer_id: int | None
    address: str
    book: Book
    values: Mapping[str, str]


_people: Remembered[int, Person] = Remembered(REMEMBERED)
# A template's pictures are the same bytes in everybody's block; people's own are many and seldom.
_blocks: Remembered[tuple[int, int, bool], Block] = Remembered(5_000)
_own_blocks: Remembered[tuple[int, int, bool], Block] = Remembered(200)
_pictures: Remembered[int, Picture] = Remembered(200)


def person_for(mailbox_id: int) -> Person | None:
    """Raises: DatabaseError."""
    found = _people.ask(mailbox_id, lambda: read_person(mailbox_id) or _NOBODY)
    return None if found is _NOBODY else found


_NOBODY = Person(0, 0, None, "", Book(), {})


def read_person(mailbox_id: int) -> Person | None:
    """The same from the database."""
    rows = Mailbox.objects.select_related("domain__customer", "user", "profile")
    box = rows.filter(pk=mailbox_id).first()
    if box is None:
        return None
    return Person(box.pk, box.domain_id, box.customer_id, box.address, _book(box), values_of(box))


def values_of(box: Mailbox) -> dict[str, str]:
    """What the placeholders stand for, for one person; what isn't known is missing."""
    profile = getattr(box, "profile", None)
    facts: dict[str, str] = {str(name): str(value) for name, value in (profile.information if profile else {}).items()}
    folded = {re.sub(r"[^a-z0-9]", "", name.lower()): value for name, value in facts.items()}
    user = box.user
    first, last = (user.first_name, user.last_name) if user is not None else ("", "")
    whole = box.name or (user.name if user is not None else "") or f"{first} {last}".strip()
    values = {f"info.{name}": value for name, value in facts.items()}
    for name, known in _FACTS.items():
        values[name] = next((folded[each] for each in known if folded.get(each, "").strip()), "")
    if not values["address"]:
        town = f"{values['postcode']} {values['city']}".strip()
        values["address"] = ", ".join(part for part in (values["street"], town, values["country"]) if part)
    customer = box.domain.customer
    values["company"] = values["company"] or (customer.name if customer is not None else "")
    values |= {"name": whole, "first_name": first or whole.partition(" ")[0], "email": box.address}
    values |= {"last_name": last or whole.rpartition(" ")[2], "domain": box.domain.display_name}
    return values


# --- the book ---


def _book(box: Mailbox) -> Book:
    own = OwnSignature.objects.filter(mailbox=box, is_default=True).first()
    return Book(
        own=None if own is None else as_template(own),
        worth=worth_in(box.domain_id, box.customer_id),
        rules=tuple(rules_for(box)),
    )


def as_template(row: OwnSignature | SignatureTemplate) -> Template:
    if isinstance(row, OwnSignature):
        return Template(row.pk, row.name, Kind.SIGNATURE, row.html, row.text, own=True)
    return Template(row.pk, row.name, Kind(row.kind), row.html, row.text)


def of_places(domain_id: int, customer_id: int | None) -> Q:
    """Rows of the domain, its customer, the server."""
    found = Q(level=Level.DOMAIN, object_id=domain_id) | Q(level=Level.SERVER)
    return found if customer_id is None else found | Q(level=Level.CUSTOMER, object_id=customer_id)


def worth_in(domain_id: int, customer_id: int | None) -> Own:
    """What people's own signatures are worth there: as the domain says, else its customer, else the server."""
    said = dict(SignatureSetting.objects.filter(of_places(domain_id, customer_id)).values_list("level", "own"))
    return Own(next((said[level] for level in PLACES if level in said), Own.FIRST))


def rules_for(box: Mailbox) -> Iterable[Rule]:
    """Those in use that name this person, in the order in which they are asked."""
    rows = SignatureRule.objects.filter(of_places(box.domain_id, box.customer_id), is_enabled=True)
    found = sorted(rows.select_related("template"), key=lambda row: (PLACES.index(Level(row.level)), row.position))
    groups = groups_of(box) if any(row.groups for row in found) else frozenset()
    for row in found:
        if names_person(row, box, groups):
            yield as_rule(row)


def names_person(row: SignatureRule, box: Mailbox, groups: frozenset[int]) -> bool:
    if not (row.people or row.groups or row.domains):
        return True
    return box.pk in row.people or box.domain_id in row.domains or bool(groups.intersection(row.groups))


def as_rule(row: SignatureRule) -> Rule:
    return Rule(
        id=row.pk,
        name=row.name,
        place=PLACES.index(Level(row.level)),
        template=None if row.template is None else as_template(row.template),
        side=Side(row.side),
        recipients=tuple(row.recipients),
        occasion=Occasion(row.occasion),
        first_day=row.first_day,
        last_day=row.last_day,
        stops=row.stops,
    )


def groups_of(box: Mailbox) -> frozenset[int]:
    """The groups that lead to this mailbox, also by way of other groups."""
    found: set[int] = set()
    waiting = {box.claim_id} if box.claim_id is not None else set()
    for _depth in range(NESTED):
        if not waiting:
            break
        rows = Recipient.objects.filter(target__in=waiting, address__kind=Address.Kind.GROUP)
        waiting = set(rows.values_list("address_id", flat=True)) - found
        found |= waiting
    return frozenset(found)


# --- blocks ---


def blocks_for(person: Person, templates: Sequence[Template]) -> list[Block]:
    """The templates filled in for somebody, those without anything to say left out. Raises: DatabaseError."""
    made = (_remembered(person, each) for each in templates)
    return [block for block in made if block.html.strip()]


def _remembered(person: Person, template: Template) -> Block:
    kept = _own_blocks if template.own and signature_html.pictures_in(template.html) else _blocks
    return kept.ask((person.mailbox_id, template.id, template.own), lambda: block_for(person, template))


def block_for(person: Person, template: Template) -> Block:
    """One template filled in, with its pictures."""
    html = template.html if template.own else fill_html(template.html, person.values)
    written = template.text if template.own else fill_text(template.text, person.values)
    html = signature_html.clean(html)
    # Those that were checked when it was kept: a value that was filled in can't fetch somebody else's.
    pictures = _pictures_of(signature_html.pictures_in(html) & signature_html.pictures_in(template.html))
    placed = signature_html.with_sources(html, {number: f"cid:{each.cid}" for number, each in pictures.items()})
    return Block(
        key=key_of("own" if template.own else "template", template.id, person.mailbox_id),
        name=template.name,
        html=placed,
        text=written or text_of(html),
        pictures=tuple(pictures.values()),
    )


def _pictures_of(numbers: set[int]) -> dict[int, Picture]:
    found = {number: kept for number in sorted(numbers) if (kept := _pictures.get(number)) is not None}
    missing = numbers - set(found)
    if missing:
        stamp = changes.stamp()
        for row in SignaturePicture.objects.filter(pk__in=missing).select_related("content"):
            found[row.pk] = _picture(row)
            _pictures.put(row.pk, found[row.pk], stamp)
    return found


def _picture(row: SignaturePicture) -> Picture:
    suffix = "jpg" if row.content.content_type == "image/jpeg" else "png"
    name = f"{row.name.rpartition('.')[0] or row.name}.{suffix}"
    return Picture(
        f"{row.content.digest[:24]}@postkeep.signature", name, row.content.content_type, bytes(row.content.data)
    )
