"""The shapes of what people send to the archive's pages. Rules are the services': a form only knows types and words."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.privileges import FOLDER_PRIVILEGES
from archive.models import ExportFormat, PackageFormat

MBOX_CHOICES = [
    ("rd", _("mboxrd: quoted with any number of “>” (most programs)")),
    ("o", _("mboxo: quoted with one “>”, ambiguous")),
    ("cl", _("mboxcl: with Content-Length, quoted")),
    ("cl2", _("mboxcl2: with Content-Length, not quoted")),
]


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files at once."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(FilesField, self).clean(each, initial) for each in files]


class ImportForm(forms.Form):
    """Everybody: files into their own mailbox. Administrators: also any address, and a path on the server."""

    files = FilesField(  # type: ignore[assignment]  # our field of that name hides the form's own attribute
        label=_("Files"),
        required=False,
        help_text=_(
            "mbox files, single messages (.eml), or a .zip, .tar, .gz, .bz2, .xz or .zst of these. "
            "Any size, several at once."
        ),
    )
    path = forms.CharField(label=_("Or a path on the server"), required=False, max_length=4096)
    user = forms.CharField(
        label=_("Into the archive of"),
        max_length=254,
        help_text=_("An address nobody has yet gets a mailbox; its owner can sign in once invited."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "email"}),
    )
    folder = forms.CharField(
        label=_("Folder"),
        required=False,
        max_length=1000,
        help_text=_("Everything goes here. Left empty, the folders of the source are kept."),
    )
    mbox = forms.ChoiceField(
        label=_("How mbox files are quoted"),
        choices=MBOX_CHOICES,
        required=False,
        help_text=_("Only matters for mbox files; the first one suits nearly all."),
    )

    def __init__(self, *args: Any, is_administrator: bool, roots: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_administrator:
            self.fields["path"].help_text = _("A file or folder below %(roots)s.") % {"roots": roots}
        else:
            del self.fields["path"]
            del self.fields["user"]
            self.fields["files"].required = True


class ExportForm(forms.Form):
    """What to take out, as what."""

    user = forms.ChoiceField(label=_("Whose archive"))
    folder = forms.ChoiceField(label=_("Folder"), required=False, help_text=_("The folder and those below it."))
    query = forms.CharField(
        label=_("Only messages that match"),
        required=False,
        max_length=4000,
        help_text=_("In the search language, for example from:example.org before:2020."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    format = forms.ChoiceField(
        label=_("As"),
        choices=ExportFormat.choices,
        initial=ExportFormat.EML,
        widget=forms.RadioSelect,
        help_text=_(
            "Messages leave as they came in, byte for byte; only mbox has to mark lines that begin with “From ”."
        ),
    )

    def __init__(self, *args: Any, addresses: list[str], folders: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user, folder = self.fields["user"], self.fields["folder"]
        assert isinstance(user, forms.ChoiceField)
        assert isinstance(folder, forms.ChoiceField)
        user.choices = [(address, address) for address in addresses]
        folder.choices = [("", _("All folders")), *((path, path) for path in folders)]
        if len(addresses) == 1:
            user.widget = forms.HiddenInput()
            user.initial = addresses[0]


class LinesField(forms.CharField):
    """Several texts, one a line; commas part them too."""

    def __init__(self, **options: Any) -> None:
        attributes = {"rows": 3, "autocomplete": "off", "spellcheck": "false"}
        super().__init__(widget=forms.Textarea(attrs=attributes), **options)

    def clean(self, value: Any) -> list[str]:
        text = str(super().clean(value) or "")
        return [part for part in text.replace(",", " ").split() if part]


class PackageForm(forms.Form):
    """Whose mail, which of it, why, as what."""

    mailboxes = LinesField(
        label=_("Mailboxes"),
        max_length=100_000,
        help_text=_("Their addresses, one a line. Each owner sees that you made this, why, and what you searched for."),
    )
    query = forms.CharField(
        label=_("Only messages that match"),
        required=False,
        max_length=4000,
        help_text=_("In the search language, for example from:example.org before:2020. Empty: all of their mail."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    messages = LinesField(
        label=_("Or just these messages"),
        required=False,
        max_length=200_000,
        help_text=_("Their numbers as their pages show them, such as 1:4711. The search is left aside then."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It stands in the package, in the audit trail and before the owners."),
    )
    format = forms.ChoiceField(
        label=_("As"),
        choices=PackageFormat.choices,
        initial=PackageFormat.EML,
        widget=forms.RadioSelect,
    )


class OpenArchiveForm(forms.Form):
    """Whose, why, and for how long."""

    address = forms.CharField(
        label=_("Address of the mailbox"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "email"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The owner sees your name, this reason, and which messages you open."),
    )
    minutes = forms.TypedChoiceField(label=_("For"), coerce=int)

    def __init__(self, *args: Any, minutes: list[int], chosen: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["minutes"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(each, length_text(each)) for each in minutes]
        field.initial = min(chosen, max(minutes))


def length_text(minutes: int) -> str:
    if minutes % 60 or not minutes:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    return ngettext("%(count)d hour", "%(count)d hours", minutes // 60) % {"count": minutes // 60}


class FolderGrantForm(forms.Form):
    """Into which folder of whose archive somebody is let; without a choice they are kept out."""

    address = forms.CharField(
        label=_("Archive of"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    folder = forms.CharField(
        label=_("Folder"),
        max_length=1000,
        required=False,
        help_text=_("With what lies below it, such as Inbox/Projects. Empty: the whole archive."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    privileges = forms.MultipleChoiceField(
        label=_("May"),
        choices=list(FOLDER_PRIVILEGES.items()),
        required=False,
        help_text=_("Without a choice they are kept out of this folder, whatever else lets them in."),
        widget=forms.CheckboxSelectMultiple,
    )
