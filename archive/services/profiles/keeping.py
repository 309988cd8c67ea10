"""Making, changing and deleting profiles, and their server-side execution.

Passwords and tokens are written and never answered: leaving one out keeps it, an empty text removes it; whoever moves a
profile to another server gives them anew. Archiving profiles take the right to import mail for others, exporting ones
the right to export it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.permissions import Right
from archive.errors import BadArguments, BadProfile, ProfileUnknown
from archive.models import Profile, ProfileKind
from archive.profiles import fields
from archive.profiles.paths import check_path
from archive.query.errors import QueryError
from archive.query.language import parse
from archive.remote.connecting import Security, Server
from archive.services.imports import clean_folder
from config.kit import net
from config.kit.sealed import MASK
from config.kit.versions import change
from domains.models import Domain, Mailbox

MOST_PAUSE_S = 2_147_483_647
SERVER_FIELDS = ("host", "port", "token_url")


def right_for(kind: str) -> Right:
    """What it takes to see, change and run a profile of a kind."""
    return Right.EXPORT_MAIL if ProfileKind(kind).exports else Right.IMPORT_MAIL


def create_profile(
    actor: Actor, *, name: str, kind: str, values: Mapping[str, Any], temporary: bool = False
) -> Profile:
    """A new profile; `values` by inside names, those left out have their default. Raises: Forbidden, BadProfile."""
    fields.fields_of(kind)
    actor.require(right_for(kind))
    cleaned = fields.clean(kind, values)
    for each in fields.fields_of(kind):
        if each.needed and cleaned.get(each.name) in (None, ""):
            raise BadProfile(_("This is needed."), field=each.name)
    profile = Profile(name=clean_name(name), kind=kind, is_temporary=temporary)
    stored = _stored(actor, profile, cleaned)
    for key, value in stored.items():
        setattr(profile, key, value)
    check_whole(profile)
    with transaction.atomic():
        profile.save()
        audit.record(actor, "profile.create", profile, kind=kind, temporary=temporary)
    return profile


def update_profile(
    actor: Actor, profile: Profile, *, name: str | None = None, values: Mapping[str, Any], expected: int | None = None
) -> Profile:
    """Change some properties. Raises: Forbidden, BadProfile, ChangedMeanwhile."""
    actor.require(right_for(profile.kind))
    cleaned = fields.clean(profile.kind, values)
    _keep_secrets_where_they_are(profile, cleaned)
    stored = _stored(actor, profile, cleaned)
    if name is not None:
        stored["name"] = clean_name(name)
    tried = Profile(name=profile.name, kind=profile.kind, settings=stored["settings"], secrets=stored["secrets"])
    tried.mailbox = stored.get("mailbox", profile.mailbox)
    check_whole(tried)
    with transaction.atomic():
        columns = {key: value for key, value in stored.items() if key != "mailbox"}
        if "mailbox" in stored:
            columns["mailbox_id"] = None if stored["mailbox"] is None else stored["mailbox"].pk
        changes = change(profile, columns, expected=expected)
        if changes:
            _forget_what_was_seen(profile, changes)
            audit.record(actor, "profile.update", profile, changes=_shown(changes))
    return profile


def delete_profile(actor: Actor, profile: Profile) -> None:
    """Forget a profile and what it knew of its source; what it archived stays, and so do its results."""
    actor.require(right_for(profile.kind))
    with transaction.atomic():
        audit.record(actor, "profile.delete", profile, kind=profile.kind)
        profile.delete()


def set_automatic(
    actor: Actor, profile: Profile, *, automatic: bool, pause_s: int | None = None, window: str | None = None
) -> Profile:
    """Switch server-side execution on or off. On takes a pause in seconds; on again starts it anew, now.

    Raises: Forbidden, BadProfile.
    """
    actor.require(right_for(profile.kind))
    values: dict[str, Any] = {"automatic": automatic, "next_run_at": timezone.now() if automatic else None}
    if not automatic and (pause_s is not None or window is not None):
        raise BadProfile(_("Pause and window are for switching it on."), field="pause_s")
    if automatic:
        if pause_s is None or not 0 <= pause_s <= MOST_PAUSE_S:
            raise BadProfile(_("Seconds between two runs: 0 to %(most)d.") % {"most": MOST_PAUSE_S}, field="pause_s")
        fields.parse_window(window or "")
        values |= {"pause_s": pause_s, "window": (window or "").strip()}
    with transaction.atomic():
        changes = change(profile, values)
        shown = {key: pair for key, pair in changes.items() if key != "next_run_at"}
        audit.record(actor, "profile.automatic", profile, changes=shown, automatic=automatic)
    return profile


# --- values ------------------------------------------------------------------------------------------------------


def clean_name(name: str) -> str:
    """Raises: BadProfile."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise BadProfile(_("A name has 1 to 200 printable characters."), field="name")
    return name


