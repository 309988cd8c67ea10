"""What is asked of a page in whatever browser test: does axe find something, is it wider than the window.

Not for what a page says or does: that is each test's own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

NARROW = 700  # px

# What stands around the main part, as far as it can be seen: each element's way down to it with classes and state. And
# what else decides about its colours.
FRAME = """() => {
  const main = document.getElementById('main');
  if (!main) return null;
  const state = (el) => ['aria-current', 'aria-expanded', 'aria-pressed', 'disabled', 'open']
    .filter((name) => el.hasAttribute(name)).map((name) => `[${name}=${el.getAttribute(name)}]`).join('');
  const told = (el) => `${el.localName}.${el.className.baseVal ?? el.className}${state(el)}`;
  const seen = new Set();
  for (const el of document.body.querySelectorAll('*')) {
    if (main.contains(el) || el.contains(main) || !el.checkVisibility()) continue;
    const way = [];
    for (let at = el; at && way.length < 4; at = at.parentElement) way.push(told(at));
    seen.add(way.join(' < '));
  }
  const root = document.documentElement;
  const sheets = [...document.styleSheets].map((sheet) => sheet.href).sort().join(' ');
  return {
    look: [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, root.dataset.theme, root.dataset.brand,
           root.dataset.rows, sheets].join(' '),
    seen: [...seen],
  };
}"""
# Only the violations leave the page: carrying every rule that passed through the driver costs more than finding them.
# The rule about colours takes two thirds of the time; where it has seen the frame already, it looks at the main part.
RUN = """async (whole) => {
  const usual = {preload: false, resultTypes: ['violations']};
  if (whole) return (await axe.run(document, usual)).violations;
  const rest = await axe.run(document, {...usual, rules: {'color-contrast': {enabled: false}}});
  const colours = await axe.run('#main', {...usual, runOnly: ['color-contrast']});
  return [...rest.violations, ...colours.violations];
}"""
# The innermost element among those that reach furthest to the right.
WIDEST = """() => {
  let found = null, most = document.documentElement.clientWidth;
  for (const el of document.body.querySelectorAll('*')) {
    const right = el.getBoundingClientRect().right;
    if (right >= most && el.checkVisibility()) [found, most] = [el, right];
  }
  return found ? `${found.outerHTML.slice(0, 200)} in ${found.parentElement.outerHTML.slice(0, 200)}` : 'nothing seen';
}"""
# Between an answer's first byte and its first element there is a document without any.
# A function: an expression would be evaluated again in the page, which its content security policy refuses.
ARRIVED = "() => document.documentElement !== null && document.readyState !== 'loading'"
# Some frames after a change of width a page may still stand as it was.
OVERFLOW = """async () => {
  const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  for (let frame = 0; frame < 4 && over() > 0; frame++) await new Promise(requestAnimationFrame);
  return over();
}"""
_frames: dict[str, set[str]] = {}


def violations(page: Page) -> list[str]:
    """What axe finds wrong in the page, a text each: address, rule, element and what to do.

    The frame around the main part is the same on a hundred pages: its colours are looked at in each look (width, theme,
    style sheets) and whenever something stands in it that wasn't there before.
    """
    page.wait_for_function(ARRIVED)
    kind = page.evaluate("document.contentType")
    if kind != "text/html":
        return [f"{page.url} is {kind}, no page"]  # in a picture axe would wait for ever
    if page.evaluate("window.origin") == "null":
        return [f"{page.url} is a frame without scripts, no page"]  # and here too
    page.evaluate(AXE_SCRIPT)
    rules: list[dict[str, Any]] = page.evaluate(RUN, _is_new_frame(page))
    nodes = [(rule["id"], node) for rule in rules for node in rule["nodes"]]
    return [f"{page.url} {rule}: {node['html'][:160]} {node['failureSummary']}" for rule, node in nodes]


def _is_new_frame(page: Page) -> bool:
    frame = page.evaluate(FRAME)
    if frame is None:
        return True
    known = _frames.setdefault(frame["look"], set())
    is_new = not known.issuperset(frame["seen"])
    known.update(frame["seen"])
    return is_new


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window, once it is laid out for it."""
    page.wait_for_function(ARRIVED)
    return int(page.evaluate(OVERFLOW))


def too_wide(page: Page) -> list[str]:
    """What to say where it is wider than its window: by how much, and which element reaches furthest."""
    assert page.viewport_size is not None
    over = overflow(page)
    if over <= 0:
        return []
    return [f"{page.url} is {over} px wider than {page.viewport_size['width']}: {page.evaluate(WIDEST)}"]


def look(page: Page, size: tuple[int, int], theme: str) -> None:
    """Give it another width and theme."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")


def keep(page: Page, name: str, size: tuple[int, int], theme: str) -> None:
    """A picture of it, where PAGE_SHOTS names a folder."""
    if folder := os.environ.get("PAGE_SHOTS"):
        width = "desktop" if size[0] > NARROW else "phone"
        page.screenshot(path=Path(folder, f"{name}-{width}-{theme}.png"), full_page=True)
