"""One domain: its settings, names, defaults and templates of its accounts, states, and what is in it."""

from __future__ import annotations

from accounts.permissions import Right
from api.communigate import account_defaults, domain_settings, keeping, rules
from api.communigate.context import GONE, Context, texts_of
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, command, done
from domains.models import Address, Domain, Mailbox, Recipient, Status
from domains.services import domain_names, domain_states

TEMPLATE = "accounttemplate"
MOST_LISTED = 100_000


def get_settings(context: Context, arguments: Arguments) -> Data:
    return domain_settings.explicit(context.domain(arguments.get("domain")))


def get_effective(context: Context, arguments: Arguments) -> Data:
    return domain_settings.effective(context.domain(arguments.get("domain")))


def update_settings(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments.get("domain"))
    domain_settings.apply(context, found, arguments["settings"])
    return done()


def set_settings(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments.get("domain"))
    domain_settings.apply(context, found, arguments["settings"], replace=True)
    return done()


# --- defaults and templates of its accounts ---------------------------------------------------------------------------


def get_defaults(context: Context, arguments: Arguments) -> Data:
    return account_defaults.read(context.domain(arguments.get("domain")))


def _set_defaults(context: Context, arguments: Arguments, *, replace: bool) -> Data:
    found = context.domain(arguments.get("domain"), Right.EDIT_DOMAINS)
    account_defaults.write(context, found, arguments["settings"], replace=replace)
    return done()


def update_defaults(context: Context, arguments: Arguments) -> Data:
    return _set_defaults(context, arguments, replace=False)


def set_defaults(context: Context, arguments: Arguments) -> Data:
    return _set_defaults(context, arguments, replace=True)


def get_template(context: Context, arguments: Arguments) -> Data:
    return keeping.without(keeping.kept(TEMPLATE, context.domain(arguments.get("domain"))), account_defaults.SECRET)


def update_template(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments.get("domain"), Right.EDIT_DOMAINS)
    keeping.keep(context.actor, TEMPLATE, found, arguments["settings"], replace=False)
    return done()


def set_template(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments.get("domain"), Right.EDIT_DOMAINS)
    keeping.keep(context.actor, TEMPLATE, found, arguments["settings"], replace=True)
    return done()


# --- names, rules, states ---------------------------------------------------------------------------------------------


def get_aliases(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments["domain"])
    return list(found.names.filter(is_alias=True).order_by("name").values_list("name", flat=True))


def set_aliases(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments["domain"])
    domain_names.replace_names(context.actor, found, texts_of(arguments["aliases"], "aliases"))
    return done()


def get_rules(context: Context, arguments: Arguments) -> Data:
    return rules.read(context.domain(arguments["domain"], Right.VIEW_POLICIES))


def set_rules(context: Context, arguments: Arguments) -> Data:
    rules.write(context.actor, context.domain(arguments["domain"]), arguments["rules"])
    return done()


def suspend(context: Context, arguments: Arguments) -> Data:
    domain_states.disable_domain(context.actor, context.domain(arguments["domain"]), reason="SUSPENDDOMAIN")
    return done()


def resume(context: Context, arguments: Arguments) -> Data:
    domain_states.enable_domain(context.actor, context.domain(arguments["domain"]), reason="RESUMEDOMAIN")
    return done()


# --- what is in it ----------------------------------------------------------------------------------------------------


def list_admin_domains(context: Context, arguments: Arguments) -> Data:
    """Domains that the caller administers: none of ours is administered by another domain as a whole."""
    context.domain(arguments.get("domain"))
    administered = Domain.objects.visible_to(context.actor, Right.EDIT_DOMAINS).exclude(status__in=GONE)
    return list(administered.order_by("name").values_list("name", flat=True))


def list_accounts(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments.get("domain"), Right.VIEW_USERS)
    rows = Mailbox.objects.filter(domain=found).exclude(status__in=GONE).order_by("claim__local")
    return dict.fromkeys(rows.values_list("claim__local", flat=True)[:MOST_LISTED], "macnt")


