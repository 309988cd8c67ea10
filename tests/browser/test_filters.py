"""Policies and filters in a real browser: every page as three kinds of people, and the main story by clicking."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from domains.models import AttachmentRule, Domain, Mailbox
from domains.policy.rules import RuleKind
from domains.services import policies
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations
from tests.browser.test_pages import ERROR_STATUS
from tests.browser.test_pages import NAMED_LOOKS as LOOKS
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.domains.filters.builders import SYSTEM, make_rule
from tests.factories import make_administrator

WALKS = ["delegate-phone-dark", "user-phone", "administrator-desktop"]
if os.environ.get("PAGE_SHOTS"):
    WALKS = [f"{role}-{look}" for role in ("administrator", "delegate", "user") for look in LOOKS]


@dataclass
class Place:
    domain: Domain
    mailbox: Mailbox
    people: dict[str, User]
    pages: list[tuple[str, str]]


def build() -> Place:
    """A domain with policies and filters of every kind, in several states."""
    domain = make_domain("lighthouse.example", make_customer("Lighthouse"))
    mailbox = make_mailbox_in(domain, "kim", name="Kim Keeper")
    strict = policies.create_policy(SYSTEM, domain, {"name": "Strict", "quarantine": True, "spam_score": 3.5})
    policies.set_mailbox_policy(SYSTEM, mailbox, strict)
    policies.set_policy_values(SYSTEM, mailbox, {"spam_score": 4.5, "archive": True})
    for value, kind, more in (
        ("spam@evil.example", "block", {}),
        (".casino.example", "block", {"description": "All of the casino's mail servers"}),
        ("partner.example", "allow", {"spf_required": True}),
        ("chief@lighthouse.example", "protected", {"display_name": "Casey Chief"}),
        ("old.example", "allow", {"is_enabled": False}),
    ):
        make_rule(RuleKind.SENDER, domain, value=value, type=kind, **more)
        if kind != "protected":
            make_rule(RuleKind.SENDER, mailbox, value=value, type=kind, **more)
    rule: Any = None
    for text, action, mode in (
        (r"\.(exe|scr|com|bat|cmd|js|vbs)$", "deny", "regex"),
        ("*.iso", "deny", "wildcard"),
        ("invoice", "allow", "text"),
    ):  # fmt: skip
        rule = make_rule(RuleKind.ATTACHMENT, domain, filter=text, action=action, mode=mode)
    make_rule(RuleKind.URI, domain)
    make_rule(RuleKind.DLP, domain, explanation="Numbers of cards stay here.")
    args = {"domain": domain.pk, "mailbox": mailbox.pk}
    pages = [(f"rules-{kind}", reverse("domains:domain-rules", args=[domain.pk, kind])) for kind in RuleKind]
    pages += [(f"rule-create-{kind}", reverse("domains:rule-create", args=[domain.pk, kind])) for kind in RuleKind]
    pages += [
        (name, reverse(f"domains:{name}", args=[args[whose]]))
        for name, whose in (
            ("domain-policies", "domain"), ("policy-create", "domain"), ("rule-try", "domain"),
            ("user-policy", "mailbox"), ("user-policy-edit", "mailbox"), ("user-senders", "mailbox"),
        )
    ]  # fmt: skip
    pages += [
        ("policy-detail", reverse("domains:policy-detail", args=[strict.pk])),
        ("policy-edit", reverse("domains:policy-edit", args=[strict.pk])),
        ("rule-edit", reverse("domains:rule-edit", args=[RuleKind.ATTACHMENT, rule.pk])),
        ("rule-import", reverse("domains:rule-import", args=[domain.pk, RuleKind.SENDER])),
        ("policy-list", reverse("domains:policy-list")),
        ("rule-list", reverse("domains:rule-overview")),
    ]
    assert mailbox.user is not None
    delegate = make_delegate(domain, email="dana@lighthouse.example")
    administrator = make_administrator("root@host.example")
    people = {"administrator": administrator, "delegate": delegate, "user": mailbox.user}
    return Place(domain, mailbox, people, pages)


def look_at(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it is; its picture where somebody wants pictures."""
    if folder := os.environ.get("PAGE_SHOTS"):
        page.screenshot(path=str(Path(folder, f"filters-{name}.png")), full_page=True)
    wide = [f"{page.url}: {overflow(page)} px too wide"] if overflow(page) > 0 else []
    return wide + violations(page)


