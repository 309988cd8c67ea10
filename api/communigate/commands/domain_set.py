"""Domains as a whole: which there are, making, renaming, deleting, and the server's defaults for them."""

from __future__ import annotations

from dataclasses import replace

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.scopes import SERVER
from api.communigate import account_defaults, domain_settings, keeping, rules
from api.communigate.context import GONE, Context
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import IN_USE, Refused
from api.communigate.table import Command, command, done
from config.kit.fixed import Fixed
from domains.models import Address, Domain, Mailbox, Status
from domains.services import domain_names, domain_states, mailbox_states, objects, renaming
from domains.services.domains import create_domain, parse_name

DOMAIN_DEFAULTS = "domaindefaults"
MOST_LEFT = 500  # accounts of a deleted domain that a command deletes one by one
Kind = Address.Kind
_ALL = Fixed(lambda: Domain.objects.exclude(status__in=GONE).order_by("name").only("name"))


def list_domains(context: Context, arguments: Arguments) -> Data:
    """Those the caller sees, the main one first."""
    context.actor.require_somewhere(Right.VIEW_DOMAINS)
    if context.actor.has(Right.VIEW_DOMAINS):
        names: list[Value] = [each.name for each in _ALL.rows()]
    else:
        seen = Domain.objects.visible_to(context.actor, Right.VIEW_DOMAINS).exclude(status__in=GONE)
        names = [*seen.order_by("name").values_list("name", flat=True)]
    try:
        main = context.main().name
    except Refused:
        return names
    names.sort(key=lambda name: name != main)
    return names


def main_domain_name(context: Context, arguments: Arguments) -> Data:
    return context.main().name


def create(context: Context, arguments: Arguments) -> Data:
    if "shared" in arguments:
        raise Refused(501, "not supported: there are no clusters of servers here, so no shared domains")
    given = arguments.get("settings", {})
    made = _begin_anew(context, arguments["name"]) or create_domain(context.actor, name=arguments["name"])
    defaults = keeping.without(domain_settings.counting_defaults(), given)
    domain_settings.apply(replace(context, actor=Actor.system()), made, defaults)  # the server's word, whoever makes it
    domain_settings.apply(context, made, given)
    return done()


def _begin_anew(context: Context, name: str) -> Domain | None:
    """The domain of this name that was deleted, brought back with nothing in it; None where there is none.

    Its accounts stay deleted, and can be brought back until their own purge. Raises: Refused.
    """
    rows = Domain.objects.select_related("customer").filter(name=parse_name(name), status=Status.DELETED)
    found = rows.first()
    if found is None or not context.actor.has(Right.DELETE_DOMAINS, found):
        return None
    context.actor.require(Right.CREATE_DOMAINS, found.customer)
    left = Mailbox.objects.filter(domain=found).exclude(status__in=GONE).select_related("domain", "user", "claim")
    if left.count() > MOST_LEFT:
        raise Refused(501, f"a deleted domain of this name holds more than {MOST_LEFT} accounts; purge it at its page")
    domain_states.restore_domain(context.actor, found, reason="CREATEDOMAIN")
    found.refresh_from_db()
    if found.status != Status.ENABLED:
        domain_states.set_status(context.actor, found, Status.ENABLED, reason="CREATEDOMAIN")
    for mailbox in left:
        mailbox_states.delete_mailbox(context.actor, mailbox)
    for address in Address.objects.filter(domain=found, kind__in=(Kind.GROUP, Kind.FORWARD, Kind.LIST)):
        objects.delete_address(context.actor, address)
    domain_names.replace_names(context.actor, found, [])
    rules.write(context.actor, found, [])
    account_defaults.write(context, found, {}, replace=True)
    domain_settings.apply(context, found, {}, replace=True)
    keeping.forget(found)
    found.refresh_from_db()
    return found


def rename(context: Context, arguments: Arguments) -> Data:
    """Source: a domain that was renamed isn't known by its old name any more."""
    found = context.domain(arguments["old"])
    renaming.rename_domain(context.actor, found, arguments["new"], keep_old=False)
    return done()


def delete(context: Context, arguments: Arguments) -> Data:
    """Without FORCE only an empty one."""
    found = context.domain(arguments["name"])
    context.actor.require(Right.DELETE_DOMAINS, found)
    if "force" not in arguments and _holds_something(found):
        raise Refused(IN_USE, "the domain is not empty; use FORCE")
    domain_states.delete_domain(context.actor, found, reason="DELETEDOMAIN")
    return done()


def _holds_something(found: Domain) -> bool:
    """What is deleted and waits for its purge is nothing, with its aliases."""
    accounts = Mailbox.objects.exclude(status__in=GONE)
    if accounts.filter(domain=found).exists() or any((found.group_count, found.forward_count, found.list_count)):
        return True
    return bool(found.alias_count) and accounts.filter(claim__reached_by__address__domain=found).exists()


# --- defaults ---------------------------------------------------------------------------------------------------------


def get_domain_defaults(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_OPTIONS, SERVER)
    return domain_settings.server_defaults()


def update_domain_defaults(context: Context, arguments: Arguments) -> Data:
    domain_settings.set_server_defaults(context, arguments["settings"], replace=False)
    return done()


def set_domain_defaults(context: Context, arguments: Arguments) -> Data:
    domain_settings.set_server_defaults(context, arguments["settings"], replace=True)
    return done()


def get_account_defaults(context: Context, arguments: Arguments) -> Data:
    account_defaults.require_server(context)
    return account_defaults.read(None)


def _set_account_defaults(context: Context, values: keeping.Dictionary, *, replace: bool) -> None:
    account_defaults.require_server(context)
    account_defaults.write(context, None, values, replace=replace)


def update_account_defaults(context: Context, arguments: Arguments) -> Data:
    _set_account_defaults(context, arguments["settings"], replace=False)
    return done()


def set_account_defaults(context: Context, arguments: Arguments) -> Data:
    _set_account_defaults(context, arguments["settings"], replace=True)
    return done()


COMMANDS: list[Command] = [
    command("LISTDOMAINS", "", list_domains, "List the domains", reads=True),
    command("MAINDOMAINNAME", "", main_domain_name, "Name the main domain", reads=True),
    command("CREATEDOMAIN", "name [ SHARED ] [ PATH storage ] [ settings{} ]", create, "Make a domain"),
    command("RENAMEDOMAIN", "old INTO new [ PATH storage ]", rename, "Rename a domain"),
    command("DELETEDOMAIN", "name [ FORCE ]", delete, "Delete a domain"),
    command("GETDOMAINDEFAULTS", "", get_domain_defaults, "Read the defaults of domains", reads=True),
    command("UPDATEDOMAINDEFAULTS", "settings{}", update_domain_defaults, "Change defaults of domains"),
    command("SETDOMAINDEFAULTS", "settings{}", set_domain_defaults, "Replace the defaults of domains"),
    command("GETSERVERACCOUNTDEFAULTS", "", get_account_defaults, "Read the server's defaults of accounts", reads=True),
    command("UPDATESERVERACCOUNTDEFAULTS", "settings{}", update_account_defaults, "Change defaults of accounts"),
    command("SETSERVERACCOUNTDEFAULTS", "settings{}", set_account_defaults, "Replace the defaults of accounts"),
]