def _stored(actor: Actor, profile: Profile, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The columns to write: defaults for what is new, addresses as rows, secrets as one sealed text."""
    settings = {each.name: each.default for each in fields.fields_of(profile.kind) if not each.secret}
    for each in ("port",):
        if each in settings:
            settings[each] = fields.PORTS.get(ProfileKind(profile.kind), settings[each])
    settings |= profile.settings
    secrets: dict[str, str] = json.loads(profile.secrets.reveal()) if profile.secrets else {}
    columns: dict[str, Any] = {}
    for name, value in cleaned.items():
        if fields.FIELDS[name].secret:
            if value is not None:
                secrets[name] = value
        elif name in ("mailbox", "fallback_mailbox"):
            columns["mailbox"] = _mailbox(value, name)
        elif name == "users":
            settings[name] = [_mailbox(each, name).pk for each in value]  # type: ignore[union-attr]
        elif name == "domains":
            settings[name] = [_domain(each).pk for each in value]
        else:
            settings[name] = value
    for name in ("mailbox", "fallback_mailbox"):
        settings.pop(name, None)
    secrets = {name: value for name, value in secrets.items() if value}
    columns["settings"] = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    columns["secrets"] = profile.secrets if secrets == _known_secrets(profile) else json.dumps(secrets)
    return columns


def _known_secrets(profile: Profile) -> dict[str, str]:
    return dict(json.loads(profile.secrets.reveal())) if profile.secrets else {}


def _mailbox(text: str, field: str) -> Mailbox | None:
    if not text:
        return None
    try:
        address = str(parse_address(text))
    except BadAddress as error:
        raise BadProfile(str(error), field=field) from error
    found = Mailbox.objects.exclude(status="purged").filter(address=address).first()
    if found is None:
        raise BadProfile(_("There is no mailbox “%(address)s”.") % {"address": text[:254]}, field=field)
    return found


def _domain(text: str) -> Domain:
    found = Domain.objects.exclude(status="purged").filter(names__name=text.strip().lower()).first()
    if found is None:
        raise BadProfile(_("There is no domain “%(name)s”.") % {"name": text[:254]}, field="domains")
    return found


def check_whole(profile: Profile) -> None:
    """What only shows when all is there. Raises: BadProfile."""
    settings = profile.settings
    if "host" in settings:
        _check_server(profile)
    if "path" in settings:
        check_path(settings["path"], writes=profile.exports)
    for name in ("folder", "recipient_folder", "sender_folder"):
        if settings.get(name):
            try:
                clean_folder(settings[name])
            except BadArguments as error:
                raise BadProfile(str(error), field=name) from error
    if settings.get("query"):
        try:
            parse(settings["query"])
        except QueryError as error:
            raise BadProfile(_("This is no search: %(why)s.") % {"why": error.code}, field="query") from error
    for name in ("sender", "recipient"):
        if settings.get(name):
            try:
                parse_address(settings[name])
            except BadAddress as error:
                raise BadProfile(str(error), field=name) from error
    if "mailbox" in fields.KIND_FIELDS[profile.kind] and profile.mailbox is None:
        raise BadProfile(_("This is needed."), field="mailbox")


def _check_server(profile: Profile) -> None:
    settings, secrets = profile.settings, _known_secrets(profile)
    try:
        settings["host"] = net.clean_host(settings["host"])
    except net.NetError as error:
        raise BadProfile(_("This is neither a host name nor an address."), field="host") from error
    try:
        Server(
            settings["host"], settings["port"], Security(settings["security"]), True, settings["ca_certificate"]
        ).context()
    except ValueError as error:
        raise BadProfile(_("This is not a certificate in PEM form."), field="ca_certificate") from error
    signs_in = profile.kind != ProfileKind.EXPORT_SMTP or settings["user_name"]
    if settings["auth"] == "oauth2":
        if settings["token_url"] and not settings["token_url"].startswith("https://"):
            raise BadProfile(_("Tokens are had from an https address only."), field="token_url")
        if not settings["token_url"] and not secrets.get("access_token"):
            raise BadProfile(_("A token address, or an access token, is needed."), field="token_url")
    elif signs_in and not secrets.get("password"):
        raise BadProfile(_("This is needed."), field="password")
    if (
        signs_in
        and not settings["user_name"]
        and not (settings["auth"] == "oauth2" and profile.kind in (ProfileKind.IMAP_USERS, ProfileKind.EXPORT_IMAP))
    ):
        raise BadProfile(_("This is needed."), field="user_name")


def _keep_secrets_where_they_are(profile: Profile, cleaned: Mapping[str, Any]) -> None:
    """A kept password never goes to another server than the one it was given for. Raises: BadProfile."""
    moved = any(
        name in cleaned and cleaned[name] != profile.settings.get(name) for name in SERVER_FIELDS
    ) or cleaned.get("security") == "none" != profile.settings.get("security")
    moved = moved or (cleaned.get("verify_certificate") is False and profile.settings.get("verify_certificate") is True)
    if not moved:
        return
    for name in _known_secrets(profile):
        if cleaned.get(name) is None:
            raise BadProfile(_("The server changed: give its password again, or empty to remove it."), field=name)


def _forget_what_was_seen(profile: Profile, changes: Mapping[str, object]) -> None:
    """Other folders, filters or another archive: what was complete with the former ones is looked at again."""
    if {"settings", "mailbox_id"} & set(changes):
        profile.source_folders.update(seen="")


def _shown(changes: Mapping[str, tuple[object, object]]) -> dict[str, tuple[object, object]]:
    shown: dict[str, tuple[object, object]] = {}
    for name, (old, new) in changes.items():
        if name == "secrets":
            shown[name] = (MASK, MASK)
        elif name == "settings" and isinstance(old, dict) and isinstance(new, dict):
            shown |= {key: (old.get(key), new[key]) for key in new if old.get(key) != new[key]}
        else:
            shown[name] = (old, new)
    return shown


# --- reading -----------------------------------------------------------------------------------------------------


def list_profiles(actor: Actor) -> QuerySet[Profile]:
    """Those that the actor may run and change; fails closed."""
    kinds = [kind for kind in ProfileKind.values if actor.has(right_for(kind))]
    return Profile.objects.filter(kind__in=kinds, is_temporary=False).select_related("mailbox")


def get_profile(actor: Actor, profile_id: int) -> Profile:
    """Raises: ProfileUnknown."""
    found = list_profiles(actor).filter(pk=profile_id).first()
    if found is None:
        raise ProfileUnknown(_("There is no profile %(id)d.") % {"id": profile_id})
    return found


def properties(profile: Profile) -> dict[str, Any]:
    """All of a profile as programs read it: never a secret, only whether there is one."""
    secrets = _known_secrets(profile)
    shown: dict[str, Any] = {
        "id": profile.pk, "version": profile.version, "name": profile.name, "type": str(profile.kind),
    }  # fmt: skip
    for each in fields.fields_of(profile.kind):
        if each.secret:
            shown["has" + each.outside[:1].upper() + each.outside[1:]] = each.name in secrets
        else:
            shown[each.outside] = value_of(profile, each)
    shown["serverSideExecution"] = {
        "automatic": profile.automatic,
        "automaticPauseBetweenExecutions": profile.pause_s,
        "automaticMaintenanceWindows": profile.window,
        "nextExecution": profile.next_run_at,
    }
    return shown


def value_of(profile: Profile, each: fields.Field) -> Any:
    """A property as people know it: addresses and names, not numbers of rows."""
    if each.name in ("mailbox", "fallback_mailbox"):
        return "" if profile.mailbox is None else profile.mailbox.address
    value = profile.settings.get(each.name, each.default)
    if each.name == "users":
        return list(Mailbox.objects.filter(pk__in=value).order_by("address").values_list("address", flat=True))
    if each.name == "domains":
        return list(Domain.objects.filter(pk__in=value).order_by("name").values_list("name", flat=True))
    return list(value) if isinstance(value, tuple) else value
