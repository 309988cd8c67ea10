"""What people write about folders. Shape only; rules are the services'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import privileges

MOST_CHOICES = 300
_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


def _path(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, max_length=1000, strip=False, widget=forms.TextInput(attrs=_PLAIN)
    )


def _class() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Class"),
        help_text=gettext_lazy("What it is for, in a word of the programs that use it, such as IPF.Contact."),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs=_PLAIN),
    )


class FolderForm(forms.Form):
    path = _path(gettext_lazy("Folder"), gettext_lazy("“/” stands between a folder and one below it."))
    folder_class = _class()


class FolderMoveForm(forms.Form):
    target = _path(
        gettext_lazy("Name and place"), gettext_lazy("“/” stands between a folder and one below it: Projects/2004.")
    )
    merge = forms.BooleanField(
        label=gettext_lazy("Merge it into the folder of this name"),
        help_text=gettext_lazy("Its mail and the folders below it go there, and it is removed."),
        required=False,
    )
    folder_class = _class()

    def __init__(self, *args: Any, keeps_name: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if keeps_name:
            self.fields["target"].disabled = True
            del self.fields["merge"]


class MessagesMoveForm(forms.Form):
    """Into which folder; of very many the path is written."""

    target = forms.ChoiceField(label=gettext_lazy("Folder"))

    def __init__(self, *args: Any, paths: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(paths) > MOST_CHOICES:
            self.fields["target"] = _path(
                gettext_lazy("Folder"), gettext_lazy("“/” stands between a folder and one below it: Projects/2004.")
            )
        else:
            field = self.fields["target"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", gettext_lazy("Choose a folder")), *((path, path) for path in paths)]


class FolderDeleteForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        help_text=gettext_lazy("It stands in the archive's journal for ever."),
    )


class FolderShareForm(forms.Form):
    person = forms.CharField(label=gettext_lazy("Person"), max_length=320, widget=forms.EmailInput(attrs=_PLAIN))
    privileges = forms.MultipleChoiceField(
        label=gettext_lazy("May"),
        choices=list(privileges.FOLDER_PRIVILEGES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Nothing: kept out, of this folder and those below it."),
    )


class FolderNamesForm(forms.Form):
    """Other names, one a line (`name = folder`), and folders, one a line."""

    aliases = forms.CharField(
        label=gettext_lazy("Other names"),
        help_text=gettext_lazy("One a line: other name = folder."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, **_PLAIN}),
    )
    folders = forms.CharField(
        label=gettext_lazy("Subscribed folders"),
        help_text=gettext_lazy("Those that the owner's programs show, one a line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, **_PLAIN}),
    )

    @staticmethod
    def shown(aliases: Mapping[str, str], folders: Iterable[str]) -> dict[str, str]:
        return {
            "aliases": "\n".join(f"{name} = {path}" for name, path in aliases.items()),
            "folders": "\n".join(folders),
        }

    def clean_aliases(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in filter(str.strip, self.cleaned_data["aliases"].splitlines()):
            name, sign, path = line.partition("=")
            if not sign or not name.strip() or not path.strip():
                raise forms.ValidationError(_("“%(line)s” isn't: other name = folder.") % {"line": line[:80]})
            found[name.strip()] = path.strip()
        return found

    def clean_folders(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["folders"].splitlines() if line.strip()]
