"""Pages of policies and filters: what they do beyond who gets in (access.py) and how they look (tests/browser)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from domains.models import AttachmentRule, DlpRule, Domain, Mailbox, Policy, SenderRule
from domains.policy.rules import RuleKind
from domains.services import policies
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.domains.filters.access import POLICY
from tests.domains.filters.builders import SYSTEM, VALUES, make_attachments, make_rule, order_of

ClientFor = Callable[[User | None], Client]
SENDER, ATTACHMENT, URI, DLP = RuleKind


def url(name: str, *args: Any) -> str:
    return reverse(f"domains:{name}", args=args)


def test_leaks_take_their_own_right(client_for: ClientFor) -> None:
    domain = make_domain()
    rule = make_rule(DLP, domain)
    person = make_delegate(domain, rights=["view_domains", "view_policies", "manage_filters"])
    client = client_for(person)
    assert client.get(url("domain-rules", domain.pk, DLP)).status_code == 200
    assert b"disabled" in client.get(url("rule-edit", DLP, rule.pk)).content
    for path in (url("rule-create", domain.pk, DLP), url("rule-edit", DLP, rule.pk), url("rule-switch", DLP, rule.pk)):
        assert client.post(path, VALUES[DLP] | {"mode": "regex"}).status_code == 403
    assert client.post(url("rule-import", domain.pk, DLP), {"text": "x"}).status_code == 403
    assert DlpRule.objects.get().is_enabled


def test_an_expression_that_is_none_is_shown_with_its_place(client_for: ClientFor) -> None:
    domain = make_domain()
    values = {"action": "deny", "check_type": "filename", "mode": "regex", "filter": "a(b"}
    answer = client_for(make_delegate(domain)).post(url("rule-create", domain.pk, ATTACHMENT), values)
    assert answer.status_code == 422
    assert answer.context["form"].errors["filter"] == ["Character 2: this ( is never closed."]


def test_rules_are_moved_by_buttons_and_by_place(client_for: ClientFor) -> None:
    domain = make_domain()
    a, b, c = make_attachments(domain, "a", "b", "c")
    client = client_for(make_delegate(domain))
    move = url("rule-move", domain.pk, ATTACHMENT)
    for data, order in (
        ({"up": c.pk}, "acb"), ({"down": a.pk}, "cab"), ({"up": c.pk}, "cab"), ({"rule": b.pk, "place": 1}, "bca"),
        ({"down": a.pk}, "bca"), ({"rule": b.pk, "place": "99999999999"}, "bca"),
    ):  # fmt: skip
        assert client.post(move, data).status_code == 303
        assert order_of(domain) == list(enumerate(order, start=1))
    for nothing in ({}, {"up": "x"}, {"up": "9" * 30}, {"up": make_attachments(make_domain(), "z")[0].pk}):
        assert client.post(move, nothing).status_code == 404


def test_many_rules_are_switched_and_deleted_within_the_domain_only(client_for: ClientFor) -> None:
    domain, other = make_domain(), make_domain()
    mine, foreign = make_attachments(domain, "a", "b"), make_attachments(other, "c")
    client = client_for(make_delegate(domain))
    query = "&".join(f"chosen={rule.pk}" for rule in (*mine, *foreign))
    base = url("rule-bulk", domain.pk, ATTACHMENT)
    assert client.post(f"{base}?do=disable&{query}", {"expected": "2"}).status_code == 303
    assert set(AttachmentRule.objects.filter(is_enabled=False)) == set(mine)
    assert client.post(f"{base}?do=delete&{query}", {"expected": "2", "typed": "2"}).status_code == 303
    assert list(AttachmentRule.objects.all()) == foreign


def test_an_import_is_checked_then_done(client_for: ClientFor) -> None:
    domain = make_domain()
    client, path = client_for(make_delegate(domain)), url("rule-import", domain.pk, SENDER)
    file = SimpleUploadedFile("rules.csv", b"type,value\nblock,x.example\nallow,y.example\n")
    checked = client.post(path, {"file": file, "replace": ""})
    assert checked.context["plan"].numbers["new"] == 2 and not SenderRule.objects.exists()
    done = client.post(path, {"held": checked.context["held"], "replace": "", "import": "1"})
    assert done.status_code == 303 and SenderRule.objects.count() == 2
    exported = client.get(url("rule-export", domain.pk, SENDER))
    assert exported["Content-Type"].startswith("text/csv") and b"x.example" in exported.content
    assert client.get(url("rule-export", domain.pk, SENDER) + "?format=json").json()["rules"][0]["type"]


def test_the_tester_answers_in_words(client_for: ClientFor) -> None:
    domain = make_domain("own.example")
    make_rule(SENDER, domain)
    client = client_for(make_delegate(domain, role="auditor"))
    data = {"direction": "incoming", "sender": "spam@evil.example"}
    page = client.post(url("rule-try", domain.pk), data).content.decode()
    assert "Blocked sender" in page and "The sender spam@evil.example is blocked." in page
    refused = client.post(url("rule-try", domain.pk), data | {"recipient": "a@elsewhere.example"})
    assert refused.status_code == 422
    message = b"From: <script>alert(1)</script>@x.example\nSubject: <b>\n\n<img src=x onerror=alert(1)>"
    file = SimpleUploadedFile("m.eml", message)
    page = client.post(url("rule-try", domain.pk), {"direction": "incoming", "file": file}).content.decode()
    assert "<script>alert" not in page and "<b>" not in page.split('id="answer"')[1].split("What spoke")[0]


def test_people_allow_and_block_for_themselves(client_for: ClientFor) -> None:
    mailbox = make_mailbox_in(make_domain())
    client = client_for(mailbox.user)
    assert client.post(url("own-sender-list"), {"value": "X@evil.example", "type": "block"}).status_code == 303
    rule = SenderRule.objects.get()
    assert (rule.mailbox, rule.value) == (mailbox, "x@evil.example")
    again = client.post(url("own-sender-list"), {"value": "x@evil.example", "type": "block"})
    assert again.status_code == 422
    assert client.post(url("own-sender-edit", rule.pk), {"value": "y.example", "type": "allow"}).status_code == 303
    Domain.objects.update(end_user_rights=["sign_in"])
    assert client.get(url("own-sender-list")).status_code == 200
    for path in (url("own-sender-list"), url("own-sender-edit", rule.pk), url("own-sender-delete", rule.pk)):
        assert client.post(path, {"value": "z.example", "type": "block"}).status_code == 403
    assert SenderRule.objects.get().value == "y.example"


def test_a_policy_is_made_changed_and_kept_while_in_use(client_for: ClientFor) -> None:
    domain = make_domain()
    client = client_for(make_delegate(domain))
    assert client.post(url("policy-create", domain.pk), POLICY).status_code == 303
    policy = Policy.objects.get(name="another")
    assert policies.values_of(policy)["relay_props.relay_advert"] is True
    low = POLICY | {"relay_props__relay_spam": "on", "relay_props__spam_score_limit": "1"}
    refused = client.post(url("policy-edit", policy.pk), low)
    assert "relay_props__spam_score_limit" in refused.context["form"].errors
    stale = client.post(url("policy-edit", policy.pk), POLICY | {"spam_score": "4", "version": "99"})
    assert stale.status_code == 422
    assert client.post(url("policy-default", policy.pk)).status_code == 303
    client.post(url("policy-delete", policy.pk))
    assert Policy.objects.filter(pk=policy.pk).exists()


def test_a_mailbox_has_values_of_its_own_and_gives_them_back(client_for: ClientFor) -> None:
    mailbox = make_mailbox_in(domain := make_domain())
    client, path = client_for(make_delegate(domain)), url("user-policy-edit", mailbox.pk)
    data = {"spam_score": "7.5", "quarantine": "yes", "archive": "no"}
    assert client.post(path, data).status_code == 303
    own = {"spam_score": 7.5, "quarantine": True, "archive": False}
    assert Mailbox.objects.get().policy_values == own
    assert "Values of its own" in client.get(url("user-policy", mailbox.pk)).content.decode()
    foreign = policies.create_policy(SYSTEM, make_domain(), {"name": "x"})
    assert client.post(path, data | {"policy": str(foreign.pk)}).status_code == 422
    assert client.post(path, {"policy": ""}).status_code == 303
    assert Mailbox.objects.get().policy_values == {}


def test_lists_cost_the_same_however_long_they_are(client_for: ClientFor) -> None:
    domain = make_domain()
    client = client_for(make_delegate(domain))
    paths = [url("domain-rules", domain.pk, kind) for kind in (SENDER, ATTACHMENT)] + [
        url("rule-overview"), url("policy-list"), url("domain-policies", domain.pk),
    ]  # fmt: skip

    def costs() -> list[int]:
        found = []
        for path in paths:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code == 200
            found.append(len(captured))
        return found

    make_rule(SENDER, domain, value="x.example")
    make_attachments(domain, "x")
    costs()
    few = costs()
    for number in range(12):
        make_rule(SENDER, domain, value=f"x{number}.example")
        make_rule(SENDER, make_mailbox_in(domain), value="y.example")
        policies.create_policy(SYSTEM, domain, {"name": f"p{number}"})
    make_attachments(domain, *"abcdefgh")
    assert costs() == few
