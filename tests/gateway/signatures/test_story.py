"""The whole way: somebody signs in and sends, and the other side gets the signature under a DKIM that holds."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from accounts.services.passwords import set_password
from domains.services import profiles
from gateway.models import Step
from gateway.services import signature_rules
from gateway.services.routes import create_route
from tests.domains.factories import make_mailbox_in
from tests.gateway.intake.test_intake import served
from tests.gateway.outgoing.test_dkim import signing, verified
from tests.gateway.queue.conftest import reacher, run_until
from tests.gateway.reception.gateways import running_gateway, untrusting
from tests.gateway.signatures.mails import HTML_REPLIES, alternative
from tests.smtp_server import Behaviour, running_server

SYSTEM = Actor.system()
PASSWORD = "correct horse battery"


@pytest.mark.django_db(transaction=True)
def test_mail_sent_by_smtp_auth_arrives_signed_in_both_ways(process_environment: dict[str, str]) -> None:
    domain = served()
    signing(domain, "rsa")
    ada = make_mailbox_in(domain, "ada", name="Ada Lovelace")
    assert ada.user is not None
    set_password(SYSTEM, ada.user, password=PASSWORD)
    profiles.set_information(SYSTEM, ada, {"Title": "Chief Engineer"})
    place = ScopeRef(Level.DOMAIN, domain.pk)
    html = "<p><b>{{name}}</b><br>{{title}}<br>Fax {{fax}}</p>"
    house = signature_rules.create_template(SYSTEM, place, {"name": "House", "html": html})
    signature_rules.create_rule(SYSTEM, place, {"name": "All", "template_id": house.pk})
    own, quoted = HTML_REPLIES["gmail"]
    raw = alternative("Thank you!\n\nOn 30.11.2026 Bob wrote:\n> Lunch?\n", own + quoted, files=1)
    with running_server(Behaviour()) as server, running_gateway(process_environment) as gateway:
        create_route(SYSTEM, {"pattern": "*@far.example", "kind": "relay", "target": f"127.0.0.1:{server.port}"})

        def send() -> None:
            with gateway.client(gateway.submission_port) as client:
                client.ehlo()
                client.starttls(context=untrusting())
                client.login(ada.address, PASSWORD)
                client.sendmail(ada.address, ["bob@far.example"], raw)

        send()
        run_until(lambda: len(server.mails) == 1, reacher(server.port))
        signature_rules.update_template(SYSTEM, house, {"html": "<p>{{name}}, by her new template</p>"})
        send()
        run_until(lambda: len(server.mails) == 2, reacher(server.port))
    arrived = [(mail.replace("\n", "\r\n") + "\r\n").encode() for mail in server.mails]
    for each in arrived:
        assert verified(each) == [("example.org", "rsa")]
    first, second = (message_from_bytes(each, policy=policy.default) for each in arrived)
    plain, rich = first.get_body(("plain",)), first.get_body(("html",))
    assert plain is not None and rich is not None
    assert "Thank you!\n\nAda Lovelace\nChief Engineer\n\nOn 30.11.2026" in plain.get_content().replace("\r\n", "\n")
    assert "Fax" not in plain.get_content()
    assert rich.get_content().index("Chief Engineer") < rich.get_content().index("gmail_quote")
    assert [part.get_content() for part in first.iter_attachments()] == [bytes(range(256)) * 9]
    assert "by her new template" in str(second.get_body(("plain",)))
    told = Step.objects.filter(kind="signature").order_by("pk").values_list("data", flat=True)
    assert [data["signature"] for data in told] == ["House", "House"]
    assert told[0]["spot"] == "above"
