"""Collects the words people see from the sources and keeps the .po files in step with them.

`python -m config.messages` adds what is new (untranslated) to every locale/*/LC_MESSAGES/django.po and drops what is
gone; tests say what lacks a translation. German has every text; the other languages have what people meet who only
use their own mail (END_USER), and the rest shows in English. Needs no gettext tools, so it works on a bare machine.
Not for compiling: config.translations.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accounts", "api", "archive", "config", "domains", "gateway", "jobs")

# The languages that say only what stands in END_USER.
PARTIAL = ("fr", "es", "nb", "da")
# Where the texts stand that people without administration meet; patterns as in fnmatch.
END_USER = (
    "accounts/addresses.py",
    "accounts/apps.py",
    "accounts/devices.py",
    "accounts/forms/factors.py",
    "accounts/forms/passwords.py",
    "accounts/forms/people.py",
    "accounts/middleware.py",
    "accounts/password_rules.py",
    "accounts/proving.py",
    "accounts/second_step.py",
    "accounts/signing_in.py",
    "accounts/strength.py",
    "accounts/views/account.py",
    "accounts/views/app_passwords.py",
    "accounts/views/entering.py",
    "accounts/views/entry.py",
    "accounts/services/own_identities.py",
    "accounts/views/factors.py",
    "accounts/views/own_identities.py",
    "accounts/views/provider_*.py",
    "accounts/views/providers.py",
    "accounts/views/proving.py",
    "accounts/views/second_step.py",
    "archive/navigation.py",
    "archive/tables.py",
    "config/kit/nav.py",
    "config/shell/errors.py",
    "config/shell/offers.py",
    "config/shell/signed_out.py",
    "domains/forms/lists.py",
    "domains/models/lists.py",
    "domains/views/lists.py",
    "domains/views/own_senders.py",
    "gateway/digests/items.py",
    "gateway/digests/letter.py",
    "gateway/digests/options.py",
    "gateway/bulk/quarantine.py",
    "gateway/forms/digests.py",
    "gateway/forms/mail_rules.py",
    "gateway/forms/quarantine.py",
    "gateway/forms/writing.py",
    "gateway/lists/*.py",
    "gateway/services/attachments.py",
    "gateway/services/digest_links.py",
    "gateway/services/digests.py",
    "gateway/services/mail_rules/*.py",
    "gateway/services/origins.py",
    "gateway/services/quarantine.py",
    "gateway/services/signature_html.py",
    "gateway/services/signature_pictures.py",
    "gateway/services/signatures.py",
    "gateway/services/writing.py",
    "gateway/tables/quarantine.py",
    "gateway/views/digest_links.py",
    "gateway/views/list_posts.py",
    "gateway/views/mail_rules.py",
    "gateway/views/quarantine_actions.py",
    "gateway/views/rule_pages.py",
    "gateway/views/rule_words.py",
    "gateway/views/signatures.py",
    "gateway/views/writing.py",
    "templates/[45]*.html",
    "templates/accounts/account.html",
    "templates/accounts/app_*.html",
    "templates/accounts/change_password.html",
    "templates/accounts/factor_*.html",
    "templates/accounts/link*.html",
    "templates/accounts/own_app_passwords.html",
    "templates/accounts/own_factors.html",
    "templates/accounts/own_identities.html",
    "templates/accounts/own_sessions.html",
    "templates/accounts/passkey_*.html",
    "templates/accounts/password_near.html",
    "templates/accounts/prove.html",
    "templates/accounts/recovery_codes.html",
    "templates/accounts/second_*.html",
    "templates/accounts/sessions.html",
    "templates/accounts/sign_in.html",
    "templates/accounts/sign_in_failed.html",
    "templates/accounts/sign_in_o*.html",
    "templates/accounts/strength.html",
    "templates/archive/access_log.html",
    "templates/base.html",
    "templates/base_plain.html",
    "templates/base_root.html",
    *(
        f"templates/components/{name}.html"
        for name in (
            "confirm", "copy", "empty", "language_switch", "note", "pager", "rows_switch", "running", "sidebar",
            "switcher", "theme_switch", "toast", "topbar_actions",
        )
    ),
    "templates/domains/list_confirm.html",
    "templates/domains/list_detail.html",
    "templates/domains/list_edit.html",
    "templates/domains/list_subscribers.html",
    "templates/domains/own_lists.html",
    "templates/domains/own_sender_*.html",
    "templates/domains/subscriber_detail.html",
    "templates/domains/subscribers_add.html",
    "templates/accounts/standing.html",
    "templates/gateway/away.html",
    "templates/gateway/digest/*",
    "templates/gateway/digest_link*.html",
    "templates/gateway/item.html",
    "templates/gateway/list_*.html",
    "templates/gateway/mail_write.html",
    "templates/gateway/mailrule*.html",
    "templates/gateway/mailscript*.html",
    "templates/gateway/my_*.html",
    "templates/gateway/no_mailbox.html",
    "templates/gateway/own_*.html",
    "templates/gateway/signature_edit.html",
    "templates/gateway/signature_pictures.html",
    "templates/gateway/signatures_of.html",
    "templates/forms/*.html",
    "templates/mails/*.txt",
)  # fmt: skip
# Digest mails and their pages say what each message was judged to be, why, and what became of it.
_VERDICTS = (
    "Advertising", "Blocked sender", "Broken encoding", "Broken headers", "Clean", "Forbidden attachment",
    "May not leave", "Not served", "Sender not verified", "Spam", "Too big", "Virus",
)  # fmt: skip
_STATES = (
    "archived only", "came back", "deleted", "delivered", "discarded by a rule", "distributed", "done", "expired",
    "in a repository", "in quarantine", "on its way", "refused", "released", "sent on by a rule",
    "waits for a moderator",
)  # fmt: skip
_REASONS = (
    "%(piece)s looks like %(value)s, which is protected, but isn't it.",
    "A virus was found: %(names)s.",
    "It has %(size_bytes)d bytes; the policy takes up to %(limit_mb)d MB.",
    "It has something that must not leave: %(piece)s",
    "It is advertising: %(names)s.",
    "It says to be from %(piece)s, which is protected, and can't prove it.",
    "It shows %(value)s, which is protected, but is from %(piece)s.",
    "It shows the name of %(value)s, who is protected, but is from %(piece)s.",
    "Its encoding is broken: %(names)s.",
    "Its headers are broken: %(names)s.",
    "Its spam score is %(score).1f; spam begins at %(limit).1f.",
    "The attachment “%(piece)s” is forbidden.",
    "The policy doesn't serve mail in this direction.",
    "The sender %(piece)s is blocked.",
    "The sender's server doesn't take mail for %(piece)s.",
)
_LISTS_REASONS = (
    "A moderator decided so.",
    "A program wrote it.",
    "It came by this list already.",
    "It has no sender.",
    "It is larger than the list allows.",
    "It is one of the sender's first messages.",
    "Only subscribers may post to this list.",
    "Only the owner may post to this list.",
    "The list is closed.",
    "The sender is banned from this list.",
    "The sender is not on the list.",
    "The sender may be forged.",
    "The sender may not post to this list.",
    "What this sender posts is looked at first.",
)
_RULES_OF = ("out of office", "own rules", "rules of the domain", "rules of the server")
_TIMES = (
    "%(count)d hour ago", "%(count)d minute", "%(count)d minute ago", "%(count)d second", "j M", "j M Y", "just now",
)  # fmt: skip
# What they meet too, from modules that are for administrators otherwise.
END_USER_TEXTS = frozenset(
    {
        *_VERDICTS,
        *_STATES,
        *_REASONS,
        *_LISTS_REASONS,
        *_RULES_OF,
        *_TIMES,
        "A mail about %(count)d messages is on its way to you.",
        "Access tokens",
        "Allow",
        "As text",
        "Automatic answer: %(subject)s",
        "Allowed & blocked senders",
        "An address (pat@example.org) or a domain (example.org).",
        "Block",
        "Change password",
        "Empty: for good.",
        "Expired",
        "For people who look at this rule later.",
        "For readers without formatting. Empty: made of the signature above.",
        "Goes with my mail",
        "My account",
        "My quarantine",
        "Nothing is added.",
        "One signature does; the others wait.",
        "Only you see it.",
        "PNG, JPEG, GIF or WebP, at most 2 MB.",
        "Protected",
        "Reply",
        "Reply to all",
        "Sender",
        "Somebody changed this meanwhile. Look at it again, then repeat your change.",
        "The settings are saved.",
        "There is no mailbox with this account.",
        "Too many attempts. Wait %(when)s and try again.",
        "What I may do",
        "What could run or watch is taken out.",
        "What happens",
        "What was done to my account",
        "When my quarantine is mailed to me",
        "Why you need it",
    }
)

# name of the function: positions of context, singular, plural
_CALLS: dict[str, tuple[int | None, int, int | None]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
_IN_TEMPLATES = re.compile(r"\b(_|gettext|ngettext|pgettext|npgettext)\(")


@dataclass
class Message:
    """One text to translate: its context ("" for none), singular and plural form, and the files it stands in."""

    context: str
    singular: str
    plural: str
    places: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.singular


def collect(root: Path = ROOT) -> list[Message]:
    """Every message of the sources and templates, sorted by file and then by text."""
    found: dict[tuple[str, str], Message] = {}
    for path in sources(root):
        place = path.relative_to(root).as_posix()
        for context, singular, plural in _messages(path):
            message = found.setdefault((context, singular), Message(context, singular, plural))
            message.plural = message.plural or plural
            if place not in message.places:
                message.places.append(place)
    return sorted(found.values(), key=lambda message: (message.places[0], message.context, message.singular))


def said_in(language: str, messages: list[Message]) -> list[Message]:
    """Those that the language has to say: all, or in a PARTIAL language those of END_USER and END_USER_TEXTS."""
    if language not in PARTIAL:
        return messages
    return [
        m
        for m in messages
        if m.singular in END_USER_TEXTS or any(fnmatchcase(place, each) for place in m.places for each in END_USER)
    ]


def catalogue_of(language: str) -> Path:
    """The language's .po file."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def sources(root: Path) -> Iterator[Path]:
    for package in PACKAGES:
        yield from (p for p in sorted((root / package).rglob("*.py")) if "migrations" not in p.parts)
    yield from sorted((root / "templates").rglob("*.html"))
    yield from sorted((root / "templates").rglob("*.txt"))