def list_objects(context: Context, arguments: Arguments) -> Data:
    """Page by page; a cookie is the last name listed."""
    found, limit = context.domain(arguments["domain"], Right.VIEW_USERS), arguments["limit"]
    if not 0 < limit <= MOST_LISTED:
        raise Refused(501, f"the limit is a number from 1 to {MOST_LISTED}")
    wanted = {name: kind for name, kind in _KINDS.items() if name in arguments} or dict(_KINDS)
    gone = Mailbox.objects.filter(domain=found, status=Status.DELETED)
    theirs = Address.objects.filter(domain=found, kind=Address.Kind.ALIAS, recipients__target__in=gone.values("claim"))
    rows = Address.objects.filter(domain=found, kind__in=wanted.values())
    rows = rows.exclude(pk__in=gone.values("claim")).exclude(pk__in=theirs.values("pk"))
    if arguments.get("filter"):
        rows = rows.filter(local__icontains=arguments["filter"])
    if arguments.get("cookie"):
        rows = rows.filter(local__gt=arguments["cookie"])
    page = list(rows.order_by("local")[: limit + 1])
    shown = page[:limit]
    accounts, aliases = found.mailbox_count - gone.count(), found.alias_count - theirs.distinct().count()
    result: list[Value] = [str(accounts), _objects(shown), str(aliases), str(found.forward_count)]
    if "cookie" in arguments:
        result.append(shown[-1].local if len(page) > limit else "")
    return result


_KINDS = {"accounts": Address.Kind.MAILBOX, "aliases": Address.Kind.ALIAS, "forwarders": Address.Kind.FORWARD}


def _objects(rows: list[Address]) -> dict[str, Value]:
    leading: dict[int, str] = {}
    for address, email in Recipient.objects.filter(address__in=rows).order_by("-pk").values_list("address_id", "email"):
        leading[address] = email
    found: dict[str, Value] = {}
    for row in rows:
        if row.kind == Address.Kind.MAILBOX:
            found[row.local] = "macnt"
        elif row.kind == Address.Kind.ALIAS:
            found[row.local] = [leading.get(row.pk, "").partition("@")[0]]
        else:
            found[row.local] = [[leading.get(row.pk, "")]]
    return found


COMMANDS: list[Command] = [
    command("GETDOMAINSETTINGS", "[ domain ]", get_settings, "Read a domain's own settings", reads=True),
    command("GETDOMAINEFFECTIVESETTINGS", "[ domain ]", get_effective, "Read what counts for a domain", reads=True),
    command("UPDATEDOMAINSETTINGS", "[ domain ] settings{}", update_settings, "Change settings of a domain"),
    command("SETDOMAINSETTINGS", "[ domain ] settings{}", set_settings, "Replace the settings of a domain"),
    command("GETACCOUNTDEFAULTS", "[ domain ]", get_defaults, "Read a domain's defaults of accounts", reads=True),
    command("UPDATEACCOUNTDEFAULTS", "[ domain ] settings{}", update_defaults, "Change defaults of accounts"),
    command("SETACCOUNTDEFAULTS", "[ domain ] settings{}", set_defaults, "Replace the defaults of accounts"),
    command("GETACCOUNTTEMPLATE", "[ domain ]", get_template, "Read the template of new accounts", reads=True),
    command("UPDATEACCOUNTTEMPLATE", "[ domain ] settings{}", update_template, "Change the template of accounts"),
    command("SETACCOUNTTEMPLATE", "[ domain ] settings{}", set_template, "Replace the template of accounts"),
    command("GETDOMAINALIASES", "domain", get_aliases, "List a domain's other names", reads=True),
    command("SETDOMAINALIASES", "domain aliases()", set_aliases, "Replace a domain's other names"),
    command("GETDOMAINMAILRULES", "domain", get_rules, "Read a domain's mail rules", reads=True),
    command("SETDOMAINMAILRULES", "domain rules()", set_rules, "Replace a domain's mail rules"),
    command("SUSPENDDOMAIN", "domain", suspend, "Suspend a domain"),
    command("RESUMEDOMAIN", "domain", resume, "Resume a domain"),
    command("LISTADMINDOMAINS", "[ domain ]", list_admin_domains, "List the domains one administers", reads=True),
    command("LISTACCOUNTS", "[ domain ]", list_accounts, "List the accounts of a domain", reads=True),
    command(
        "LISTDOMAINOBJECTS",
        "domain [ FILTER filter ] limit# [ ACCOUNTS ] [ ALIASES ] [ FORWARDERS ] [ COOKIE cookie ]",
        list_objects,
        "List everything in a domain",
        reads=True,
    ),
]
