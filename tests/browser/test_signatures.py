"""Signatures in a real browser: one's own is written formatted, with a picture and a preview; a template is tried.

With PAGE_SHOTS set, each step leaves a picture there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from domains.services import profiles
from gateway.models import OwnSignature, SignaturePicture
from gateway.services import signature_pictures, signature_rules
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations
from tests.browser.test_branding import lighthouse
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
LOOKS = [pytest.param(DESKTOP, "light", id="desktop"), pytest.param(PHONE, "dark", id="phone")]
if os.environ.get("PAGE_SHOTS"):
    LOOKS += [pytest.param(DESKTOP, "dark", id="desktop-dark"), pytest.param(PHONE, "light", id="phone-light")]
TABLE = (
    '<table><tbody><tr><td><img src="cid:picture-{picture}" width="120" alt="Harbour"></td><td><b>{{{{ name }}}}</b>'
    "<br>{{{{ title }}}}<br>Tel. {{{{ phone }}}}<br>Fax {{{{ fax }}}}</td></tr></tbody></table>"
)


def look(page: Page, name: str, theme: str) -> None:
    assert violations(page) == []
    assert overflow(page) <= 0
    if shots := os.environ.get("PAGE_SHOTS"):
        width = "phone" if page.viewport_size == {"width": PHONE[0], "height": PHONE[1]} else "desktop"
        page.screenshot(path=Path(shots) / f"signature-{name}-{width}-{theme}.png", full_page=True)


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_signature_is_written_as_it_will_look(
    page_as: PageFor, size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    mailbox = make_mailbox_in(make_domain("harbour.example"), "ada", name="Ada Okafor")
    page = page_as(mailbox.user, size=size, theme=theme)
    page.goto(reverse("gateway:my-signatures"))
    look(page, "own-none", theme)
    page.get_by_role("link", name="New signature").click()
    writing = page.frame_locator(".editor__canvas").locator("body")
    expect(writing).to_have_attribute("contenteditable", "true")
    writing.press_sequentially("Ada Okafor, ")
    expect(writing).to_contain_text("Ada Okafor,")
    page.get_by_role("button", name="Bold").click()
    writing.press_sequentially("harbour master")
    (tmp_path / "logo.png").write_bytes(lighthouse())
    page.locator(".editor__upload input").set_input_files(tmp_path / "logo.png")
    expect(writing.locator("img")).to_be_visible()
    shown = page.frame_locator("[name=signature-preview]")
    expect(shown.locator("b")).to_have_text("harbour master")
    expect(shown.locator("img")).to_have_attribute("src", re.compile("^data:image/png;base64,"))
    expect(shown.locator("pre")).to_contain_text("Ada Okafor, harbour master")
    page.locator("#preview-shade").select_option("dark")
    expect(shown.locator("body.dark")).to_be_visible()
    look(page, "own-edit", theme)
    page.get_by_role("button", name="HTML").click()
    source = page.locator("#id_html")
    expect(source).to_have_value(re.compile(r'src="cid:picture-\d+"'))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="My signature")).to_be_visible()
    row = OwnSignature.objects.get(mailbox=mailbox)
    assert row.is_default
    assert f'src="cid:picture-{SignaturePicture.objects.get().pk}"' in row.html
    expect(page.frame_locator(".signature__frame").locator("b")).to_have_text("harbour master")
    look(page, "own", theme)


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_domain_gives_its_people_a_template_and_tries_it(page_as: PageFor, size: tuple[int, int], theme: str) -> None:
    domain = make_domain("harbour.example", make_customer("Harbour authority"))
    mailbox = make_mailbox_in(domain, "ada", name="Ada Okafor")
    make_mailbox_in(domain, "bela", name="Béla Nagy")
    profiles.set_information(SYSTEM, mailbox, {"Title": "Harbour master", "Phone": "+47 22 33"})
    place = ScopeRef(Level.DOMAIN, domain.pk)
    logo = signature_pictures.add_picture(SYSTEM, place, name="logo.png", raw=lighthouse())
    page = page_as(make_delegate(domain), size=size, theme=theme)
    page.goto(reverse("gateway:signature-place", args=["domain", domain.pk]))
    page.get_by_role("link", name="New template").click()
    page.get_by_label("Name", exact=True).fill("House style")
    page.get_by_role("button", name="HTML").click()
    page.locator("#id_html").fill(TABLE.format(picture=logo.pk))
    page.locator("#preview-as").fill("ada@harbour.example")
    shown = page.frame_locator("[name=signature-preview]")
    expect(shown.locator("b")).to_have_text("Ada Okafor")
    expect(shown.locator("td").nth(1)).to_have_text("Ada OkaforHarbour masterTel. +47 22 33")
    page.get_by_role("button", name="HTML").click()
    look(page, "template", theme)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The template is saved.")).to_be_visible()
    page.goto(reverse("gateway:signature-rule-create", args=["domain", domain.pk]))
    page.get_by_label("Name", exact=True).fill("Everybody")
    page.get_by_label("Gives").select_option(label="House style")
    look(page, "rule", theme)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="1. Everybody")).to_be_visible()
    signature_rules.create_template(
        SYSTEM, place, {"name": "Notice", "kind": "addition", "html": "<p>Confidential.</p>"}
    )
    look(page, "place", theme)
    page.goto(f"{reverse('gateway:signature-trial')}?person=ada@harbour.example&to=bob@example.net")
    expect(page.frame_locator(".signature__frame").first.locator("b")).to_have_text("Ada Okafor")
    look(page, "trial", theme)
    page.goto(reverse("gateway:signature-people"))
    expect(page.get_by_role("row", name="bela@harbour.example")).to_contain_text("House style")
    look(page, "people", theme)
    page.goto(reverse("gateway:signature-template-list"))
    look(page, "templates", theme)
    page.goto(reverse("gateway:user-signatures", args=[mailbox.pk]))
    look(page, "user", theme)
