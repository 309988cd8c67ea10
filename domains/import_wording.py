"""What the pages of imports say of each kind of file: names, columns, and rows of an example."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class KindWords:
    """One kind. back: the page of its list. columns: (names, what they say). example: rows, {d} is a domain's name."""

    label: Text
    title: Text
    back: str
    back_label: Text
    columns: tuple[tuple[str, Text], ...]
    example: tuple[tuple[str, ...], ...]


_NAME = ("name, description", _("what it is called, and what it is for"))
_STATUS = ("status", _("enabled or disabled; empty: enabled, or as it is"))
_MORE = _("More than fit a cell go on in further rows of the same address.")

WORDS: dict[str, KindWords] = {
    "users": KindWords(
        _("Users"),
        _("Import users"),
        "domains:user-list",
        _("Users"),
        (
            ("email", _("the address; the only column that must be there")),
            ("name, first_name, last_name", _("what the person is called")),
            ("language", "en, de, fr, es, nb, da"),
            ("status", _("enabled, disabled or pending; empty: as the domain says for new accounts")),
            ("password", _("in clear text; it is hashed after the import. Who has none can be invited.")),
            ("quota_mb", _("megabytes, or “unlimited”; empty: as the domain")),
            ("policy", _("the name of a policy of the domain")),
            ("aliases", _("more addresses of the domain, set apart by spaces")),
            ("groups", _("groups of the domain, set apart by spaces")),
        ),
        (
            ("email", "first_name", "last_name", "language", "status", "quota_mb", "aliases"),
            ("clara.eriksen@{d}", "Clara", "Eriksen", "en", "enabled", "2048", "clara@{d} c.eriksen@{d}"),
            ("jonas.weber@{d}", "Jonas", "Weber", "de", "enabled", "", ""),
        ),
    ),
    "aliases": KindWords(
        _("Aliases"),
        _("Import aliases"),
        "domains:user-list",
        _("Users"),
        (
            ("email", _("the alias; must be there")),
            ("user", _("the address of the user who gets its mail; must be there")),
            _STATUS,
        ),
        (
            ("email", "user", "status"),
            ("clara@{d}", "clara.eriksen@{d}", "enabled"),
            ("office@{d}", "jonas.weber@{d}", ""),
        ),
    ),
    "groups": KindWords(
        _("Groups"),
        _("Import groups"),
        "domains:group-list",
        _("Groups and forwards"),
        (
            ("email", _("the group's address; the only column that must be there")),
            _NAME,
            _STATUS,
            ("senders", _("who may send to it: anyone, domain, members, listed or nobody")),
            ("allowed_senders", _("addresses, and domains as @example.org, where only those listed may send")),
            ("members", _("addresses of users, other groups or people elsewhere, set apart by spaces.")),
            ("", _MORE),
        ),
        (
            ("email", "name", "description", "status", "senders", "allowed_senders", "members"),
            ("sales@{d}", "Sales", "", "enabled", "anyone", "", "clara.eriksen@{d} jonas.weber@{d}"),
            ("staff@{d}", "Everybody", "All who work here", "enabled", "listed", "office@{d} @{d}", "sales@{d}"),
        ),
    ),
    "forwards": KindWords(
        _("Forwards"),
        _("Import forwards"),
        "domains:group-list",
        _("Groups and forwards"),
        (
            ("email", _("the forward's address; must be there")),
            _NAME,
            _STATUS,
            ("targets", _("where it goes, addresses set apart by spaces; a new forward needs one.")),
            ("", _MORE),
        ),
        (
            ("email", "name", "description", "status", "targets"),
            ("former@{d}", "", "Left in June", "enabled", "new.address@elsewhere.example"),
        ),
    ),
    "forwarding": KindWords(
        _("Forwarding"),
        _("Import users' forwarding"),
        "domains:user-list",
        _("Users"),
        (
            ("email", _("the user's address; must be there")),
            ("forward_to", _("where their mail goes on to, addresses set apart by spaces; empty: nowhere")),
            ("keep_copy", _("yes or no: whether it also stays in their mailbox; empty: as it is, else yes")),
            ("", _MORE),
        ),
        (
            ("email", "forward_to", "keep_copy"),
            ("clara.eriksen@{d}", "clara@elsewhere.example", "yes"),
            ("jonas.weber@{d}", "clara.eriksen@{d} jonas@elsewhere.example", "no"),
        ),
    ),
    "catch-alls": KindWords(
        _("Catch-alls"),
        _("Import catch-all addresses"),
        "domains:domain-list",
        _("Domains"),
        (
            ("domain", _("the domain; must be there")),
            ("catch_all", _("where mail for unknown addresses goes; empty: it is refused")),
        ),
        (("domain", "catch_all"), ("{d}", "postmaster@{d}")),
    ),
    "subscribers": KindWords(
        _("Subscribers"),
        _("Import subscribers"),
        "domains:list-list",
        _("Mailing lists"),
        (
            ("email", _("who gets what is posted; the only column that must be there")),
            ("list", _("the address of the mailing list; empty: the list you came from")),
            ("name", _("what they are called")),
            ("mode", _("feed, digest, index, null or banned; empty: feed")),
            ("state", _("subscribed, waiting or paused; empty: subscribed")),
            ("posting", _("normal, unmoderated, moderated, prohibited or special; empty: normal")),
            ("moderate_next", _("so many of their next messages wait for the owner")),
        ),
        (
            ("list", "email", "name", "mode", "posting"),
            ("news@{d}", "clara.eriksen@{d}", "Clara Eriksen", "feed", "normal"),
            ("news@{d}", "reader@elsewhere.example", "", "digest", "moderated"),
        ),
    ),
}
