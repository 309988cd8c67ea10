"""The shape of what people type about brokers, customers, domains and providers. Rules raise in the services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.addresses import display_domain
from accounts.permissions import END_USER_RIGHTS
from domains.forms.fields import LimitField, VersionField, yes_no_inherit
from domains.models import Broker, Customer, Domain, OutgoingProvider, Status
from domains.models.tenants import LANGUAGES

SIZES = ("max_bytes", "max_quota_bytes")


class _Versioned(forms.Form):
    version = VersionField()


class _LineListField(forms.CharField):
    """Texts, one a line or set apart by commas; cleaned to a list."""

    def __init__(self, *, rows: int = 5, **options: Any) -> None:
        attrs = {"rows": rows, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}
        options.setdefault("required", False)
        super().__init__(widget=forms.Textarea(attrs), max_length=1_000_000, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]

    def clean(self, value: Any) -> Any:
        self.run_validators("" if value is None else str(value))
        return self.to_python(value)


class BrokerForm(_Versioned):
    name = forms.CharField(label=_("Name"), max_length=200)
    external_id = forms.CharField(
        label=_("External id"), max_length=200, required=False, help_text=_("Its number in your billing, for instance.")
    )


class ProviderForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)
    spf_provider = forms.CharField(
        label=_("Name in SPF records"),
        max_length=253,
        help_text=_("What stands behind include: in the SPF record of a domain that sends through it."),
        widget=forms.TextInput({"class": "mono", "autocapitalize": "none", "spellcheck": "false"}),
    )
    is_active = forms.BooleanField(
        label=_("Can be chosen"), required=False, initial=True, help_text=_("Domains that have it already keep it.")
    )


class CustomerForm(_Versioned):
    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(label=_("Description"), max_length=1000, required=False)
    external_id = forms.CharField(
        label=_("External id"), max_length=200, required=False, help_text=_("Its number in your billing, for instance.")
    )
    broker = forms.ModelChoiceField(
        label=_("Broker"), queryset=Broker.objects.none(), required=False, empty_label=_("None: of this server itself")
    )

    def __init__(self, *args: Any, brokers: Any, needs_broker: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["broker"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = brokers
        if not brokers.exists():
            del self.fields["broker"]
        elif needs_broker:
            field.required, field.empty_label = True, None


class LimitsForm(_Versioned):
    """Limits of a broker, a customer or a domain: empty for none, a number, or a size."""

    def __init__(
        self, *args: Any, model: type[Broker] | type[Customer] | type[Domain], names: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name in names:
            label = model._meta.get_field(name).verbose_name  # type: ignore[union-attr]  # a field of ours
            is_size = name in SIZES
            attrs = {"placeholder": _("no limit"), "inputmode": "text" if is_size else "numeric"}
            self.fields[name] = LimitField(
                label=str(label)[:1].upper() + str(label)[1:], is_size=is_size, widget=forms.TextInput(attrs)
            )

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class DomainForm(forms.Form):
    """A new domain: the name is enough."""

    name = forms.CharField(
        label=_("Name"),
        max_length=255,
        help_text=_("As people write it, such as example.org or bücher.example."),
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    customer = forms.ModelChoiceField(label=_("Customer"), queryset=Customer.objects.none(), required=False)
    status = forms.ChoiceField(
        label=_("State"),
        choices=[
            (Status.ENABLED, _("Enabled: mail flows and people sign in")),
            (Status.PENDING, _("Pending: not in service yet")),
            (Status.DISABLED, _("Disabled")),
        ],
        initial=Status.ENABLED,
    )
    default_language = forms.ChoiceField(
        label=_("Language"), choices=[("", _("As the customer or the server")), *LANGUAGES], required=False
    )
    services = forms.MultipleChoiceField(
        label=_("What is kept of its mail"),
        choices=[
            ("quarantine", _("Quarantine: spam and viruses wait there for release instead of being refused")),
            ("retention", _("Copies for a few days: what was delivered can be sent again")),
            ("archive", _("Archive: a copy of all mail, searchable, for as long as you say")),
        ],
        initial=["quarantine"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The default policy of the domain says so, and can be changed at any time."),
    )
    description = forms.CharField(label=_("Description"), max_length=1000, required=False)

    def __init__(self, *args: Any, customers: Any, may_be_nobodys: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["customer"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = customers
        if may_be_nobodys:
            field.empty_label = _("None: of this server itself")
            if not customers.exists():
                del self.fields["customer"]
        else:
            field.required = True


class NamesForm(_Versioned):
    """Names to add, or all that there shall be."""

    names = _LineListField(
        label=_("Names"), rows=4, help_text=_("One a line. Mail to them arrives at the same addresses.")
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("names") and self.prefix != "all":
            self.add_error("names", _("Write at least one name."))
        return data


class RenameForm(_Versioned):
    name = forms.CharField(
        label=_("New name"),
        max_length=255,
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    keep_old = forms.BooleanField(
        label=_("Keep the old name as an alias"),
        required=False,
        initial=True,
        help_text=_("Mail to the old addresses then goes on arriving."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False, help_text=_("For the history."))


class MoveForm(_Versioned):
    customer = forms.ModelChoiceField(label=_("To the customer"), queryset=Customer.objects.none(), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False, help_text=_("For the history."))

    def __init__(self, *args: Any, customers: Any, may_be_nobodys: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["customer"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = customers
        field.required = not may_be_nobodys
        field.empty_label = _("None: of this server itself") if may_be_nobodys else None


class DomainDeleteForm(_Versioned):
    typed = forms.CharField(
        label=_("Type the name of the domain to confirm"),
        max_length=255,
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False, help_text=_("For the history."))

    def __init__(self, *args: Any, domain: Domain, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.domain = domain

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"]).strip().lower()
        if typed not in (self.domain.name, display_domain(self.domain.name)):
            raise forms.ValidationError(_("This is another name."))
        return typed


def setting_field(name: str, domain: Domain) -> forms.Field:
    """The field that edits one setting of a domain where it stands."""
    inherits = _("As the customer or the server")
    if name in ("auto_provisioning", "sender_verify"):
        return yes_no_inherit(Domain._meta.get_field(name).verbose_name, inherits)  # type: ignore[union-attr]
    if name == "default_language":
        return _choice(_("Language"), [("", inherits), *LANGUAGES])
    if name == "list_priority":
        return _choice(_("Rules that win"), [("", inherits), *Domain.ListPriority.choices])
    if name == "unknown_recipients":
        return forms.ChoiceField(label=_("Unknown addresses"), choices=Domain.Unknown.choices, widget=forms.RadioSelect)
    if name == "outgoing_subnets":
        return _LineListField(
            label=_("Networks that may send"), help_text=_("One a line: 192.0.2.0/24 or 2001:db8::/48.")
        )
    if name == "catch_all":
        return forms.CharField(
            label=_("Catch-all address"),
            required=False,
            max_length=254,
            help_text=_("Empty: none."),
            widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false"}),
        )
    if name == "outgoing_providers":
        offered = OutgoingProvider.objects.filter(is_active=True) | domain.outgoing_providers.all()
        return forms.ModelMultipleChoiceField(
            label=_("Outgoing providers"),
            queryset=offered.distinct(),
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )
    most = 1000 if name == "description" else 200
    label = Domain._meta.get_field(name).verbose_name  # type: ignore[union-attr]  # a field of ours
    return forms.CharField(label=label, required=False, max_length=most)


def _choice(label: Any, choices: list[tuple[str, Any]]) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, choices=choices, required=False, empty_value=None)


class SettingForm(_Versioned):
    """One setting of a domain."""

    def __init__(self, *args: Any, name: str, domain: Domain, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {name: setting_field(name, domain), "version": self.fields["version"]}
        self.initial = {name: initial_of(name, domain), "version": domain.version, **self.initial}


def initial_of(name: str, domain: Domain) -> Any:
    """What the field shows of a domain's own value."""
    if name == "outgoing_providers":
        return list(domain.outgoing_providers.all())
    value = getattr(domain, name)
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


class AccessForm(_Versioned):
    """What the people of a domain may do with their own things."""

    inherit = forms.BooleanField(
        label=_("As the customer or the server says"),
        required=False,
        help_text=_("What is ticked below then counts for nothing."),
    )
    rights = forms.MultipleChoiceField(
        label=_("The people of this domain may"),
        choices=[(right.value, label) for right, label in END_USER_RIGHTS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def value(self) -> list[str] | None:
        return None if self.cleaned_data["inherit"] else self.cleaned_data["rights"]
