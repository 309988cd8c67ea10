"""What is typed about sources: a form for each kind, made from its catalogue; the choice of a place; a trial."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Source
from accounts.sources import kinds
from accounts.sources.kinds import Kind, Setting

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class OrganisationForm(forms.Form):
    """An address, to find out where its people sign in."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )


class SourceForm(forms.Form):
    """Name, settings of the kind, password, switches. is_server: whether it is the server's own."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Also on the button of the sign-in page."))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, kind: Kind, is_server: bool, has_secret: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self._settings = kinds.SETTINGS[kind]
        first = [each for each in self._settings if each.group == "connection"]
        rest = [each for each in self._settings if each.group != "connection"]
        for each in first:
            self.fields[each.name] = _field(each)
        if kind != Kind.IMAP:
            self.fields["secret"] = forms.CharField(
                label=_("Client secret") if kind.is_web else _("Password"),
                max_length=1000,
                required=False,
                strip=False,
                help_text=_("There is one. Leave empty to keep it.") if has_secret else "",
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            )
        for each in rest:
            self.fields[each.name] = _field(each)
        for name, label, help_text in _switches(kind, is_server):
            self.fields[name] = forms.BooleanField(label=label, help_text=help_text, required=False)
        headed: set[str] = set()
        by_name = {each.name: str(kinds.GROUPS[each.group]) for each in self._settings}
        for name, field in self.fields.items():
            group = by_name.get(name, str(_("Rules")) if name in _SWITCHES else "")
            if group and group not in headed:
                headed.add(group)
                field.widget.attrs["data-group"] = group

    def values(self) -> dict[str, Any]:
        """As the service takes them; a secret only where one was typed."""
        found = {name: value for name, value in self.cleaned_data.items() if name in _SWITCHES}
        found["name"] = self.cleaned_data["name"]
        found["settings"] = {each.name: _given(each, self.cleaned_data[each.name]) for each in self._settings}
        if self.cleaned_data.get("secret"):
            found["secret"] = self.cleaned_data["secret"]
        return found

    @staticmethod
    def initial_of(source: Source) -> dict[str, Any]:
        """A source as the form shows it."""
        switches = {name: getattr(source, name) for name in _SWITCHES}
        return {"name": source.name, "version": source.version, **source.settings, **switches}


class ChoiceForm(forms.Form):
    """Which source a place has."""

    INHERIT, LOCAL = "inherit", "local"
    source = forms.ChoiceField(label=_("People sign in with"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, offered: Iterable[Source], inherited: str, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        first = [(self.INHERIT, inherited)] if inherited else []
        field.choices = [
            *first,
            (self.LOCAL, _("Passwords kept here")),
            *((str(each.pk), f"{each.name} ({each.kind_of.label})") for each in offered),
        ]


class TrialForm(forms.Form):
    """Somebody to try a source with; nothing: only whether it answers."""

    email = forms.CharField(
        label=_("E-mail address"), max_length=254, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    password = forms.CharField(
        label=_("Password"), max_length=1000, strip=False, required=False,
        help_text=_("Is used once, and kept nowhere."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


class GroupRoleForm(forms.Form):
    """A group, the role it gives, and where."""

    group = forms.CharField(label=_("Group"), max_length=500, widget=forms.TextInput(attrs=_PLAIN))
    role = forms.ChoiceField(label=_("Role"))
    place = forms.ChoiceField(label=_("Where"))
    which = forms.CharField(
        label=_("Which one"), max_length=300, required=False, help_text=_("The domain, or the customer’s name."),
        widget=forms.TextInput(attrs=_PLAIN),
    )  # fmt: skip

    def __init__(
        self, *args: Any, roles: Iterable[tuple[str, Any]], places: Iterable[tuple[str, Any]], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        for name, choices in (("role", roles), ("place", places)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = list(choices)


class ReleaseForm(forms.Form):
    """Whose binding is undone."""

    email = forms.CharField(label=_("E-mail address"), max_length=254, widget=forms.TextInput(attrs=_PLAIN))


_SWITCHES = {
    "is_enabled": (_("In use"), _("Off: the domains that chose it are as if they hadn’t.")),
    "creates_people": (
        _("Make people at their first sign-in"),
        _("Whoever it knows and nobody here has the address of gets a mailbox, in a domain that uses it."),
    ),
    "local_for_administrators": (
        _("Administrators may also use a password kept here"),
        _("So that they come in while it doesn’t answer. Server administrators always may."),
    ),
    "asks_second_factor": (
        _("It asks for the second factor itself"),
        _("Where it says so, nobody is asked for another one here."),
    ),
    "meets_demands": (
        _("Its second factor counts where one is demanded"),
        _(
            "Who has none here and showed one there, as its token says by the signs above, needs none here while that "
            "session lasts."
        ),
    ),
    "shows_button": (_("Button on the sign-in page"), ""),
}


def _switches(kind: Kind, is_server: bool) -> list[tuple[str, Any, Any]]:
    left_out = set()
    if not kind.is_web:
        left_out |= {"asks_second_factor", "meets_demands", "shows_button"}
    if not is_server:
        left_out |= {"asks_second_factor", "meets_demands", "shows_button"}
    return [(name, *texts) for name, texts in _SWITCHES.items() if name not in left_out]


def _field(setting: Setting) -> forms.Field:
    common: dict[str, Any] = {"label": setting.label, "help_text": setting.help, "required": setting.required}
    match setting.shape:
        case "yes":
            return forms.BooleanField(**{**common, "required": False})
        case "number":
            attrs = {"data-unit": str(setting.unit)} if setting.unit else {}
            return forms.IntegerField(
                **{**common, "required": True}, min_value=setting.least, max_value=setting.most,
                widget=forms.NumberInput(attrs=attrs),
            )  # fmt: skip
        case "choice":
            return forms.ChoiceField(**{**common, "required": True}, choices=setting.choices)
        case "pem":
            return forms.CharField(**common, widget=forms.Textarea(attrs={"rows": 3, **_PLAIN}))
    return forms.CharField(**common, max_length=kinds.LONGEST, widget=forms.TextInput(attrs=_PLAIN))


def _given(setting: Setting, value: Any) -> Any:
    return value.replace("\r\n", "\n") if setting.shape == "pem" else value
