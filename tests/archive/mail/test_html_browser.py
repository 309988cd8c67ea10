"""The hostile collection in a real Chromium: nothing asks the listener, nothing runs, nothing covers the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from archive.mail.html import sanitise
from tests.archive.mail.hostile import hostile

pytestmark = pytest.mark.browser
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


FORBIDDEN_ELEMENTS = (
    "document.querySelectorAll('script,form,input,button,iframe,object,embed,svg,math,link,base,video').length"
)
NOTHING_MOVED_OR_LISTENING = (
    "[...document.querySelectorAll('*')].every(e => getComputedStyle(e).position === 'static'"
    " && getComputedStyle(e).transform === 'none' && [...e.attributes].every(a => !a.name.startsWith('on')))"
)


class Listener:
    """An HTTP server that answers everything and remembers who asked for what."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pages: dict[str, str] = {}
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = listener.pages.get(self.path)
                if page is None:
                    listener.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8" if page else "image/gif")
                self.end_headers()
                self.wfile.write((page or "GIF89a").encode())

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.server.shutdown()
    listener.server.server_close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()


def show(page: Page, listener: Listener, documents: dict[str, str], sandbox: str = "") -> None:
    """Serve documents and open each in a sandboxed frame, as the message page does (but with no policy header)."""
    listener.pages = {f"/frame/{number}": document for number, document in enumerate(documents.values())}
    frames = "".join(
        f'<iframe name="{name}" sandbox="{sandbox}" src="/frame/{number}" width=600 height=400></iframe>'
        for number, name in enumerate(documents)
    )
    listener.pages |= {"/page": f"<!DOCTYPE html>{frames}", "/favicon.ico": " "}
    page.goto(f"{listener.url}/page", wait_until="load", timeout=90_000)
    page.wait_for_timeout(500)


def collection(listener: Listener) -> dict[str, str]:
    """Every attack, asking for paths that begin with its number."""
    names = hostile("")
    return {name: hostile(f"{listener.url}/{number}")[name] for number, name in enumerate(names)}


def without_policy(document: str) -> str:
    """The document without its own policy: what the cleaning alone is worth."""
    start = document.index("<meta http-equiv")
    return document[:start] + document[document.index(">", start) + 1 :]


def test_hostile_html_loads_nothing_even_without_any_policy(page: Page, listener: Listener) -> None:
    documents = {
        name: without_policy(sanitise(text, inline={"x": PIXEL}, allow_remote=False).html)
        for name, text in collection(listener).items()
    }
    show(page, listener, documents, sandbox="allow-scripts allow-forms")
    assert listener.asked == []
    assert len(page.frames) == len(documents) + 1
    for frame in page.frames[1:]:
        assert frame.evaluate(FORBIDDEN_ELEMENTS) == 0, frame.name
        assert frame.evaluate(NOTHING_MOVED_OR_LISTENING), frame.name


def test_the_collection_is_live_where_nobody_cleans_it(page: Page, listener: Listener) -> None:
    show(page, listener, collection(listener), sandbox="allow-scripts")
    assert len({path.split("/")[1] for path in listener.asked}) >= 25


def test_allowed_images_are_loaded_and_nothing_else_is(page: Page, listener: Listener) -> None:
    images = f'<img src="{listener.url}/good"><p style="background:url({listener.url}/style)">x</p>'
    rest = f'<link rel=stylesheet href="{listener.url}/bad"><script src="{listener.url}/bad"></script>'
    show(page, listener, {"mail": sanitise(images + rest, inline={}, allow_remote=True).html})
    assert sorted(listener.asked) == ["/good", "/style"]


def test_a_wide_newsletter_fits_a_phone(page: Page, listener: Listener) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    html = f'<img src="{PIXEL}" width=900 height=90><p>{"word " * 300}</p><p>{"x" * 900}</p>'
    listener.pages = {"/frame": sanitise(html, inline={}, allow_remote=False).html}
    page.goto(f"{listener.url}/frame")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
