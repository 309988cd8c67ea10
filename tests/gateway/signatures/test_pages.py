"""Pages of signatures: what is shown to whom, what is refused, and that lists ask as much however long they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor
from domains.errors import Invalid
from domains.models import Mailbox, Status
from domains.services.groups import create_group
from gateway.models import OwnSignature, SignaturePicture, SignatureRule
from gateway.services import signature_pictures, signature_rules, signatures
from gateway.signature_books import names_person
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.gateway.signatures.access import place_of, template_in
from tests.gateway.signatures.test_services import picture

ClientFor = Callable[..., Client]
SYSTEM = Actor.system()


def test_a_preview_keeps_nothing_runs_nothing_and_shows_only_ones_own_pictures(db: None, client_for: ClientFor) -> None:
    ada, bob = make_mailbox_in(make_domain()), make_mailbox_in(make_domain())
    mine = signature_pictures.add_picture(SYSTEM, ada, name="a.png", raw=picture())
    foreign = signature_pictures.add_picture(SYSTEM, bob, name="b.png", raw=picture(size=(9, 9)))
    html = (
        f'<b>Ada</b><script>x</script><img src="/signatures/pictures/{mine.pk}/"><img src="cid:picture-{foreign.pk}">'
    )
    html += '<img src="https://tracker.example/x.png">'
    shown = client_for(ada.user).post(reverse("gateway:my-signature-preview"), {"html": html, "shade": "dark"})
    text = shown.content.decode()
    assert text.count("data:image/png;base64") == 1
    assert "script" not in text and "tracker" not in text and 'class="dark"' in text
    assert shown["Content-Security-Policy"].startswith("sandbox ")
    assert not OwnSignature.objects.exists()


def test_a_template_is_previewed_as_somebody_whose_signatures_one_manages(db: None, client_for: ClientFor) -> None:
    domain = make_domain()
    ada, stranger = make_mailbox_in(domain, name="Ada Lovelace"), make_mailbox_in(make_domain(), name="Not Yours")
    client = client_for(make_delegate(domain))
    path = reverse("gateway:signature-template-preview")
    for address, name in ((ada.address, "Lovelace"), (stranger.address, "Ada Lovelace"), ("", "Ada Lovelace")):
        found = client.post(path, {"html": "<p>{{name}}</p>", "as": address}).content.decode()
        assert name in found and "Not Yours" not in found


def test_what_is_wrong_stands_at_its_field(db: None, client_for: ClientFor) -> None:
    domain = make_domain()
    made = template_in(domain)
    client = client_for(make_delegate(domain))
    edit = reverse("gateway:signature-template-edit", args=[made.pk])
    wrong = client.post(edit, {"name": "House", "kind": "signature", "html": "{{ salary }}", "version": made.version})
    assert wrong.status_code == 422
    assert "There is no placeholder “salary”." in wrong.content.decode()
    old = client.post(edit, {"name": "House", "kind": "signature", "html": "{{ name }}", "version": 99})
    assert old.status_code == 422
    rule = {"name": "R", "side": "any", "occasion": "any", "people": "nobody@elsewhere.example"}
    path = reverse("gateway:signature-rule-create", args=["domain", domain.pk])
    assert client.post(path, rule).status_code == 422
    team = create_group(SYSTEM, domain, email=f"team@{domain.name}")
    assert client.post(path, rule | {"people": "", "groups": team.text, "template": str(made.pk)}).status_code == 303
    row = SignatureRule.objects.get()
    assert (row.groups, row.template) == ([team.pk], made)
    shown = client.get(reverse("gateway:signature-rule-edit", args=[row.pk])).content.decode()
    assert team.text in shown


def test_a_rule_for_somebody_who_is_gone_does_not_become_one_for_everybody(db: None, client_for: ClientFor) -> None:
    domain = make_domain()
    ada, bob, eve = (make_mailbox_in(domain) for _number in range(3))
    values = {"name": "Ada's", "people": [ada.pk, bob.pk]}
    row = signature_rules.create_rule(SYSTEM, place_of(domain), values)
    Mailbox.objects.filter(pk=ada.pk).update(status=Status.PURGED)
    client, path = client_for(make_delegate(domain)), reverse("gateway:signature-rule-edit", args=[row.pk])
    shown = client.get(path).content.decode()
    assert "1 that is no longer here stays named" in shown and bob.address in shown and ada.address not in shown
    for written, people in ((f"{bob.address}\n{eve.address}", [ada, bob, eve]), ("", [ada])):
        row.refresh_from_db()
        given = {"name": "Renamed", "side": "any", "occasion": "any", "people": written, "version": row.version}
        assert client.post(path, given).status_code == 303
        row.refresh_from_db()
        assert (row.name, row.people) == ("Renamed", [each.pk for each in people])
    assert not names_person(row, eve, frozenset())
    with pytest.raises(Invalid):
        signature_rules.create_rule(SYSTEM, place_of(domain), values)
    signature_rules.update_rule(SYSTEM, row, {"people": []})  # said outright, it is for everybody
    assert names_person(row, eve, frozenset())


def test_pictures_are_uploaded_for_scripts_and_for_pages(db: None, client_for: ClientFor) -> None:
    ada = make_mailbox_in(make_domain())
    client, path = client_for(ada.user), reverse("gateway:my-picture-add", args=[ada.pk])
    made = client.post(
        path, {"picture": SimpleUploadedFile("a.png", picture())}, headers={"accept": "application/json"}
    )
    row = SignaturePicture.objects.get()
    assert made.json()["url"] == reverse("gateway:signature-picture", args=[row.pk])
    bad = client.post(path, {"picture": SimpleUploadedFile("a.svg", b"<svg/>")}, headers={"accept": "application/json"})
    assert (bad.status_code, bool(bad.json()["problem"])) == (422, True)
    assert client.post(path, {}).status_code == 303
    seen = client.get(made.json()["url"])
    assert (seen["Content-Type"], seen["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert client.post(reverse("gateway:signature-picture-delete", args=[row.pk])).status_code == 303
    assert not SignaturePicture.objects.exists()


@pytest.mark.parametrize("route", ["gateway:signature-people", "gateway:signature-template-list"])
def test_lists_ask_as_much_however_long_they_are(db: None, client_for: ClientFor, route: str) -> None:
    domain = make_domain()
    client = client_for(make_delegate(domain))

    def more(count: int) -> int:
        for number in range(count):
            box = make_mailbox_in(domain)
            signatures.set_signature(SYSTEM, box, "<b>x</b>")
            team = create_group(SYSTEM, domain, email=f"g{box.pk}@{domain.name}", members=[box.address])
            name = f"T{box.pk}-{number}"
            made = signature_rules.create_template(SYSTEM, place_of(domain), {"name": name, "html": "x"})
            values = {"name": "R", "template_id": made.pk, "groups": [team.pk]}
            signature_rules.create_rule(SYSTEM, place_of(domain), values)
        client.get(reverse(route))
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse(route)).status_code == 200
        return len(asked)

    assert more(2) == more(6)