def _messages(path: Path) -> Iterator[tuple[str, str, str]]:
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from _calls(ast.parse(text))
        return
    # templatize leaves Python calls amid blanked-out text, one form per tag.
    code = templatize(text)
    for match in _IN_TEMPLATES.finditer(code):
        yield from _calls(ast.parse(_call_text(code, match.start())))


def _call_text(code: str, start: int) -> str:
    """The call that begins at `start`, to its closing parenthesis."""
    for end in range(code.index("(", start) + 1, len(code) + 1):
        if code[end - 1] == ")":
            try:
                ast.parse(code[start:end])
            except SyntaxError:
                continue
            return code[start:end]
    raise ValueError(f"no whole call at {code[start : start + 60]!r}")


def _calls(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in _CALLS:
                texts = [_literal(node, position) for position in _CALLS[name]]
                if texts[1]:
                    yield texts[0], texts[1], texts[2]


def _literal(node: ast.Call, position: int | None) -> str:
    """The argument if it is a text literal; what is computed can't be collected."""
    if position is None or position >= len(node.args):
        return ""
    value = node.args[position]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def read_po(path: Path) -> dict[tuple[str, str], list[str]]:
    """(context, singular) → its translation, or one per plural form."""
    found: dict[tuple[str, str], list[str]] = {}
    for block in re.split(r"\n\s*\n", path.read_text("utf-8")):
        fields: dict[str, str] = {}
        current = ""
        for line in block.splitlines():
            if match := re.match(r'(\w+(?:\[\d\])?)?\s*(".*")\s*$', line):
                current = match[1] or current
                fields[current] = fields.get(current, "") + ast.literal_eval(match[2])
        if "msgid" in fields:
            names = sorted(name for name in fields if name.startswith("msgstr"))
            found[fields.get("msgctxt", ""), fields["msgid"]] = [fields[name] for name in names]
    return found


def write_po(path: Path, messages: list[Message], translations: dict[tuple[str, str], list[str]]) -> None:
    head = "".join(translations.get(("", ""), [""]))
    blocks = ['msgid ""\nmsgstr ""\n' + "".join(f"{_quoted(line)}\n" for line in head.splitlines(keepends=True))]
    for message in messages:
        lines = [f"#: {place}" for place in message.places]
        if "%" in message.singular + message.plural:
            lines.append("#, python-format")
        if message.context:
            lines.append(f"msgctxt {_quoted(message.context)}")
        lines.append(f"msgid {_quoted(message.singular)}")
        done = translations.get(message.key, [])
        if message.plural:
            lines.append(f"msgid_plural {_quoted(message.plural)}")
            forms = done if len(done) > 1 else ["", ""]
            lines += [f"msgstr[{number}] {_quoted(form)}" for number, form in enumerate(forms)]
        else:
            lines.append(f"msgstr {_quoted(done[0] if len(done) == 1 else '')}")
        blocks.append("\n".join(lines) + "\n")
    path.write_text("\n".join(blocks), "utf-8")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def missing(path: Path, messages: list[Message]) -> list[Message]:
    """Those that have no translation, or not one for each plural form."""
    done = read_po(path)
    return [m for m in messages if not all(done.get(m.key, [""])) or (m.plural and len(done[m.key]) < 2)]


def main() -> None:
    messages = collect()
    for path in sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po")):
        own = said_in(path.parent.parent.name, messages)
        write_po(path, own, read_po(path))
        print(f"{path.relative_to(ROOT)}: {len(own)} messages, {len(missing(path, own))} to translate")


if __name__ == "__main__":
    main()
