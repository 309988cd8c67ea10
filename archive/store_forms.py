"""The shapes of what people send to the pages of stores. Rules are the services'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from archive.commands.store_places import FILE_SYSTEM, OBJECTS, POSTGRES, PlaceArguments, objects_of, place_of
from archive.models import AutoCreation, Store, StoreKind
from archive.services.store_changes import STATE_NAMES
from archive.services.store_places import OWN_DATABASE, Place
from domains.models import Customer

PLAIN = {"autocomplete": "off", "spellcheck": "false"}
SECRETS = {"password", "secret_key"}
PATHS = ("content_path", "database_path", "index_path")
OF_S3 = ("endpoint", "bucket", "prefix", "region", "access_key", "secret_key")
NAMED = ("dsn", "password", "schema_name", "objects_path", *OF_S3)
OF_DATABASES = ("database", "objects", *NAMED)
PLACE = (
    "kind", "content_path", "database", "dsn", "password", "schema_name", "objects", "objects_path", *OF_S3,
    "database_path", "index_path",
)  # fmt: skip
OWN, OTHER, AS_BEFORE = "own", "other", "as_before"
DATABASES = [(OWN, _("Postkeep's own")), (OTHER, _("Another one"))]
PACKS = [(name, kind.label) for name, kind in OBJECTS.items()]
WHERE = {"data-group": _("Where it lies")}
# Another choice shows other fields.
_LOOK = {
    "hx-post": "",
    "hx-trigger": "change",
    "hx-vals": '{"look": "1"}',
    "hx-target": "#store-fields",
    "hx-select": "#store-fields",
    "hx-swap": "outerHTML",
    "hx-push-url": "false",
}
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


class PlaceForm(_CustomerForm):
    """Where a store lies. `kind`, `database` and `objects` say which fields there are; the others are left out."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=StoreKind.choices, required=False, widget=forms.Select(attrs={**_LOOK, **WHERE})
    )
    content_path = _folder(_("Folder"), _("Left empty, one is made in the stores folder."))
    database = forms.ChoiceField(
        label=_("Database"), choices=DATABASES, required=False, widget=forms.Select(attrs=_LOOK),
        help_text=_("The store is a schema of it; no other store's rows can be reached from there."),
    )  # fmt: skip
    dsn = forms.CharField(
        label=_("Address"), max_length=1000, widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Such as postgresql://postkeep@db.example.org/mail?sslmode=verify-full, without the password."),
    )  # fmt: skip
    password = forms.CharField(
        label=_("Password"), max_length=500, required=False, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), help_text=_("Kept sealed; never shown."),
    )  # fmt: skip
    schema_name = forms.CharField(
        label=_("Schema"), max_length=63, required=False, widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Left empty, one is named after the store."),
    )  # fmt: skip
    objects = forms.ChoiceField(
        label=_("Sealed packs"), choices=PACKS, required=False,
        widget=forms.Select(attrs={**_LOOK, "data-group": _("What never changes again")}),
        help_text=_("Packs of 16 MiB leave the database once they are full, so that it stays small."),
    )  # fmt: skip
    objects_path = _folder(_("Folder of the packs"), _("Left empty, one is made in the stores folder."))
    endpoint = forms.CharField(
        label=_("Endpoint"), max_length=500, help_text=_("The address of the S3 server: https://s3.example.org.")
    )
    bucket = forms.CharField(label=_("Bucket"), max_length=63)
    prefix = forms.CharField(  # type: ignore[assignment]  # a field, which Django takes out of the class
        label=_("Prefix"), max_length=300, required=False, help_text=_("What the names in the bucket begin with.")
    )
    region = forms.CharField(label=_("Region"), max_length=60, required=False, initial="us-east-1")
    access_key = forms.CharField(label=_("Access key"), max_length=200, required=False)
    secret_key = forms.CharField(
        label=_("Secret key"), max_length=500, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), help_text=_("Kept sealed; never shown."),
    )  # fmt: skip
    database_path = _folder(_("Folder of the catalogue"), _("Left empty, it lies with the other working copies."))
    index_path = _folder(_("Folder of the index"), _("Left empty, it lies beside the catalogue."))

    field_order: tuple[str, ...] = ("name", "customer", "requested_state", *PLACE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_folder = self._said("kind", StoreKind.FOLDER) == StoreKind.FOLDER
        self.fields["objects"].initial = self.usual_packs
        for name in self._left_out():
            self.fields.pop(name, None)
        if not self.is_folder:
            self.fields["database_path"].label = _("Folder of working copies")
            self.fields["database_path"].widget.attrs["data-group"] = _("What is made of it")
            self.fields["index_path"].help_text = _("Left empty, it lies with the other working copies.")

    def _said(self, name: str, otherwise: str) -> str:
        given = self.data.get(name) if self.is_bound else self.initial.get(name)
        return str(given or otherwise)

    def _left_out(self) -> Iterator[str]:
        if self.is_folder:
            yield from OF_DATABASES
            return
        yield "content_path"
        if self._said("database", OWN) == OWN:
            yield from ("dsn", "password")
        packs = self._said("objects", self.usual_packs)
        yield from () if packs == "folder" else ("objects_path",)
        yield from () if packs == "s3" else OF_S3

    usual_packs = "folder"

    @classmethod
    def looked_at(cls, given: QueryDict) -> Self:
        """The form for another kind, with what was written so far but the secrets."""
        return cls(initial={name: given[name] for name in cls.base_fields if name in given and name not in SECRETS})

    def arguments(self) -> dict[str, Any]:
        """What was said of the place, by the names of `PlaceArguments`."""
        data = self.cleaned_data
        named = {name: data[name] for name in (*PATHS, *NAMED) if data.get(name)}
        if self.is_folder:
            return {"type": FILE_SYSTEM, **named}
        if self._said("database", OWN) == OWN:
            named["dsn"] = OWN_DATABASE
        if (packs := self._said("objects", self.usual_packs)) != AS_BEFORE:
            named["objects"] = packs
        return {"type": POSTGRES, **named}

    def place(self) -> Place:
        """Raises: StoreRefused."""
        return place_of(PlaceArguments(**self.arguments()))


class StoreCreateForm(PlaceForm):
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=PLAIN))
    requested_state = forms.ChoiceField(
        label=_("State"),
        choices=CHOOSABLE[:2],
        initial="normal",
        help_text=_("New mail goes into the current store; the one that was current becomes normal."),
    )


