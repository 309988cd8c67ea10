"""What the shell does in a real browser: palette, keys, dialogs, notices, theme and language, the folded navigation."""

from __future__ import annotations

import re

from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from tests.browser.conftest import PHONE, PageFor
from tests.domains.factories import make_domain, make_mailbox_in

GUIDE = "/styleguide"


def test_the_palette_finds_a_page_by_words_and_opens_it_with_the_keyboard(
    page_as: PageFor, administrator: User
) -> None:
    page = page_as(administrator)
    page.goto("/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Page or command")
    expect(box).to_be_focused()
    page.keyboard.type("task")
    expect(page.locator("#palette [role=option][aria-selected=true]")).to_contain_text("Tasks")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(reverse("jobs:task-list") + "$"))


def test_the_palette_asks_for_what_was_typed_while_its_list_was_on_the_way(
    page_as: PageFor, administrator: User
) -> None:
    make_mailbox_in(make_domain("lovelace.example"), "ada")
    page = page_as(administrator)
    page.goto(GUIDE)

    def late(route: Route) -> None:
        page.wait_for_timeout(1_000)
        route.continue_()

    page.route(re.compile("/palette$"), late)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Page or command")).to_be_focused()
    page.keyboard.type("ada")
    expect(page.locator("#palette [data-object]")).to_contain_text("ada@lovelace.example", timeout=15_000)


def test_the_palette_shows_a_user_only_what_they_may_open(page_as: PageFor, user: User) -> None:
    page = page_as(user)
    page.goto(reverse("jobs:task-list"))
    page.keyboard.press("Control+k")
    expect(page.locator("#palette [role=option]", has_text="Tasks")).to_be_visible()
    expect(page.locator("#palette [role=option]", has_text="Users")).to_have_count(0)


def test_closing_the_palette_gives_focus_back(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    opener = page.get_by_role("button", name="Go to…")
    opener.click()
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(opener).to_be_focused()


def test_keys_go_search_move_and_open(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search stores")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="2024")).to_be_focused()
    page.keyboard.press("k")
    expect(page.get_by_role("link", name="Main", exact=True)).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name="Choose Main")).to_be_checked()
    expect(page.locator("[data-chosen-count]")).to_have_text("1")
    page.get_by_role("link", name="2024").focus()
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile("#2024$"))
    page.locator("h1").first.click()
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(reverse("accounts:user-list") + "$"))


def test_the_question_mark_lists_the_keys_and_escape_closes_the_list(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_a_key_typed_into_a_field_is_a_letter(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.get_by_role("searchbox", name="Search stores").fill("")
    page.keyboard.type("gu?/jk")
    expect(page.get_by_role("searchbox", name="Search stores")).to_have_value("gu?/jk")


def test_a_dangerous_button_asks_first_and_escape_does_nothing(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    button = page.get_by_role("button", name="Ask before")
    button.click()
    dialog = page.get_by_role("dialog", name="Delete 3 users?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    expect(page.locator(".toast")).to_have_count(0)
    button.click()
    dialog.get_by_role("button", name="Delete 3 users").click()
    expect(page.locator(".toast")).to_contain_text("The example was confirmed")


def test_a_typed_confirmation_waits_for_the_right_word(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.get_by_role("button", name="Ask and type").click()
    dialog = page.get_by_role("dialog")
    go = dialog.get_by_role("button", name="Delete the store")
    expect(go).to_be_disabled()
    page.keyboard.type("Mai")
    expect(go).to_be_disabled()
    page.keyboard.type("n")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The example was confirmed")


def test_enter_in_an_unfinished_typed_confirmation_does_nothing(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.get_by_role("button", name="Ask and type").click()
    page.keyboard.type("Mai")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    expect(page.locator(".toast")).to_have_count(0)


def test_the_theme_changes_at_once_and_stays_for_the_person(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.get_by_role("button", name="Account menu").click()
    with page.expect_response(re.compile("/preferences$")):
        page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    administrator.refresh_from_db()
    assert administrator.theme == "dark"


def test_the_language_changes_the_page_and_stays_for_the_person(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("navigation", name="Hauptnavigation")).to_be_visible()
    administrator.refresh_from_db()
    assert administrator.language == "de"


def test_the_sign_in_page_follows_the_browser_and_remembers_another_choice(page_as: PageFor, db: None) -> None:
    page = page_as(None, locale="de-DE")
    page.goto(reverse("accounts:sign-in"))
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_url(re.compile(reverse("accounts:sign-in")))


def test_the_navigation_folds_on_a_phone_and_works_by_touch_and_key(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator, size=PHONE)
    page.goto(GUIDE)
    nav = page.locator("#nav")
    expect(nav).to_be_hidden()
    page.get_by_role("button", name="Navigation", exact=True).tap()
    expect(nav).to_be_visible()
    page.keyboard.press("Escape")
    expect(nav).to_be_hidden()
    page.get_by_role("button", name="Navigation", exact=True).press("Enter")
    nav.get_by_role("link", name="Users").tap()
    expect(page).to_have_url(re.compile(reverse("accounts:user-list") + "$"))


def test_notices_can_be_dismissed_and_errors_stay(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.clock.install()
    page.goto(GUIDE + "?toasts=1")
    expect(page.locator(".toast")).to_have_count(4)
    page.locator(".toast--success").get_by_role("button", name="Dismiss").click()
    expect(page.locator(".toast")).to_have_count(3)
    page.mouse.move(0, 0)
    page.locator("h1").first.click()
    page.clock.run_for(20_000)
    expect(page.locator(".toast")).to_have_count(1)
    expect(page.locator(".toast--error")).to_be_visible()


def test_leaving_with_unsaved_changes_asks(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(reverse("accounts:account"))
    page.get_by_label("Name").fill("Somebody Else")
    asked: list[str] = []

    def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    page.locator("#nav").get_by_role("link", name="Users").click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    expect(page).to_have_url(re.compile(reverse("accounts:account")))


def test_the_skip_link_comes_first_and_leads_to_the_content(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(GUIDE)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert _focused(page) == "main"


def test_an_unknown_address_is_answered_in_the_shell_with_an_id(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator, forgive=("status of 404",))
    response = page.goto("/no/such/page")
    assert response is not None
    assert response.status == 404
    expect(page.locator("h1")).to_have_text("There is nothing here")
    expect(page.locator("#nav")).to_be_visible()
    expect(page.locator(".problem__id code")).to_have_text(response.headers["x-request-id"])


def _focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))
