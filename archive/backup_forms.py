"""The forms of backups. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from archive.models import BackupDestination
from jobs.forms import ReasonForm

KEEP = _("Leave empty to keep the one that is stored.")
Kind = BackupDestination.Kind


class DestinationForm(forms.Form):
    """A folder or a bucket: `kind` says which fields there are."""

    name = forms.CharField(label=_("Name"), max_length=100)
    path = forms.CharField(label=_("Folder"), max_length=1000, widget=forms.TextInput(attrs={"class": "mono"}))
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
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    ca_pem = forms.CharField(
        label=_("Certificate of its authority"), required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono"}),
        help_text=_("In PEM form, where the server's certificate is of an authority of your own."),
    )  # fmt: skip
    indexes = forms.BooleanField(
        label=_("With the search indexes"), required=False,
        help_text=_("A restored archive can be searched at once; without them they are made anew. They are sealed."),
    )  # fmt: skip
    keep_last = forms.IntegerField(
        label=_("Keep the last"), min_value=1, max_value=36_500, initial=14, help_text=_("So many backups stay.")
    )
    keep_days = forms.IntegerField(
        label=_("Keep younger than (days)"), min_value=0, max_value=36_500, initial=0,
        help_text=_("They stay too, however many they are. 0: only the number counts."),
    )  # fmt: skip
    warn_days = forms.IntegerField(
        label=_("Warn after (days)"), min_value=0, max_value=36_500, initial=2,
        help_text=_("An alert is posted when the last backup is older. 0: never."),
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    FOLDER_ONLY = ("path",)
    S3_ONLY = ("endpoint", "bucket", "prefix", "region", "access_key", "secret_key", "ca_pem")

    def __init__(self, *args: Any, kind: str, destination: BackupDestination | None = None, **options: Any) -> None:
        self.kind = kind
        if destination is not None:
            names = [name for name in self.base_fields if name != "secret_key"]
            options["initial"] = {name: getattr(destination, name) for name in names}
        super().__init__(*args, **options)
        for name in self.S3_ONLY if kind == Kind.FOLDER else self.FOLDER_ONLY:
            del self.fields[name]
        if destination is not None and destination.secret_key and "secret_key" in self.fields:
            self.fields["secret_key"].help_text = KEEP

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class RestoreMailboxForm(forms.Form):
    """Whose mail, into whose archive, below which folder."""

    mailbox = forms.CharField(
        label=_("Mailbox"), max_length=320, help_text=_("Its address at that time, or its number.")
    )
    into = forms.CharField(
        label=_("Into the archive of"), max_length=320, required=False, help_text=_("Without one: its own.")
    )
    folder = forms.CharField(
        label=_("Below the folder"), max_length=500, required=False,
        help_text=_("Without one: in the folders of that time."),
    )  # fmt: skip


class RestoreStoreForm(ReasonForm):
    """Which store; the reason is for who must agree, where one is replaced."""

    store = forms.ChoiceField(label=_("Store"))

    def __init__(self, *args: Any, stores: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["store"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = stores
        self.order_fields(["store", "reason"])
