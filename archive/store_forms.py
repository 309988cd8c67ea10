"""The shapes of what people send to the pages of stores. Rules are the services'."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from archive.models import AutoCreation, Store
from archive.services.store_changes import STATE_NAMES
from archive.services.store_places import Place
from domains.models import Customer

PLAIN = {"autocomplete": "off", "spellcheck": "false"}
FIELDS = ("name", "customer", "requested_state", "content_path", "database_path", "index_path")
CHOOSABLE = [(name, state.label) for name, state in STATE_NAMES.items()]


def _folder(label: Any, help_text: Any, *, required: bool = False, group: Any = None) -> forms.CharField:
    attrs = {**PLAIN, **({"data-group": group} if group else {})}
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=1000, widget=forms.TextInput(attrs=attrs)
    )


class _CustomerForm(forms.Form):
    """Has a field for the customer a store is bound to."""

    customer = forms.ModelChoiceField(
        Customer.objects.none(),
        label=_("For"),
        required=False,
        empty_label=_("Everybody"),
        help_text=_("A store of a customer takes mail of that customer's mailboxes only."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["customer"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Customer.objects.order_by("name")


class StoreCreateForm(_CustomerForm):
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=PLAIN))
    requested_state = forms.ChoiceField(
        label=_("State"),
        choices=CHOOSABLE[:2],
        initial="normal",
        help_text=_("New mail goes into the current store; the one that was current becomes normal."),
    )
    content_path = _folder(_("Folder"), _("Left empty, one is made in the stores folder."), group=_("Where it lies"))
    database_path = _folder(_("Folder of the catalogue"), _("Left empty, it lies with the other working copies."))
    index_path = _folder(_("Folder of the index"), _("Left empty, it lies beside the catalogue."))

    field_order: tuple[str, ...] = (
        "name",
        "customer",
        "requested_state",
        "content_path",
        "database_path",
        "index_path",
    )

    def place(self) -> Place:
        data = self.cleaned_data
        return Place(data["content_path"], data["database_path"], data["index_path"])


class StoreAttachForm(StoreCreateForm):
    content_path = _folder(_("Folder"), _("The folder that holds store.json."), required=True, group=_("Where it lies"))
    requested_state = forms.ChoiceField(label=_("State"), choices=CHOOSABLE, initial="normal")
    recover = forms.BooleanField(
        label=_("Attach it although it is damaged"),
        required=False,
        help_text=_("What is missing is said in the task; nothing readable is thrown away."),
    )

    field_order: tuple[str, ...] = (
        "name",
        "customer",
        "requested_state",
        "content_path",
        "database_path",
        "index_path",
        "recover",
    )


class StoreEditForm(_CustomerForm):
    """Name, customer and places of a store; `version` is what the person saw."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=PLAIN))
    content_path = _folder(
        _("Folder"),
        _("Where the store lies now. Nothing is moved: move it first, then say so here."),
        group=_("Where it lies"),
    )
    database_path = _folder(_("Folder of the catalogue"), _("What isn't there is made anew."))
    index_path = _folder(_("Folder of the index"), _("What isn't there is made anew."))
    version = forms.IntegerField(widget=forms.HiddenInput)

    field_order: tuple[str, ...] = ("name", "customer", "content_path", "database_path", "index_path", "version")

    @classmethod
    def of(cls, store: Store, data: Any = None) -> StoreEditForm:
        initial = {
            "name": store.name,
            "customer": store.customer,
            "content_path": str(store.root),
            "database_path": store.work_path,
            "index_path": store.index_path,
            "version": store.version,
        }
        return cls(data, initial=initial)

    def place(self) -> Place:
        """Only what was changed."""
        data = self.cleaned_data
        fields = ("content_path", "database_path", "index_path")
        return Place(*(data[name] if name in self.changed_data else "" for name in fields))


class MergeForm(forms.Form):
    """Which store comes into this one."""

    source = forms.ChoiceField(label=_("Which store"))

    def __init__(self, *args: Any, stores: Iterable[Store], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(store.pk), store.name) for store in stores]


class FolderForm(forms.Form):
    folder = forms.CharField(
        label=_("Folder of an archive"),
        max_length=1300,
        help_text=_("Such as name@example.org/Inbox, with all below it; an address alone means the whole archive."),
        widget=forms.TextInput(attrs=PLAIN),
    )


class UnlockForm(forms.Form):
    passphrase = forms.CharField(
        label=_("Recovery key"),
        max_length=200,
        help_text=_("Of the installation the store came from: seven groups of eight letters and digits."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class KeyForm(forms.Form):
    """The key of a store whose key file is lost or foreign."""

    encryption_key = forms.CharField(
        label=_("Key"),
        max_length=200,
        required=False,
        help_text=_("Only where its key file is lost or foreign: the store's own key, or a recovery key."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def given(self) -> dict[str, str]:
        """The argument, where one was typed."""
        typed = self.cleaned_data["encryption_key"]
        return {"encryption_key": typed} if typed else {}


class DetachForm(forms.Form):
    name = forms.CharField(label=_("Name of the store"), max_length=100, widget=forms.TextInput(attrs=PLAIN))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._store = store
        self.fields["name"].help_text = _("Type “%(name)s”.") % {"name": store.name}

    def clean_name(self) -> str:
        typed = str(self.cleaned_data["name"]).strip()
        if typed != self._store.name:
            raise forms.ValidationError(_("This is not the store's name."))
        return typed


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class AutoCreationForm(forms.Form):
    """When a store is followed by a new one by itself."""

    size_mib = forms.IntegerField(
        label=_("When the current store takes"),
        required=False,
        min_value=1,
        help_text=_("On disk. Left empty, no store is made by itself."),
        widget=forms.NumberInput(attrs={"data-unit": "MiB"}),
    )
    content_base = _folder(_("Folder for stores"), _("Left empty, the stores folder."), group=_("Where new ones lie"))
    database_base = _folder(_("Folder for catalogues"), _("Left empty, with the other working copies."))
    index_base = _folder(_("Folder for indexes"), _("Left empty, beside the catalogue."))
    version = forms.IntegerField(widget=forms.HiddenInput)

    @classmethod
    def of(cls, found: AutoCreation, data: Any = None) -> AutoCreationForm:
        initial = {
            "size_mib": None if found.size_threshold_bytes is None else max(found.size_threshold_bytes >> 20, 1),
            "content_base": found.content_base,
            "database_base": found.database_base,
            "index_base": found.index_base,
            "version": found.version,
        }
        return cls(data, initial=initial)

    def config(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "sizeThreshold": None if data["size_mib"] is None else data["size_mib"] << 20,
            "contentBaseDirectory": data["content_base"],
            "databaseBaseDirectory": data["database_base"],
            "indexBaseDirectory": data["index_base"],
        }
