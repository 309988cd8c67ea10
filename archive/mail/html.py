"""HTML of mail made into a document that is safe to show. Not the only wall, but whole by itself.

The document is meant for an iframe with `sandbox` (no scripts, no same origin) and its own strict policy header;
this module takes out everything that would need those. nh3 (ammonia) builds the tree and writes it anew from an
allow-list; every URL and every style passes through this module. Never raises on any text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from itertools import islice
from urllib.parse import unquote, urlsplit

import nh3

from archive.mail.css import clean_sheet, clean_style

MAX_CHARS = 2_000_000
# Beyond these the tree builder could take quadratic time; such documents are rewritten first (see _simplified).
MAX_TAGS = 10_000
MAX_TOKENS = 30_000
SIMPLE_TAGS = 40_000
SIMPLE_DEPTH = 300
SIMPLE_ATTRIBUTES = 40

TAGS = frozenset(
    {
        "a", "abbr", "acronym", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption",
        "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "dir", "div", "dl", "dt", "em", "figcaption",
        "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li",
        "main", "mark", "menu", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small",
        "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt",
        "u", "ul", "var", "wbr",
    }
)  # fmt: skip
# These go with everything inside them: their content is code, another language, or hidden from readers.
SILENT = frozenset(
    {
        "script", "style", "title", "template", "noscript", "noframes", "noembed", "iframe", "frameset", "object",
        "applet", "embed", "audio", "video", "svg", "math", "canvas", "xmp", "plaintext", "select", "textarea",
    }
)  # fmt: skip
_ANYWHERE = {"align", "bgcolor", "class", "color", "dir", "height", "id", "lang", "style", "title", "valign", "width"}
_ON_TAG = {
    "a": {"href"},
    "bdo": set(),
    "blockquote": {"type"},
    "col": {"span"},
    "colgroup": {"span"},
    "font": {"face", "size"},
    "hr": {"noshade", "size"},
    "img": {"alt", "border", "hspace", "lowsrc", "dynsrc", "src", "srcset", "vspace"},
    "li": {"type", "value"},
    "ol": {"reversed", "start", "type"},
    "table": {"background", "border", "cellpadding", "cellspacing", "frame", "rules", "summary"},
    "tbody": {"background"},
    "td": {"abbr", "axis", "background", "colspan", "headers", "nowrap", "rowspan", "scope"},
    "th": {"abbr", "axis", "background", "colspan", "headers", "nowrap", "rowspan", "scope"},
    "thead": {"background"},
    "tr": {"background"},
    "ul": {"type"},
}
_ATTRIBUTES = {tag: _ANYWHERE | _ON_TAG.get(tag, set()) for tag in TAGS}
_LINK_SCHEMES = {"http", "https", "mailto", "tel", "ftp"}
_NUMERIC = {"border", "cellpadding", "cellspacing", "colspan", "height", "hspace", "rowspan", "span", "vspace", "width"}

_URL_JUNK = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_CSS_ENDS = re.compile(r"[\"'()<>]")
_RASTER = re.compile(r"data:image/(?:png|gif|jpeg|jpg|pjpeg|webp|bmp);base64,[A-Za-z0-9+/=%]*", re.I)
_PLAIN = re.compile(r"[\w .,:#%()/+\-]*")
_URL = re.compile(r"(?:https?:|ftp:)?//[^\s\"'()]", re.I)
_LENGTH = re.compile(r"\s*\d{1,5}(?:\.\d{1,3})?\s*(?:%|px|\*)?\s*")
_STYLE_BLOCK = re.compile(r"<style\b[^<>]*+>(.*?)(?:</style\b|\Z)", re.I | re.S)
_OPEN_BODY = re.compile(r"<body\b((?:[^<>\"']++|\"[^\"<]{0,4000}+\"|'[^'<]{0,4000}+')*+)>", re.I)
_ATTRIBUTE = re.compile(r"([A-Za-z-]{1,20})\s{0,9}=\s{0,9}(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))")
_FOREIGN = re.compile(
    r"<(?:link|iframe|frame|video|audio|source|track|embed|object|applet|input|bgsound|script|image|use|svg|portal|"
    r"base|feimage)\b[^<>]{0,4000}?\b(?:src|href|data|poster|srcset|codebase|background)\s{0,9}=\s{0,9}"
    r"[\"']?\s{0,9}(?:https?:|ftp:|//|\\\\)",
    re.I,
)
_IMAGE_TAG = re.compile(r"<img\b[^<>]{0,4000}>", re.I)
_TINY = re.compile(r"\b(?:width|height)\s{0,9}[=:]\s{0,9}[\"']?\s{0,9}[01](?:px)?(?![\d.%])", re.I)
_HIDDEN = re.compile(r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden", re.I)
_REMOTE_SOURCE = re.compile(r"\bsrc\s{0,9}=\s{0,9}[\"']?\s{0,9}(?:https?:|//)", re.I)
_RAW = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|title|template|noscript|noframes|noembed|iframe|xmp|textarea|select|svg|math)"
    r"\b[^<>]*+>?.*?(?:</\1\b[^<>]*+>?|\Z)",
    re.I | re.S,
)
_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9]{0,20}+)((?:[^<>"']++|"[^"]*+"|'[^']*+'|["'])*+)>?""")
# Tags that end by themselves, or that the next of their kind ends.
_SELF_CLOSING = frozenset(
    {"br", "hr", "img", "col", "wbr", "p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "dd", "dt"}
)
# The serialiser's own form: values are always quoted, quotes in them always escaped, "<" never bare in text.
_LINK = re.compile(r'<a((?: [a-z-]+="[^"]*+")*+)>')
_HREF = re.compile(r' href="([^"]*)"')
_TITLE = re.compile(r' title="[^"]*"')

_FRAME_STYLE = (
    ":root{color-scheme:light}"
    "body{margin:0;padding:16px;background:#fff;color:#1b1f24;overflow-wrap:break-word;"
    "font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "img{max-width:100%;height:auto}table{max-width:100%}pre{white-space:pre-wrap}"
    "blockquote{margin:0 0 0 4px;padding:0 0 0 12px;border-left:2px solid #d0d7de}"
    # On a phone: layout tables of fixed width give way, long words break.
    "@media (max-width:500px){body{padding:12px;overflow-wrap:anywhere}"
    "table,td,th{width:auto!important;min-width:0!important}img{max-width:100%!important}}"
    # Pictures held back: their text if they have one, no broken frames.
    "img:not([src]){font-size:12px;color:#57606a}img:not([src]):not([alt]),img:not([src])[alt='']{visibility:hidden}"
)


@dataclass(slots=True)
class Sanitised:
    """A whole document; how many remote references were taken out; how many of them looked like trackers."""

    html: str
    blocked: int
    trackers: int = 0
    notes: tuple[str, ...] = ()


def sanitise(html: str, *, inline: Mapping[str, str], allow_remote: bool) -> Sanitised:
    """A complete document for the sandboxed frame.

    `inline` maps content ids (no angle brackets) to URLs the reader's browser may load: paths on this server or
    raster data: URLs. With `allow_remote`, http and https images stay; nothing else remote ever does.
    """
    cleaner = _Cleaner(inline, allow_remote)
    notes: list[str] = []
    html = html.replace("\0", "")
    if len(html) > MAX_CHARS:
        html = html[:MAX_CHARS]
        notes.append("cut")
    sheet = "\n".join(clean_sheet(match[1], cleaner) for match in _STYLE_BLOCK.finditer(html))
    body_style = cleaner.body_style(html)
    if html.count("<") > MAX_TAGS or len(html.split()) + html.count("/") + html.count('"') > MAX_TOKENS:
        body = cleaner.clean(_simplified(html))
    else:
        body = cleaner.clean(html)
    blocked = cleaner.blocked + sum(1 for _ in _FOREIGN.finditer(html))
    trackers = sum(1 for match in _IMAGE_TAG.finditer(html) if _is_tracker(match.group()))
    return Sanitised(_document(body, sheet, body_style, allow_remote), blocked, trackers, tuple(notes))


class _Cleaner:
    """The attribute filter of one document, and its count of what was held back."""

    def __init__(self, inline: Mapping[str, str], allow_remote: bool) -> None:
        self.inline = inline
        self.allow_remote = allow_remote
        self.blocked = 0

    def clean(self, html: str) -> str:
        cleaner = nh3.Cleaner(
            tags=TAGS,
            clean_content_tags=SILENT,
            attributes=_ATTRIBUTES,
            attribute_filter=self.attribute,
            strip_comments=True,
            link_rel="noopener noreferrer nofollow",
            set_tag_attribute_values={"a": {"target": "_blank"}},
            url_schemes={*_LINK_SCHEMES, "cid", "data"},
            url_relative="pass_through",
        )
        return _LINK.sub(_with_destination, cleaner.clean(html))

    def attribute(self, tag: str, name: str, value: str) -> str | None:
        """What an attribute may say, None if nothing. The only place that decides about URLs."""
        if tag not in TAGS:
            return None  # asked about tags that go, too; those are counted by _FOREIGN
        if name in ("src", "background"):
            return self.image(value)
        if name in ("srcset", "lowsrc", "dynsrc"):
            if "//" in value:
                self.blocked += 1
            return None
        if name == "href":
            return _link(value)
        if name == "style":
            return clean_style(value, self) or None
        if name in _NUMERIC:
            return value if _LENGTH.fullmatch(value) else None
        if name in ("target", "rel"):
            return value  # set by us
        return value if name in ("title", "alt", "abbr", "summary") or _PLAIN.fullmatch(value) else None

    def image(self, value: str) -> str | None:
        """The URL of an image if it may be loaded. Counts the remote ones that may not."""
        url = _URL_JUNK.sub("", value)
        if url.startswith(("//", "\\\\", "/\\", "\\/")):
            url = "https:" + url.replace("\\", "/")
        scheme = match[1].lower() if (match := _SCHEME.match(url)) else ""
        if scheme == "cid":
            return self._inline_url(url[4:])
        if scheme == "data":
            return url if _RASTER.fullmatch(url) else None
        if scheme in ("http", "https"):
            if self.allow_remote and (remote := _remote_url(url)):
                return remote
            self.blocked += 1
        elif scheme == "ftp":
            self.blocked += 1
        return None

    def refuse(self, text: str) -> None:
        """Count the remote references of a text that is dropped."""
        self.blocked += sum(1 for _ in _URL.finditer(text))

    def _inline_url(self, content_id: str) -> str | None:
        url = self.inline.get(content_id) or self.inline.get(unquote(content_id))
        if url and (_RASTER.fullmatch(url) or (url.startswith("/") and not url.startswith(("//", "/\\")))):
            return re.sub(r"[\s\"'()<>\\]", "", url)
        return None

    def body_style(self, html: str) -> str:
        """The look of the first <body> tag as a style for ours."""
        match = _OPEN_BODY.search(html)
        if match is None:
            return ""
        style = ""
        for name, double, single, bare in _ATTRIBUTE.findall(match[1][:20_000]):
            value = unescape(double or single or bare)
            target = {"bgcolor": "background-color", "text": "color", "background": "background-image"}.get(
                name.lower()
            )
            if name.lower() == "style":
                style += clean_style(value, self) + ";"
            elif target == "background-image":
                url = self.image(value)
                style += f'background-image:url("{url}");' if url else ""
            elif target:
                colour = value.strip()
                colour = f"#{colour}" if re.fullmatch(r"[0-9A-Fa-f]{6}", colour) else colour
                style += clean_style(f"{target}:{colour}", self) + ";"
        return style


def _link(value: str) -> str | None:
    url = _URL_JUNK.sub("", value)
    match = _SCHEME.match(url)
    return url if match and match[1].lower() in _LINK_SCHEMES and len(url) <= 8_000 else None


def _remote_url(url: str) -> str | None:
    """A remote URL that means the same to every reader: a plain host, nothing that could end a CSS string."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if not host or parts.username is not None or "\\" in url or len(url) > 8_000:
        return None
    return _CSS_ENDS.sub(lambda match: f"%{ord(match.group()):02X}", url)


def _with_destination(match: re.Match[str]) -> str:
    """A link's title says where it leads, whatever its text pretends."""
    attributes = _TITLE.sub("", match[1])
    href = _HREF.search(attributes)
    if href is None:
        return f"<a{attributes}>"
    destination = escape(unescape(href[1])[:500])
    return f'<a{attributes} title="{destination}">'


def _is_tracker(tag: str) -> bool:
    if not _REMOTE_SOURCE.search(tag):
        return False
    return len(_TINY.findall(tag)) >= 2 or _HIDDEN.search(tag) is not None


def _simplified(html: str) -> str:
    """A very large document written anew, so that no parser can see more in it than this did.

    Only tags on the list, in one spelling, with few attributes, nested moderately; comments and elements whose
    content is no HTML are gone, every other "<" is escaped. One linear pass.
    """
    html = _RAW.sub(" ", html)
    out: list[str] = []
    depth = position = 0
    for number, match in enumerate(_TAG.finditer(html)):
        out.append(html[position : match.start()].replace("<", "&lt;"))
        position = match.end()
        name = match[2].lower()
        if name not in TAGS or number >= SIMPLE_TAGS:
            continue
        nests = name not in _SELF_CLOSING
        if match[1]:
            depth = max(depth - nests, 0)
            out.append(f"</{name}>")
        elif depth < SIMPLE_DEPTH or not nests:
            depth += nests
            attributes = islice(_ATTRIBUTE.finditer(match[3]), SIMPLE_ATTRIBUTES)
            pairs = (f' {one[1]}="{escape(unescape(one[2] or one[3] or one[4] or ""))}"' for one in attributes)
            out.append(f"<{name}{''.join(pairs)}>")
    out.append(html[position:].replace("<", "&lt;"))
    return "".join(out)


def _document(body: str, sheet: str, body_style: str, allow_remote: bool) -> str:
    images = "'self' data:" + (" https: http:" if allow_remote else "")
    policy = f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="referrer" content="no-referrer">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_FRAME_STYLE}</style><style>{sheet}</style></head>"
        f'<body style="{escape(body_style)}">{body}</body></html>'
    )
