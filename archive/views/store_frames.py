"""What the pages of one store share: its header with tabs, and what a service refuses as a form says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import AccountsError
from accounts.requests import ActorRequest
from archive import storefacts
from archive.errors import ArchiveError, StoreRefused
from archive.models import Store
from archive.services.stores import closed_store
from archive.storefacts import StoreLine
from config.kit.objects import ObjectPage
from config.kit.pages import toast
from config.kit.secrets import SecretsError
from config.kit.templatetags.kit import ago, number
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs.errors import BadArguments, JobsError

TONES = {"current": "good", "normal": "good", "write_protected": "warn", "disabled": "none", "error": "bad"}


def store_page(request: ActorRequest, store: Store, line: StoreLine | None = None, **header: Any) -> ObjectPage:
    """The frame of every page of a store."""
    line = line or storefacts.store_line(store)
    facts = []
    if line.messages is not None:
        facts.append(
            ngettext("%(count)s message", "%(count)s messages", line.messages) % {"count": number(line.messages)}
        )
    facts.append(verified_text(store))
    if store.customer is not None:
        facts.append(_("for %(customer)s") % {"customer": store.customer})
    values = {
        "name": store.name,
        "state": line.state,
        "state_label": _("Can't be opened") if line.problem else store.get_state_display(),
        "tone": TONES[line.state],
        "facts": facts,
        "crumbs": [(_("Stores"), reverse("archive:store-list"))],
        "edit_url": reverse("archive:store-edit", args=[store.pk]),
    }
    return ObjectPage.of(request, "store", store, **values | header)


def warn_waiting(request: ActorRequest, store: Store) -> None:
    """Say where nothing takes the new mail of a store's customer now."""
    if store.customer_id is not None and closed_store(store.customer_id) is not None:
        text = _("No store of %(customer)s is current now: their new mail waits.")
        toast(request, text % {"customer": store.customer}, "error")


def verified_text(store: Store) -> str:
    """When it was verified last, and what came of it."""
    if store.verified_at is None:
        return _("never verified")
    said = _("verified {when}, all well") if store.verified_ok else _("verified {when}, damage found")
    return format_html(said, when=ago(store.verified_at))


@contextmanager
def refusing(form: Form) -> Iterator[None]:
    """What a service refuses stands at its field, or on top of the form."""
    try:
        yield
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))
    except (StoreRefused, BadArguments) as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    except (ArchiveError, JobsError, SecretsError, AccountsError) as error:
        form.add_error(None, str(error))
