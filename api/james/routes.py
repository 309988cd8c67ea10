"""Every route of WebAdmin, with who answers it. The page, the coverage table and the access sweep read this list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import HttpResponse

from api.dialects.registry import Operation
from api.dialects.routes import Route, Routes
from api.james import addresses, dlp, domains, identities, mail, mailboxes, quotas, server, sieve, tasks, users
from api.james.asking import Asked

Handler = Callable[[Asked], HttpResponse]
READS = ("GET", "HEAD")


def _one(line: str, handler: Handler, about: str, *, refused: str = "", public: bool = False) -> Route[Handler]:
    method, path = line.split(" ")
    # a domain's name has no slash, whoever decoded the path
    slashes = path != "/domains/{domain}"
    reads = method in READS or line == "POST /users/{user}/verify"
    return Route(Operation(method, path, about, refused=refused, reads=reads, public=public), handler, slashes)


_BY_RETENTION = "archived mail leaves by retention, or by DeleteFolder with a second person"

_SERVER = [
    _one("GET /healthcheck", server.check_all, "the health of all components", public=True),
    _one("GET /healthcheck/checks", server.list_checks, "the components", public=True),
    _one("GET /healthcheck/checks/{component}", server.check_one, "the health of one component", public=True),
    _one("GET /metrics", server.metrics, "figures for Prometheus", public=True),
    _one("GET /james-swagger", server.swagger, "what can be asked, as a document of Swagger", public=True),
    _one("GET /cassandra/version", server.version, "the version of the schema"),
    _one("GET /cassandra/version/latest", server.latest, "the newest version of the schema"),
    _one("POST /cassandra/version/upgrade", server.upgrade, "bring the schema up to a version"),
    _one("POST /cassandra/version/upgrade/latest", server.upgrade_latest, "bring the schema up to date"),
    _one("POST /cassandra/mailbox/merging", server.merge_mailboxes, "merge a ghost mailbox",
         refused="a fault of Cassandra's; MergeFolders joins folders"),
    _one("GET /tasks", tasks.list_all, "list the tasks"),
    _one("DELETE /tasks", tasks.clean_up, "forget tasks that ended long ago"),
    _one("GET /tasks/{task}", tasks.detail, "how a task is"),
    _one("GET /tasks/{task}/await", tasks.wait, "wait for a task's end"),
    _one("DELETE /tasks/{task}", tasks.cancel, "end a task"),
]  # fmt: skip

_DOMAINS = [
    _one("GET /domains", domains.list_all, "list the domains"),
    _one("GET /domains/{domain}", domains.exists, "whether a domain exists"),
    _one("PUT /domains/{domain}", domains.put, "make a domain"),
    _one("DELETE /domains/{domain}", domains.delete, "delete a domain"),
    _one("POST /domains/{domain}", domains.act, "delete all data of a domain's users", refused=_BY_RETENTION),
    _one("GET /domains/{domain}/aliases", domains.list_aliases, "list a domain's aliases"),
    _one("PUT /domains/{domain}/aliases/{alias}", domains.put_alias, "make an empty domain an alias"),
    _one("DELETE /domains/{domain}/aliases/{alias}", domains.delete_alias, "make an alias a domain again"),
    _one("GET /domains/{domain}/users", users.list_of_domain, "list a domain's users"),
]

_USERS = [
    _one("GET /users", users.list_all, "list the users"),
    _one("HEAD /users/{user}", users.head, "whether a user exists"),
    _one("PUT /users/{user}", users.put, "make a user; with ?force set the password of one"),
    _one("DELETE /users/{user}", users.delete, "delete a user"),
    _one("POST /users/{user}", users.act, "delete all data of a user", refused=_BY_RETENTION),
    _one("POST /users/{user}/rename/{new}", users.rename, "give a user another address"),
    _one("POST /users/{user}/verify", users.verify, "whether a password is the user's"),
    _one("GET /users/{user}/allowedFromHeaders", users.allowed_senders, "as whom a user may write"),
    _one("GET /users/{user}/identities", identities.list_all, "the identities of a user"),
    _one("GET /users/{user}/identities/{id}", identities.detail, "one identity"),
    _one("PUT /users/{user}/identities/{id}", identities.put, "set name and signature of an identity"),
    _one("GET /users/{user}/authorizedUsers", users.delegates, "who may use a user's mailbox"),
    _one("PUT /users/{user}/authorizedUsers/{delegate}", users.add_delegate, "let somebody use a mailbox"),
    _one("DELETE /users/{user}/authorizedUsers/{delegate}", users.remove_delegate, "let them no longer"),
    _one("DELETE /users/{user}/authorizedUsers", users.remove_delegates, "let nobody use a mailbox"),
]

_MAILBOXES = [
    _one("GET /users/{user}/mailboxes", mailboxes.list_all, "list a user's mailboxes"),
    _one("POST /users/{user}/mailboxes", mailboxes.reindex_user, "index a user's mail again"),
    _one("DELETE /users/{user}/mailboxes", mailboxes.delete_all, "delete a user's mailboxes that hold no mail"),
    _one("GET /users/{user}/mailboxes/{mailbox}", mailboxes.exists, "whether a mailbox exists"),
    _one("PUT /users/{user}/mailboxes/{mailbox}", mailboxes.put, "make a mailbox"),
    _one("DELETE /users/{user}/mailboxes/{mailbox}", mailboxes.delete, "delete a mailbox that holds no mail"),
    _one("GET /users/{user}/mailboxes/{mailbox}/messageCount", mailboxes.message_count, "how much mail it holds"),
    _one("GET /users/{user}/mailboxes/{mailbox}/unseenMessageCount", mailboxes.unseen_count, "how much is unread"),
    _one("DELETE /users/{user}/mailboxes/{mailbox}/messages", mailboxes.clear, "empty a mailbox"),
    _one("POST /mailboxes", mailboxes.reindex_all, "index all mail again"),
    _one("POST /mailboxes/{id}", mailboxes.reindex_folder, "index a mailbox again"),
    _one("POST /mailboxes/{id}/mails/{uid}", mailboxes.reindex_in_folder, "index a message again"),
    _one("POST /messages/{message}", mailboxes.reindex_message, "index a message again, wherever it lies"),
    _one("DELETE /messages", mailboxes.expire, "delete old mail", refused="mail leaves by retention policies only"),
    _one("POST /mailboxIndex", mailboxes.reindex_all, "index all mail again (older address)"),
    _one("POST /mailboxIndex/users/{user}", mailboxes.reindex_user, "index a user's mail again (older address)"),
    _one("POST /mailboxIndex/users/{user}/mailboxes/{id}", mailboxes.reindex_folder, "index a mailbox again (older)"),
    _one("POST /mailboxIndex/users/{user}/mailboxes/{id}/uid/{uid}", mailboxes.reindex_in_folder,
         "index a message again (older address)"),
    _one("POST /mailboxIndex/messages/{message}", mailboxes.reindex_message, "index a message again (older address)"),
]  # fmt: skip

_QUOTAS = [
    _one("GET /quota", quotas.server, "the server's quota"),
    _one("PUT /quota", quotas.put_server, "set the server's quota"),
    _one("GET /quota/users", quotas.search, "users by how full they are"),
    _one("POST /quota/users", quotas.recompute, "count anew how full users are"),
    _one("GET /quota/users/{user}", quotas.user, "a user's quota, and how full it is"),
    _one("PUT /quota/users/{user}", quotas.put_user, "set a user's quota"),
    _one("GET /quota/domains/{domain}", quotas.domain, "a domain's quota"),
    _one("PUT /quota/domains/{domain}", quotas.put_domain, "set a domain's quota"),
    *(
        route
        for name in ("count", "size")
        for route in (
            _one(f"GET /quota/{name}", quotas.server_one(name), f"the server's quota of {name}"),
            _one(f"PUT /quota/{name}", quotas.put_server_one(name), f"set the server's quota of {name}"),
            _one(f"DELETE /quota/{name}", quotas.delete_server_one(name), f"no quota of {name} of the server"),
            _one(f"GET /quota/users/{{user}}/{name}", quotas.user_one(name), f"a user's quota of {name}"),
            _one(f"PUT /quota/users/{{user}}/{name}", quotas.put_user_one(name), f"set a user's quota of {name}"),
            _one(f"DELETE /quota/users/{{user}}/{name}", quotas.delete_user_one(name), f"no quota of {name} of a user"),
            _one(f"GET /quota/domains/{{domain}}/{name}", quotas.domain_one(name), f"a domain's quota of {name}"),
            _one(f"PUT /quota/domains/{{domain}}/{name}", quotas.put_domain_one(name), f"set a domain's of {name}"),
            _one(f"DELETE /quota/domains/{{domain}}/{name}", quotas.delete_domain_one(name), f"no quota of {name}"),
        )
    ),
    _one("GET /sieve/quota/default", sieve.default, "how large scripts may be"),
    _one("PUT /sieve/quota/default", sieve.put_default, "set how large scripts may be"),
    _one("DELETE /sieve/quota/default", sieve.delete_default, "no limit of scripts"),
    _one("GET /sieve/quota/users/{user}", sieve.of_user, "how large a user's scripts may be"),
    _one("PUT /sieve/quota/users/{user}", sieve.put_user, "set how large a user's scripts may be"),
    _one("DELETE /sieve/quota/users/{user}", sieve.delete_user, "no limit of a user's own"),
]

_ADDRESSES = [
    _one("GET /address/aliases", addresses.list_aliased, "who has aliases"),
    _one("GET /address/aliases/{user}", addresses.list_aliases, "the aliases of a user"),
    _one("PUT /address/aliases/{user}/sources/{source}", addresses.put_alias, "add an alias"),
    _one("DELETE /address/aliases/{user}/sources/{source}", addresses.delete_alias, "remove an alias"),
    _one("DELETE /address/aliases/{user}", addresses.delete_aliases, "remove a user's aliases"),
    _one("GET /address/groups", addresses.list_groups, "list the groups"),
    _one("DELETE /address/groups", addresses.delete_groups, "delete all groups"),
    _one("GET /address/groups/{group}", addresses.list_members, "the members of a group"),
    _one("DELETE /address/groups/{group}", addresses.delete_group, "delete a group"),
    _one("PUT /address/groups/{group}", addresses.needs_member, "add nobody", refused="a member is needed in the path"),
    _one("PUT /address/groups/{group}/{member}", addresses.put_member, "add a member"),
    _one("DELETE /address/groups/{group}/{member}", addresses.delete_member, "remove a member"),
    _one("GET /address/forwards", addresses.list_forwarding, "who forwards"),
    _one("GET /address/forwards/{user}", addresses.list_targets, "where a user forwards to"),
    *(
        _one(f"{method} /address/forwards/{{user}}", addresses.needs_target, "forward nowhere",
             refused="a target is needed in the path")
        for method in ("PUT", "DELETE")
    ),
    _one("PUT /address/forwards/{user}/targets/{target}", addresses.put_target, "forward to one more"),
    _one("DELETE /address/forwards/{user}/targets/{target}", addresses.delete_target, "forward there no more"),
    _one("GET /mappings", addresses.mappings, "all that leads somewhere"),
    _one("GET /mappings/user/{user}", addresses.user_mappings, "where an address leads"),
]  # fmt: skip

_MAIL = [
    _one("GET /mailQueues", mail.list_queues, "list the queues"),
    _one("POST /mailQueues", mail.republish, "publish again what wasn't processed", refused="there is nothing such"),
    _one("GET /mailQueues/{queue}", mail.queue, "how a queue is"),
    _one("POST /mailQueues/{queue}", mail.republish, "publish again what wasn't processed",
         refused="there is nothing such"),
    _one("PATCH /mailQueues/{queue}", mail.flush, "deliver what is delayed now"),
    _one("GET /mailQueues/{queue}/mails", mail.list_queued, "the messages in a queue"),
    _one("PATCH /mailQueues/{queue}/mails", mail.flush, "deliver what is delayed now"),
    _one("DELETE /mailQueues/{queue}/mails", mail.delete_queued, "delete messages of a queue"),
    _one("GET /mailRepositories", mail.list_repositories, "list the repositories"),
    _one("PUT /mailRepositories/{repository}", mail.put_repository, "make a repository"),
    _one("GET /mailRepositories/{repository}", mail.repository, "how a repository is"),
    _one("GET /mailRepositories/{repository}/mails", mail.list_stored, "the keys of what lies there"),
    _one("DELETE /mailRepositories/{repository}/mails", mail.clear, "remove all that lies there"),
    _one("PATCH /mailRepositories/{repository}/mails", mail.reprocess, "send all of it on its way again"),
    _one("GET /mailRepositories/{repository}/mails/{mail}", mail.stored, "a message's envelope, and why it lies there"),
    _one("DELETE /mailRepositories/{repository}/mails/{mail}", mail.delete_stored, "remove a message"),
    _one("PATCH /mailRepositories/{repository}/mails/{mail}", mail.reprocess_one, "send one on its way again"),
    _one("GET /dlp/rules/{domain}", dlp.read, "the rules against leaks"),
    _one("PUT /dlp/rules/{domain}", dlp.put, "set the rules against leaks"),
    _one("DELETE /dlp/rules/{domain}", dlp.delete, "no rules against leaks"),
    _one("GET /dlp/rules/{domain}/rules/{rule}", dlp.read_one, "one rule"),
]  # fmt: skip


class Slashed(Routes[Handler]):
    """Routes that are found with a slash at the end, too, as the manual writes some."""

    def find(
        self, method: str, segments: Sequence[str], *, is_raw: bool
    ) -> tuple[Route[Handler], dict[str, str]] | None:
        if len(segments) > 1 and not segments[-1] and segments[0] in ("quota", "mailRepositories"):
            segments = segments[:-1]
        return super().find(method, segments, is_raw=is_raw)


ROUTES: Routes[Handler] = Slashed([*_SERVER, *_DOMAINS, *_USERS, *_MAILBOXES, *_QUOTAS, *_ADDRESSES, *_MAIL])