class StoreAttachForm(StoreCreateForm):
    content_path = _folder(_("Folder"), _("The folder that holds store.json."), required=True)
    schema_name = forms.CharField(
        label=_("Schema"), max_length=63, widget=forms.TextInput(attrs=PLAIN), help_text=_("The one with its tables.")
    )
    objects = forms.ChoiceField(
        label=_("Sealed packs"), choices=[(AS_BEFORE, _("Where they were when it was detached")), *PACKS],
        required=False, widget=forms.Select(attrs={**_LOOK, "data-group": _("What never changes again")}),
        help_text=_("Where those are that have left the database."),
    )  # fmt: skip
    requested_state = forms.ChoiceField(label=_("State"), choices=CHOOSABLE, initial="normal")
    recover = forms.BooleanField(
        label=_("Attach it although it is damaged"),
        required=False,
        help_text=_("What is missing is said in the task; nothing readable is thrown away."),
    )
    usual_packs = AS_BEFORE

    field_order: tuple[str, ...] = ("name", "customer", "requested_state", *PLACE, "recover")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECRETS & set(self.fields):  # what was typed is sent twice: to look, then to attach
            widget = self.fields[name].widget
            assert isinstance(widget, forms.PasswordInput)
            widget.render_value = True


class StoreEditForm(PlaceForm):
    """Name, customer and places of a store; `version` is what the person saw. Its kind stays."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=PLAIN))
    content_path = _folder(
        _("Folder"),
        _("Where the store lies now. Nothing is moved: move it first, then say so here."),
        group=_("Where it lies"),
    )
    database_path = _folder(_("Folder of the catalogue"), _("What isn't there is made anew."))
    index_path = _folder(_("Folder of the index"), _("What isn't there is made anew."))
    version = forms.IntegerField(widget=forms.HiddenInput)

    field_order: tuple[str, ...] = ("name", "customer", *PLACE, "version")

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        self.store = store
        self.usual_packs = objects_of(store)
        super().__init__(*args, **kwargs)
        del self.fields["kind"]
        if self.is_folder:
            return
        self.fields["database"].widget.attrs |= WHERE
        self.fields["schema_name"].help_text = _("Where the store lies now. Nothing is moved.")
        self.fields["objects"].help_text = _("Where they lie now. Nothing is moved: copy them first.")
        for name in SECRETS & set(self.fields):
            self.fields[name].help_text = _("Leave empty to keep the one that is stored.")

    def _said(self, name: str, otherwise: str) -> str:
        return self.store.kind if name == "kind" else super()._said(name, otherwise)

    @classmethod
    def of(cls, store: Store, data: QueryDict | None = None) -> StoreEditForm:
        initial = {
            "name": store.name,
            "customer": store.customer,
            "content_path": str(store.root) if store.is_folder else "",
            "database": OTHER if store.dsn else OWN,
            "dsn": store.dsn,
            "schema_name": store.schema,
            "objects": objects_of(store),
            **{name: getattr(store, name) for name in ("objects_path", *OF_S3) if name not in SECRETS},
            "database_path": store.work_path,
            "index_path": store.index_path,
            "version": store.version,
        }
        if data is not None and "look" in data:
            initial |= {name: data[name] for name in cls.base_fields if name in data and name not in SECRETS}
            return cls(initial=initial, store=store)
        return cls(data, initial=initial, store=store)

    @property
    def moves(self) -> bool:
        """Whether anything of its place was changed."""
        return bool(set(PLACE) & set(self.changed_data))

    def place(self) -> Place:
        """Only what was changed; of a database all of it, since its parts belong together. Raises: StoreRefused."""
        data, changed = self.cleaned_data, set(self.changed_data)
        named = {name: data[name] for name in PATHS if name in changed and data.get(name)}
        if changed & {"database", *OF_DATABASES}:
            named |= self.arguments()
        return place_of(PlaceArguments(**named), self.store)


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


class GiveForm(forms.Form):
    """To whose archive mail of nobody goes: an address for all of it, with a reason; nothing for whom it names."""

    user_name = forms.CharField(
        label=_("Mailbox"),
        max_length=320,
        required=False,
        help_text=_("Left empty each message goes to the mailboxes named in its From, To and Cc."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "email"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        help_text=_("For the second person, where all of it goes to one mailbox."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "save" in self.data and given.get("user_name") and not given.get("reason"):
            self.add_error("reason", _("Say why all of it goes to one mailbox."))
        return given


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
