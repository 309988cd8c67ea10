"""Signatures as people and administrators set them, and what the gateway makes of them in mail that leaves."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from domains.errors import InUse, Invalid, Taken, WrongState
from domains.models import Domain, Mailbox
from domains.policy.decision import Action, Category, Decision
from domains.policy.facts import Direction, Facts
from domains.services import profiles
from domains.services.groups import create_group
from gateway.flow import Asked, Client, Door, Incoming, InMemory, Inspection, Judged, Leaving, Route, Sending, Ways
from gateway.keys import new_key
from gateway.models import OwnSignature, PictureContent, SignatureTemplate
from gateway.outgoing.chain import prepare
from gateway.services import signature_html, signature_pictures, signature_rules, signatures
from gateway.signature_books import block_for, read_person
from gateway.signatures.choosing import Kind, Template
from gateway.signatures.pictures import MOST_SIDE
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.gateway.signatures.mails import alternative, leaves, plain, texts

SYSTEM = Actor.system()


def own(mailbox: Mailbox) -> Actor:
    assert mailbox.user is not None
    return Actor.for_user(mailbox.user)


def place_of(domain: Domain) -> ScopeRef:
    return ScopeRef(Level.DOMAIN, domain.pk)


def with_broken_exif() -> bytes:
    """A JPEG whose EXIF says that its orientation is no number: its reader stumbles over it."""
    exif = Image.Exif()
    exif[274], exif[271] = 6, "x"
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(out, "JPEG", exif=exif)
    raw = bytearray(out.getvalue())
    for at, value in ((41, 25), (65, 138), (103, 152)):
        raw[at] = value
    return bytes(raw)


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


def template(
    place: ScopeRef, name: str = "House", html: str = "<p>{{name}}<br>{{title}}</p>", **more: Any
) -> SignatureTemplate:
    return signature_rules.create_template(SYSTEM, place, {"name": name, "html": html, **more})


def rule(place: ScopeRef, made: SignatureTemplate | None, **values: Any) -> Any:
    return signature_rules.create_rule(
        SYSTEM, place, {"name": "Rule", "template_id": None if made is None else made.pk, **values}
    )


def leaving(
    mailbox: Mailbox, *to: str, raw: bytes | None = None, inside: bool = False, door: Door = Door.SUBMISSION
) -> tuple[Leaving, ...]:
    """What leaves of a message of this person to these."""
    body = InMemory(raw if raw is not None else plain("Hello\n", headers={}))
    incoming = Incoming(
        new_key(), door, Client("192.0.2.7", user_id=mailbox.user_id), Sending(mailbox.address),
        tuple(Asked(each) for each in to), body, timezone.now(),
    )  # fmt: skip
    routes = [
        Route(
            each, each, Ways.MAILBOX if inside else Ways.EXTERNAL,
            Direction.INCOMING if inside else Direction.OUTGOING, mailbox.domain_id, mailbox.customer_id, mailbox.pk,
        )
        for each in to
    ]  # fmt: skip
    if inside:
        here = Route(to[0], to[0], Ways.HERE, Direction.OUTGOING, mailbox.domain_id, mailbox.customer_id, mailbox.pk)
        routes.insert(0, here)
    decision = Decision(Category.CLEAN, Action.DELIVER, ())
    facts = Facts(direction=Direction.OUTGOING)
    inspection = Inspection(facts, header_from=mailbox.address)
    return prepare(incoming, inspection, [Judged(each, decision) for each in routes])


def text(version: Leaving) -> str:
    return texts(version.body.read())["plain"]


def note(version: Leaving) -> dict[str, Any]:
    return {kind: dict(data) for kind, data in version.notes}


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<b>Ada</b><script>alert(1)</script>", "<b>Ada</b>"),
        ('<img src="https://x.example/a.png" onerror="x()">', '<img src="https://x.example/a.png">'),
        ('<a href="javascript:x()">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<p style="color:red;position:fixed">x</p>', '<p style="color:red">x</p>'),
        ('x<iframe src=x></iframe><form><input></form><img src="cid:other">', "x"),
    ],
)
def test_a_signature_carries_no_code(db: None, html: str, kept: str) -> None:
    mailbox = make_mailbox_in(make_domain())
    assert signatures.set_signature(own(mailbox), mailbox, html) == kept


def test_people_have_several_and_one_goes_with_their_mail(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    first = signatures.create_own(own(mailbox), mailbox, {"name": "Long", "html": "<b>Ada Lovelace</b>"})
    short = signatures.create_own(own(mailbox), mailbox, {"name": "Short", "html": "A.", "text": "A. (short)"})
    assert (first.is_default, short.is_default) == (True, False)
    with pytest.raises(Taken):
        signatures.create_own(own(mailbox), mailbox, {"name": "Short", "html": "A."})
    signatures.update_own(own(mailbox), short, {"is_default": True})
    assert OwnSignature.objects.get(mailbox=mailbox, is_default=True) == short
    assert "A. (short)" in text(leaving(mailbox, "bob@example.net")[0])
    signatures.delete_own(own(mailbox), short)
    assert leaving(mailbox, "bob@example.net")[0].body.read() == plain("Hello\n", headers={})
    for html in ("", "<script>x</script>", "a\0b"):
        with pytest.raises(Invalid):
            signatures.create_own(own(mailbox), mailbox, {"name": "x", "html": html})


def test_only_who_may_changes_them(db: None) -> None:
    mailbox = make_mailbox_in(make_domain(end_user_rights=["sign_in"]))
    for actor in (own(mailbox), Actor.for_user(make_delegate(make_domain()))):
        with pytest.raises(Forbidden):
            signatures.set_signature(actor, mailbox, "x")
    signatures.set_signature(Actor.for_user(make_delegate(mailbox.domain)), mailbox, "x")
    delegate, elsewhere = Actor.for_user(make_delegate(mailbox.domain)), Actor.for_user(make_delegate(make_domain()))
    made = signature_rules.create_template(delegate, place_of(mailbox.domain), {"name": "T", "html": "x"})
    for refused in (
        lambda: signature_rules.create_template(delegate, SERVER, {"name": "T", "html": "x"}),
        lambda: signature_rules.update_template(elsewhere, made, {"html": "y"}),
        lambda: signature_rules.create_rule(elsewhere, place_of(mailbox.domain), {"name": "R"}),
        lambda: signature_rules.set_worth(elsewhere, place_of(mailbox.domain), "never"),
        lambda: signature_pictures.add_picture(elsewhere, mailbox, name="x", raw=picture()),
        lambda: signature_pictures.add_picture(elsewhere, place_of(mailbox.domain), name="x", raw=picture()),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_a_domain_may_want_none_of_their_own(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    signatures.set_signature(own(mailbox), mailbox, "Mine alone, really")
    signature_rules.set_worth(SYSTEM, place_of(mailbox.domain), "never")
    with pytest.raises(WrongState):
        signatures.set_signature(own(mailbox), mailbox, "x")
    assert leaving(mailbox, "bob@example.net")[0].notes == ()
    signature_rules.set_worth(SYSTEM, place_of(mailbox.domain), None)
    assert "Mine alone" in text(leaving(mailbox, "bob@example.net")[0])


def test_templates_say_what_the_directory_knows(db: None) -> None:
    customer = make_customer("Engines Ltd")
    mailbox = make_mailbox_in(make_domain(customer=customer), name="Ada Lovelace")
    profiles.set_information(
        SYSTEM, mailbox, {"Job.Title": "Chief Engineer", "Telephone": "0123", "Web": "javascript:x()"}
    )
    html = '<p>{{name}}<br>{{title}}<br>{{department}}<br><a href="{{info.Web}}">{{company}}</a></p>'
    rule(
        place_of(mailbox.domain), template(place_of(mailbox.domain), html=html, text="{{name}}, {{title}}\nFax {{fax}}")
    )
    raw = plain("Hello\n")
    (version,) = leaving(mailbox, "bob@example.net", raw=raw)
    assert text(version) == "Hello\n\n-- \nAda Lovelace, Chief Engineer\n"
    person = read_person(mailbox.pk)
    assert person is not None
    assert person.values["company"] == "Engines Ltd"
    made = block_for(person, person.book.rules[0].template)  # type: ignore[arg-type]
    assert made.html == '<p>Ada Lovelace<br>Chief Engineer<br><a rel="noopener noreferrer">Engines Ltd</a></p>'
    with pytest.raises(Invalid) as caught:
        template(place_of(mailbox.domain), "Odd", "<p>{{salary}}</p>")
    assert caught.value.field == "html"


def test_rules_of_three_places_for_people_groups_and_both_sides(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    ada, bob = make_mailbox_in(domain), make_mailbox_in(domain)
    inner = create_group(SYSTEM, domain, email=f"inner@{domain.name}", members=[ada.address])
    outer = create_group(SYSTEM, domain, email=f"outer@{domain.name}", members=[inner.text])
    here, above = place_of(domain), ScopeRef(Level.CUSTOMER, customer.pk)
    rule(here, template(here, "Team", "<p>Of the team</p>"), groups=[outer.pk], side="outside")
    rule(here, template(here, "Within", "<p>Short and inside</p>"), side="inside")
    rule(above, template(above, "General", "<p>Of the company</p>"))
    rule(
        SERVER,
        template(SERVER, "Notice", "<p>Confidential, perhaps</p>", kind="addition"),
        recipients=["*@example.net"],
    )
    assert "Of the team\n\nConfidential, perhaps" in text(leaving(ada, "x@example.net")[0])
    assert "Of the company\n\nConfidential" in text(leaving(bob, "x@example.net")[0])
    assert "Short and inside" in text(leaving(ada, bob.address, inside=True)[0])
    versions = leaving(bob, "x@example.net", "y@example.com", "z@example.net")
    assert sorted((len(each.of), "Confidential" in text(each)) for each in versions) == [(1, False), (2, True)]
    assert note(versions[0])["signature"]["spot"] == "end"
    with pytest.raises(Invalid):
        rule(here, None, people=[make_mailbox_in(make_domain()).pk])
    with pytest.raises(Invalid):
        rule(here, template(place_of(make_domain())))


def test_what_cant_be_signed_leaves_as_it_is_and_says_why(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    signatures.set_signature(SYSTEM, mailbox, "<p>Ada Lovelace, engineer</p>")
    raw = plain("Hello\n", headers={"Auto-Submitted": "auto-replied"})
    (version,) = leaving(mailbox, "bob@example.net", raw=raw)
    assert version.body.read() == raw
    assert note(version)["unsigned"]["because"] == "automatic"
    assert leaving(mailbox, "bob@example.net", raw=raw, door=Door.OWN)[0].notes == ()


def test_pictures_are_written_anew_kept_once_and_only_ones_own(db: None) -> None:
    ada, bob = make_mailbox_in(make_domain()), make_mailbox_in(make_domain())
    made = signature_pictures.add_picture(own(ada), ada, name="logo.png", raw=picture() + b"<?php hidden")
    again = signature_pictures.add_picture(own(ada), ada, name="other.png", raw=picture())
    signature_pictures.add_picture(own(bob), bob, name="logo.png", raw=picture())
    assert made == again
    assert PictureContent.objects.count() == 1
    assert b"hidden" not in bytes(made.content.data)
    large = signature_pictures.add_picture(own(ada), ada, name="l", raw=picture("JPEG", (3000, 200)))
    assert (large.content.width, large.content.content_type) == (MOST_SIDE, "image/jpeg")
    for bad in (b"", b"<svg onload=x>", picture()[:60], b"\0" * 3_000_000, with_broken_exif()):
        with pytest.raises(Invalid) as caught:
            signature_pictures.add_picture(own(ada), ada, name="x", raw=bad)
        assert caught.value.field == "picture"
    kept = signatures.set_signature(own(ada), ada, f'<p>Ada</p><img src="/signatures/pictures/{made.pk}/">')
    assert kept == f'<p>Ada</p><img src="cid:picture-{made.pk}">'
    with pytest.raises(Invalid):
        signatures.set_signature(own(bob), bob, f'<img src="cid:picture-{made.pk}">')
    with pytest.raises(InUse):
        signature_pictures.delete_picture(own(ada), made)
    (version,) = leaving(ada, "bob@example.net", raw=alternative("Hello\n", "<p>Hello</p>"))
    assert ("image/png", bytes(made.content.data)) in leaves(version.body.read())
    signature_pictures.delete_picture(own(ada), large)


def test_the_order_of_rules_can_be_changed(db: None) -> None:
    domain = make_domain()
    here = place_of(domain)
    one, two, three = (rule(here, None, name=name) for name in "abc")
    signature_rules.move_rule(SYSTEM, three, position=1)
    for each in (one, two, three):
        each.refresh_from_db()
    assert (three.position, one.position, two.position) == (1, 2, 3)
    with pytest.raises(Invalid):
        signature_rules.move_rule(SYSTEM, one, position=9)
    signature_rules.update_rule(SYSTEM, one, {"is_enabled": False, "recipients": ["Bob@Example.NET", "*@x.example"]})
    assert one.recipients == ["bob@example.net", "*@x.example"]
    with pytest.raises(Invalid):
        signature_rules.update_rule(SYSTEM, one, {"recipients": ["everybody"]})
    signature_rules.delete_rule(SYSTEM, one)


def test_somebody_s_name_fetches_no_picture_of_others(db: None) -> None:
    domain = make_domain("example.org")
    ada, bob = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    theirs = signature_pictures.add_picture(own(bob), bob, name="secret.png", raw=picture())
    person = read_person(ada.pk)
    assert person is not None
    sly = replace(person, values={"name": f"cid:picture-{theirs.pk}"})
    made = Template(1, "House", Kind.SIGNATURE, "<p>{{name}}</p>")
    assert block_for(sly, made).pictures == ()
    with pytest.raises(Invalid):
        signature_html.checked_html("{{name}}" * 501, may_use=(), placeholders=True)
