"""Every route of iRedAdmin-Pro's interface, with who answers it. The page, the coverage table and the access sweep read
this list.

A throttle of a domain and one of a user have paths of the same form: what has an @ is a user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from api.dialects.registry import Operation
from api.dialects.routes import Route, Routes
from api.iredadmin import addresses, domains, many, senders, throttles, users
from api.iredadmin.answers import UNSUPPORTED, Failure
from api.iredadmin.asking import Asked

Handler = Callable[[Asked], Any]
Level = Callable[[Asked], throttles.Level]
LOGIN = Operation("POST", "/api/login", "begin a session", reads=True, public=True)
BY_POLICY = "what is spam, and what becomes of it, is said by the policy of a domain or a user"
NO_GREYLISTING = "mail is judged at once; nobody is told to come back later"
NO_LDIF = "accounts are no entries of a directory; they are read as JSON"
DOMAIN, MAIL = "{domain}", "{mail}"


class ByForm(Routes[Handler]):
    """Routes that take a slash too many at the end, and tell `{domain}` from `{mail}`."""

    def find(
        self, method: str, segments: Sequence[str], *, is_raw: bool
    ) -> tuple[Route[Handler], dict[str, str]] | None:
        parts = list(segments)
        if len(parts) > 1 and not parts[-1]:
            parts.pop()
        found = super().find(method, parts, is_raw=is_raw)
        if found is None or "@" not in found[1].get("domain", ""):
            return found
        wanted = found[0].operation.path.replace(DOMAIN, MAIL)
        twin = next(
            (each for each in self.all if (each.operation.method, each.operation.path) == (method, wanted)), None
        )
        return found if twin is None else (twin, {"mail": found[1]["domain"]})


def _one(line: str, handler: Handler, about: str) -> Route[Handler]:
    method, path = line.split(" ")
    return Route(
        Operation(method, path, about, reads=method == "GET"),
        handler,
        takes_slashes=False,
    )


def _nothing(asked: Asked) -> None:
    """A login is answered before anybody is known."""


def _throttles() -> Iterator[Route[Handler]]:
    levels = (("global", throttles.of_server), (DOMAIN, throttles.of_domain), (MAIL, throttles.of_user))
    for place, level in levels:
        whose = {"global": "the server", DOMAIN: "a domain", MAIL: "a user"}[place]
        for direction in (throttles.INBOUND, throttles.OUTBOUND):
            path = f"/api/throttle/{place}/{direction}"

            def read(asked: Asked, level: Level = level, direction: str = direction) -> Any:
                return throttles.detail(asked, level(asked), direction)

            def write(asked: Asked, level: Level = level, direction: str = direction) -> None:
                throttles.put(asked, level(asked), direction)

            yield _one(f"GET {path}", read, f"the {direction} throttle of {whose}")
            yield _one(f"POST {path}", write, f"set the {direction} throttle of {whose}")


def _sender_lists() -> Iterator[Route[Handler]]:
    for method, (change, about) in senders.CHANGES.items():
        for word, type_ in senders.LISTS.items():
            path = f"/api/wblist/inbound/{word}"
            for place, whose, owner in ((DOMAIN, "a domain", senders.of_domain), (MAIL, "a user", senders.of_user)):

                def handle(asked: Asked, change: Any = change, owner: Any = owner, type_: str = type_) -> None:
                    change(asked, owner(asked), type_)

                yield _one(f"{method} {path}/{place}", handle, about.format(word, whose))
            yield _refused(method, f"{path}/global", about.format(word, "the server"), senders.OF_ALL)
        yield _refused(method, "/api/wblist/outbound/{list}/{account}", "lists of mail going out", senders.GOING_OUT)


def _elsewhere() -> Iterator[Route[Handler]]:
    """What a server of iRedMail has and this one decides otherwise, refused with the reason."""
    levels = (("global", "the server"), ("domain/{domain}", "a domain"), ("user/{mail}", "a user"))
    for name, methods, about, why in (
        ("spampolicy", ("GET", "PUT", "DELETE"), "the spam policy of {}", BY_POLICY),
        ("greylisting", ("GET", "PUT", "DELETE"), "greylisting of {}", NO_GREYLISTING),
    ):
        for place, whose in levels:
            for method in methods:
                yield _refused(method, f"/api/{name}/{place}", about.format(whose), why)
    yield _refused("GET", "/api/ldif/{kind}/{name}", "an account as LDIF", NO_LDIF)


def _refused(method: str, path: str, about: str, why: str) -> Route[Handler]:
    def refuse(asked: Asked) -> None:
        raise Failure(UNSUPPORTED, f"{why}.")

    return Route(Operation(method, path, about, refused=why), refuse, takes_slashes=False)


ROUTES = ByForm(
    [
        Route(LOGIN, _nothing, takes_slashes=False),
        _one("GET /api/domains", domains.list_all, "list the domains"),
        _one("GET /api/domain/{domain}", domains.detail, "how a domain is set"),
        _one("POST /api/domain/{domain}", domains.create, "make a domain"),
        _one("PUT /api/domain/{domain}", domains.update, "change a domain"),
        _one("DELETE /api/domain/{domain}", domains.delete, "delete a domain"),
        _one("DELETE /api/domain/{domain}/keep_mailbox_days/{days}", domains.delete, "delete it after so many days"),
        _one("GET /api/users/{domain}", users.list_of_domain, "list the users of a domain"),
        _one("PUT /api/users/{domain}", many.update, "change all users of a domain"),
        _one("PUT /api/users/{domain}/password", many.put_password, "give all users of a domain one password"),
        _one("GET /api/user/{mail}", users.detail, "how a user is set"),
        _one("POST /api/user/{mail}", users.create, "make a user"),
        _one("PUT /api/user/{mail}", users.update, "change a user"),
        _one("DELETE /api/user/{mail}", users.delete, "delete a user"),
        _one("DELETE /api/user/{mail}/keep_mailbox_days/{days}", users.delete, "delete a user after so many days"),
        _one("PUT /api/user/{mail}/password", users.put_password, "set a user's password"),
        _one("POST /api/user/{mail}/change_email/{new}", users.change_email, "give a user another address"),
        _one("POST /api/verify_password/user/{mail}", users.verify, "whether a password is a user's"),
        _one("POST /api/verify_password/admin/{mail}", users.verify, "whether a password is an administrator's"),
        _one("GET /api/maillists/{domain}", addresses.lists_of_domain, "list the mailing lists of a domain"),
        _one("GET /api/maillist/{mail}", addresses.list_detail, "how a mailing list is set"),
        _one("POST /api/maillist/{mail}", addresses.create_maillist, "make a mailing list"),
        _one("PUT /api/maillist/{mail}", addresses.update_maillist, "change a mailing list"),
        _one("DELETE /api/maillist/{mail}", addresses.delete_maillist, "delete a mailing list"),
        _one(
            "POST /api/maillist/{mail}/change_email/{new}",
            addresses.change_email_of_list,
            "give a list another address",
        ),
        _one("GET /api/aliases/{domain}", addresses.aliases_of_domain, "list the mail aliases of a domain"),
        _one("GET /api/alias/{mail}", addresses.alias_detail, "how a mail alias is set"),
        _one("POST /api/alias/{mail}", addresses.create_alias, "make a mail alias"),
        _one("PUT /api/alias/{mail}", addresses.update_alias, "change a mail alias"),
        _one("DELETE /api/alias/{mail}", addresses.delete_alias, "delete a mail alias"),
        _one(
            "POST /api/alias/{mail}/change_email/{new}",
            addresses.change_email_of_alias,
            "give an alias another address",
        ),
        *_throttles(),
        *_sender_lists(),
        *_elsewhere(),
    ]
)
