"""Lists and object pages as a person uses them, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from accounts.models import User
from jobs.models import Task
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import violations

TASKS, OBJECT = "/tasks/", "/styleguide/object"


def _boxes(page: Page) -> list[bool]:
    return [box.is_checked() for box in page.locator("[name=chosen]").all()]


@pytest.fixture
def tasks(administrator: User) -> list[Task]:
    states = ["waiting", "completed", "failed"]
    return [factories.make_task(administrator, state=states[n % 3], type=f"Task{n:02}") for n in range(60)]


def test_typing_searches_keeps_the_focus_and_writes_the_address(
    page_as: PageFor, administrator: User, tasks: list[Task]
) -> None:
    page = page_as(administrator)
    page.goto(TASKS)
    page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="Search this list")
    expect(box).to_be_focused()
    page.keyboard.type("state:failed")
    expect(page.locator("#list-count")).to_have_text("20")
    expect(box).to_be_focused()
    expect(box).to_have_value("state:failed")
    expect(page).to_have_url(re.compile(r"/tasks/\?q=state%3Afailed$"))
    box.fill("")
    expect(page.locator("#list-count")).to_have_text("60")
    expect(page).to_have_url(re.compile(r"/tasks/$"))
    box.fill("colour:red")
    expect(page.locator("#list-problem")).to_contain_text("There is no field “colour”")


def test_filters_chips_sorts_and_pages_swap_the_list_and_go_back_by_their_addresses(
    page_as: PageFor, administrator: User, tasks: list[Task]
) -> None:
    page = page_as(administrator)
    page.goto("/styleguide/list")
    page.locator("summary", has_text="State").click()
    page.get_by_label("Failed", exact=True).check()
    expect(page).to_have_url(re.compile("state=failed"))
    expect(page.locator("#list-count")).to_have_text("20")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Failed", exact=True)).to_be_hidden()
    page.get_by_role("link", name="Task", exact=True).click()
    expect(page).to_have_url(re.compile("sort=name"))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Task")
    page.get_by_role("link", name="State: Failed Remove this filter").click()
    expect(page.locator("#list-count")).to_have_text("60")
    page.get_by_role("link", name="Last").click()
    expect(page.get_by_role("link", name="Task59")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("link", name="Task00")).to_be_visible()
    expect(page).to_have_url(re.compile("sort=name$"))


def test_shift_chooses_a_range_and_all_that_match_is_offered_for_a_full_page(
    page_as: PageFor, administrator: User, tasks: list[Task]
) -> None:
    page = page_as(administrator)
    page.goto(TASKS)
    bar = page.get_by_role("region", name="Chosen rows")
    expect(bar).to_be_hidden()
    boxes = page.locator("[name=chosen]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    assert _boxes(page)[:6] == [False, True, True, True, True, False]
    expect(bar.locator("[data-chosen-count]")).to_have_text("4")
    expect(bar.get_by_label("All 60 that match")).to_be_hidden()
    boxes.nth(3).click(modifiers=["Shift"])
    assert _boxes(page)[:6] == [False, True, True, False, False, False]
    page.get_by_label("Choose all rows").check()
    expect(bar.locator("[data-chosen-count]")).to_have_text("50")
    bar.get_by_label("All 60 that match").check()
    expect(bar.locator("[data-chosen-count]")).to_have_text("60")
    bar.get_by_role("button", name="Cancel…").click()
    expect(page.get_by_role("heading", name="Cancel 20 tasks")).to_be_visible()
    expect(page.locator(".numbers")).to_contain_text("40 stay as they are: has ended")
    assert "chosen=" not in page.url
    page.get_by_role("button", name="Cancel 20 tasks").click()
    expect(page.locator(".toast")).to_contain_text("20 tasks end.")
    assert not Task.objects.filter(state="waiting").exists()


def test_the_keyboard_moves_chooses_and_opens(page_as: PageFor, administrator: User, tasks: list[Task]) -> None:
    page = page_as(administrator)
    page.goto(TASKS)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert _boxes(page)[:3] == [False, True, False]
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert _boxes(page)[:3] == [True, True, False]
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(f"/tasks/{tasks[57].pk}/$"))


def test_columns_are_chosen_and_a_search_is_saved_as_a_tab(
    page_as: PageFor, administrator: User, tasks: list[Task]
) -> None:
    page = page_as(administrator)
    page.goto(TASKS + "?q=by:administrator")
    page.locator("summary", has_text="View").click()
    page.get_by_label("Ended").check()
    page.get_by_label("Asked by").uncheck()
    page.get_by_role("button", name="Show like this").click()
    expect(page.get_by_role("columnheader", name="Ended")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Asked by")).to_have_count(0)
    page.locator("summary", has_text="View").click()
    page.get_by_label("Save this search as a view").fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Saved as the view “Mine”.")
    expect(page.get_by_role("link", name="Mine").first).to_have_attribute("aria-current", "page")


def test_on_a_phone_filters_and_order_are_in_a_sheet(page_as: PageFor, administrator: User, tasks: list[Task]) -> None:
    page = page_as(administrator, size=PHONE)
    page.goto("/styleguide/list")
    expect(page.locator("summary", has_text="State")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    page.locator("summary", has_text="State").click()
    page.get_by_label("Failed", exact=True).check()
    page.get_by_label("Sorted by").select_option("name")
    page.get_by_role("button", name="Show the rows").click()
    expect(page.locator("#list-count")).to_have_text("20")
    expect(page).to_have_url(re.compile("sort=name"))
    expect(page.locator("tbody tr").first).to_contain_text("Task02")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_value_is_edited_in_place_refused_saved_and_the_focus_stays(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator, forgive=("422",))
    page.goto(OBJECT)
    page.get_by_role("link", name="Edit Description").click()
    field = page.get_by_label("Value")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Edit Description")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    field.fill("taken")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Another domain has this name.")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("Our own")
    page.keyboard.press("Enter")
    expect(page.locator("#value-name")).to_contain_text("Our own")
    expect(page.get_by_role("link", name="Edit Description")).to_be_focused()
    expect(page.locator(".toast")).to_contain_text("Description is saved.")


def test_leaving_with_a_refused_or_changed_form_asks(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator, forgive=("422",))
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto(OBJECT)
    page.get_by_role("link", name="Edit Description").click()
    page.get_by_label("Value").fill("changed")
    page.goto(TASKS)
    assert asked == ["beforeunload"]
    page.goto(OBJECT)
    page.goto(TASKS)
    assert asked == ["beforeunload"]


def test_the_switcher_searches_and_leads_to_the_same_page(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(OBJECT)
    page.get_by_label("Go to another place: Example domain").click()
    box = page.get_by_role("searchbox", name="Search: Example domain")
    expect(box).to_be_focused()
    box.fill("27")
    expect(page.locator(".switcher__choices a")).to_have_count(1)
    page.get_by_role("link", name="example27.org").click()
    expect(page).to_have_url(re.compile(r"/styleguide/object\?place=example27.org$"))
    expect(page.locator(".crumbs__place")).to_contain_text("example27.org")


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_nothing_that_opens_has_an_accessibility_violation(
    page_as: PageFor, administrator: User, tasks: list[Task], size: tuple[int, int], theme: str
) -> None:
    page = page_as(administrator, size=size, theme=theme)
    found: list[str] = []

    def look(path: str, *clicked: str) -> None:
        page.goto(path)
        for selector in clicked:
            page.locator(selector).first.click()
        page.wait_for_load_state("networkidle")
        found.extend(f"{clicked}: {violation}" for violation in violations(page))

    look("/styleguide/list?q=nosuch:x&state=failed")
    look("/styleguide/list?state=failed", ".list__tools summary")
    if size == PHONE:
        look("/styleguide/list?state=failed", ".list__fold", ".list__filters summary")
    else:
        look("/styleguide/list?state=failed", ".list__filters summary")
        look("/styleguide/list", ".list__help summary")
    look("/styleguide/list", "[name=chosen]", *([".bulkbar__page input"] if size == PHONE else []))
    look(f"/styleguide/list/bulk?do=cancel&chosen={tasks[0].pk}&chosen={tasks[1].pk}")
    look(OBJECT, ".kv__edit")
    look(OBJECT, ".switcher summary")
    look(OBJECT, ".api-call summary")
    look("/styleguide/object/value")
    assert not found, "\n".join(found)
