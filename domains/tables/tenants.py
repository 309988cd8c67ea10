"""How the lists of customers, domains, brokers and providers look, and what they can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.addresses import canonical_domain, display_domain
from accounts.errors import BadAddress
from accounts.permissions import Right
from config.kit.list_fields import Choice, Main, Number, State, Text, Time, YesNo
from config.kit.list_query import Op, Value
from config.kit.listing import Listing, View
from config.kit.tables import Empty
from config.kit.templatetags.kit import state_html
from domains import inheritance
from domains.models import Broker, Customer, Domain, DomainName, OutgoingProvider, Policy, Status
from domains.models.tenants import LANGUAGES
from domains.tenant_wording import customer_state, domain_state

SUSPENDED = "suspended"
STATES = [
    *((status.value, status.label) for status in Status if status != Status.PURGED),
    (SUSPENDED, _("Suspended by the customer")),
]
SERVICES = [
    ("incoming", _("Incoming")),
    ("outgoing", _("Outgoing")),
    ("quarantine", _("Quarantine")),
    ("retention", pgettext_lazy("a service of a policy", "Retention")),
    ("archive", _("Archive")),
]


@dataclass(frozen=True, eq=False, kw_only=True)
class _DomainName(Main):
    """Names are kept in ASCII; people type them in their own script. Aliases are found too."""

    def compare(self, op: Op, value: Value) -> Q:
        return self._by(super().compare(op, _ascii(value)), op, _ascii(value))

    def word(self, value: Value) -> Q:
        return self._by(super().word(_ascii(value)), ":", _ascii(value))

    def _by(self, own: Q, op: Op, value: Value) -> Q:
        aliases = DomainName.objects.filter(is_alias=True).filter(Main("name", "", folded=True).compare(op, value))
        return own | Q(pk__in=aliases.values("domain"))


def _ascii(value: Value) -> Value:
    if value.text.isascii():
        return value
    try:
        return Value(canonical_domain(value.text.strip("*.")), value.literal)
    except BadAddress:
        return value


@dataclass(frozen=True, eq=False, kw_only=True)
class _DomainState(State):
    """The state that counts, with the one that comes from the customer."""

    def compare(self, op: Op, value: Value) -> Q:
        served = (Status.ENABLED, Status.PENDING)
        if value.text.casefold() in (SUSPENDED, str(dict(STATES)[SUSPENDED]).casefold()):
            return Q(suspended_by_customer=True, status__in=served)
        found = super().compare(op, value)
        is_served = any(found == Q(status=status.value) for status in served)
        return found & Q(suspended_by_customer=False) if is_served else found


@dataclass(frozen=True, eq=False, kw_only=True)
class _Language(Choice):
    """The language that counts, wherever it is said."""

    def compare(self, op: Op, value: Value) -> Q:
        wanted = value.text.casefold()
        for key, label in self.pairs:
            if wanted in (key, str(label).casefold()):
                return inheritance.domains_with("default_language", key)
        return super().compare(op, value)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Service(Choice):
    """A service that some policy of the domain has on."""

    def compare(self, op: Op, value: Value) -> Q:
        wanted = value.text.casefold()
        for key, label in self.pairs:
            if wanted in (key, str(label).casefold()):
                return Q(pk__in=Policy.objects.filter(**{key: True}).values("domain"))
        return super().compare(op, value)


def named(text: str) -> Q:
    """Domains with a name or alias that has this text, as people write it."""
    return DOMAINS.fields[0].word(Value(text.lower()))


def _state(domain: Domain) -> SafeString:
    state = domain_state(domain)
    return state_html(state.key, str(state.label), state.tone)


def _customer_state(customer: Customer) -> SafeString:
    state = customer_state(customer)
    return state_html(state.key, str(state.label), state.tone)


DOMAINS: Listing[Domain] = Listing(
    "domains.domains",
    (
        _DomainName(
            "name", _("Name"), words=True, folded=True, sort=True, url="domains:domain-detail",
            show=lambda domain: display_domain(domain.name),
        ),
        _DomainState("state", _("State"), path="status", choices=STATES, filter=True, show=_state),
        Text("customer", _("Customer"), path="customer__name", sort=True, right=Right.VIEW_CUSTOMERS, long=True),
        _Language("language", _("Language"), path="default_language", choices=LANGUAGES, filter=True, column=False),
        _Service("service", _("Service"), choices=SERVICES, filter=True, column=False),
        Number("mailboxes", _("Mailboxes"), path="mailbox_count", sort=True),
        Number("aliases", _("Aliases"), path="alias_count", search=False, shown=False),
        Number("groups", _("Groups"), path="group_count", search=False, shown=False),
        Number("forwards", _("Forwards"), path="forward_count", search=False, shown=False),
        Number("lists", _("Lists"), path="list_count", search=False, shown=False),
        Text("id", _("External id"), path="external_id", whole=True, mono=True, shown=False),
        Text("description", _("Description"), search=False, long=True, shown=False),
        Time("created", _("Added"), path="created_at", sort=True),
        Time("purged", _("Purged on"), path="purge_at", search=False, shown=False),
    ),
    sort="name",
    caption=_("Domains"),
    placeholder=_("Name or alias, or state:disabled, customer:acme, mailboxes>100 …"),
    views=(
        View(_("Suspended"), "state=suspended&state=disabled"),
        View(_("Pending"), "state=pending"),
        View(_("Deleted"), "state=deleted&columns=name,state,customer,mailboxes,purged"),
    ),
    first_step=Empty(
        _("No domains yet"),
        _("A domain is what stands behind the @. Add one, then its users, groups and forwards."),
        "globe-alt",
        action="domains:domain-create",
        action_label=_("Add a domain"),
        right=Right.CREATE_DOMAINS,
    ),
    nothing=_("No domain like this"),
)  # fmt: skip

CUSTOMERS: Listing[Customer] = Listing(
    "domains.customers",
    (
        Main("name", _("Name"), words=True, sort=True, url="domains:customer-detail"),
        YesNo(
            "enabled", _("State"), path="is_enabled", yes=_("Enabled"), no=_("Disabled"), filter=True,
            show=_customer_state, css="cell-state",
        ),
        Text("broker", _("Broker"), path="broker__name", right=Right.MANAGE_BROKERS, long=True),
        Text("id", _("External id"), path="external_id", whole=True, mono=True, shown=False),
        Text("description", _("Description"), search=False, long=True, shown=False),
        Number("domains", _("Domains"), path="domain_count", sort=True),
        Number("mailboxes", _("Mailboxes"), path="mailbox_count", sort=True),
        Time("created", _("Added"), path="created_at", sort=True),
    ),
    sort="name",
    caption=_("Customers"),
    placeholder=_("Name, or enabled:no, domains>10 …"),
    views=(View(_("Disabled"), "enabled=no"),),
    first_step=Empty(
        _("No customers yet"),
        _("A customer is an organisation with domains, limits and administrators of its own."),
        "building-office",
        action="domains:customer-create",
        action_label=_("New customer"),
        right=Right.MANAGE_CUSTOMERS,
    ),
    nothing=_("No customer like this"),
)  # fmt: skip

BROKERS: Listing[Broker] = Listing(
    "domains.brokers",
    (
        Main("name", _("Name"), words=True, sort=True, url="domains:broker-edit"),
        Text("id", _("External id"), path="external_id", mono=True),
        Number("customers", _("Customers"), path="customer_count", search=False),
        Time("created", _("Added"), path="created_at"),
    ),
    sort="name",
    caption=_("Brokers"),
    first_step=Empty(
        _("No brokers yet"),
        _("A broker sells your service: customers may hang on one, and its administrators look after them."),
        "briefcase",
    ),
    nothing=_("No broker like this"),
)

PROVIDERS: Listing[OutgoingProvider] = Listing(
    "domains.providers",
    (
        Main("name", _("Name"), words=True, sort=True, url="domains:provider-edit"),
        Text("spf", _("Name in SPF records"), path="spf_provider", mono=True, folded=True),
        YesNo("active", _("Can be chosen"), path="is_active", filter=True),
        Number("domains", _("Domains"), path="domain_count", search=False),
    ),
    sort="name",
    caption=_("Outgoing providers"),
    first_step=Empty(
        _("No outgoing providers yet"),
        _("A service through which domains send besides this server; their SPF records are expected to name it."),
        "paper-airplane",
    ),
    nothing=_("No provider like this"),
)