@pytest.mark.parametrize("walked", WALKS)
def test_every_page_of_policies_and_filters_fits_and_axe_finds_nothing(page_as: PageFor, walked: str) -> None:
    role, look = walked.split("-", 1)
    size, theme = LOOKS[look]
    place = build()
    page = page_as(place.people[role], size=size, theme=theme, forgive=ERROR_STATUS)
    own = [("own-senders", reverse("domains:own-sender-list"))]
    if role == "user":
        own.append(
            ("own-sender-edit", reverse("domains:own-sender-edit", args=[place.mailbox.sender_rules.all()[0].pk]))
        )
    wrong: list[str] = []
    for name, path in own if role == "user" else place.pages + own:
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, (path, answer)
        wrong += look_at(page, f"{walked}-{name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_a_domain_administrator_filters_by_clicking(page_as: PageFor, size: tuple[int, int], theme: str) -> None:
    place = build()
    page = page_as(place.people["delegate"], size=size, theme=theme, forgive=ERROR_STATUS)
    name = f"story-{size[0]}-{theme}"
    files = reverse("domains:domain-rules", args=[place.domain.pk, RuleKind.ATTACHMENT])
    page.goto(reverse("domains:rule-create", args=[place.domain.pk, RuleKind.ATTACHMENT]))
    page.get_by_label("How it is read").select_option("regex")
    page.get_by_label("Expression").fill(r"\.(exe$")
    page.get_by_role("button", name="Add rule").click()
    expect(page.locator("#field-filter .field__error")).to_contain_text("Character 3")
    wrong = look_at(page, f"{name}-error")
    page.get_by_label("Expression").fill(r"\.pif$")
    page.get_by_role("button", name="Add rule").click()
    page.wait_for_url(f"**{files}")
    page.get_by_role("button", name=r"Move \.pif$ up").click()
    expect(page.locator(".toast").first).to_contain_text("place 3")
    order = list(
        AttachmentRule.objects.filter(domain=place.domain).order_by("priority").values_list("filter", flat=True)
    )
    assert order.index(r"\.pif$") == 2 and len(order) == 4
    wrong += look_at(page, f"{name}-moved")
    page.goto(reverse("domains:rule-try", args=[place.domain.pk]))
    page.get_by_label("Recipient (envelope)").fill("kim@lighthouse.example")
    page.get_by_label("Sender (envelope)").fill("x@evil.example")
    page.get_by_label("Name of an attachment").fill("virus.pif")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#answer")).to_contain_text("Forbidden attachment")
    wrong += look_at(page, f"{name}-tried")
    page.goto(reverse("domains:rule-import", args=[place.domain.pk, RuleKind.SENDER]))
    page.get_by_label("Or paste it").fill("type,value\nblock,new.example\nblock,spam@evil.example\nlove,x\n")
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("table")).to_contain_text("One of: ALLOW, BLOCK, PROTECTED")
    wrong += look_at(page, f"{name}-import-refused")
    page.get_by_label("Or paste it").fill("type,value\nblock,new.example\nblock,spam@evil.example\n")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("button", name="Import the file")).to_be_visible()
    wrong += look_at(page, f"{name}-import")
    page.get_by_role("button", name="Import the file").click()
    expect(page.locator(".toast").first).to_contain_text("1 new")
    assert place.domain.senderrules.filter(mailbox=None, value="new.example").exists()
    assert not wrong, "\n".join(wrong)
