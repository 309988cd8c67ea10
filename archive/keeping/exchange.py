"""Retention policies and compliance as other programs read and write them: the datasets of the MailStore API. Pure.

Get/SetRetentionPolicies: a list of policies with exactly these keys; Get/SetComplianceConfiguration: one object. What
we know beyond them (locks, whether people may delete) isn't in there, and stays as it is when they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from archive.errors import BadPolicy

CRITERIA = {
    "from": "from_text",
    "to": "to_text",
    "query": "query",
    "queryAttachmentContents": "in_attachment_contents",
    "queryAttachments": "in_attachments",
    "queryMessageBody": "in_body",
    "querySubject": "in_subject",
    "includedArchives": "included",
    "excludedArchives": "excluded",
}
FIELDS = {
    "name": "name",
    "order": "position",
    "enabled": "enabled",
    "period": "period",
    "periodInterval": "interval",
    "referenceDateType": "reference",
    "delete": "deletes",
}
_TEXTS = {"from": 1000, "to": 1000, "query": 4000}
_LISTS = ("includedArchives", "excludedArchives")
_CHOICES = {"periodInterval": ("day", "week", "month", "year"), "referenceDateType": ("ArchiveDate", "MessageDate")}


def policy_as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """One policy with the keys, and in the order, of GetRetentionPolicies. values: by the model's names."""
    criteria = {key: _none_for_empty(key, values[name]) for key, name in CRITERIA.items()}
    plain = {key: values[name] for key, name in FIELDS.items()}
    head = {key: plain.pop(key) for key in ("name", "order", "enabled")}
    return {**head, "searchCriteria": criteria, **plain}


def policies_from_json(config: object) -> list[dict[str, Any]]:
    """Each policy's values by the model's names, in order. Raises: BadPolicy, which says which one and which key."""
    if not isinstance(config, list):
        raise BadPolicy(_("The policies must be a list."), field="config")
    read = [_policy(entry, f"config[{at}]") for at, entry in enumerate(config)]
    orders = [each["position"] for each in read]
    if len(set(orders)) != len(orders):
        raise BadPolicy(_("Two policies have the same order."), field="config")
    names = [each["name"].lower() for each in read]
    if len(set(names)) != len(names):
        raise BadPolicy(_("Two policies have the same name."), field="config")
    return sorted(read, key=lambda each: int(each["position"]))


def _policy(entry: object, where: str) -> dict[str, Any]:
    known = {*FIELDS, "searchCriteria"}
    if not isinstance(entry, dict) or set(entry) != known:
        missing = ", ".join(sorted(known - set(entry))) if isinstance(entry, dict) else ""
        text = _("A policy has exactly these keys: %(keys)s.") % {"keys": ", ".join(sorted(known))}
        raise BadPolicy(f"{text} {missing}".strip(), field=where)
    criteria = entry["searchCriteria"]
    if not isinstance(criteria, dict) or set(criteria) != set(CRITERIA):
        keys = ", ".join(sorted(CRITERIA))
        text = _("The search criteria have exactly these keys: %(keys)s.") % {"keys": keys}
        raise BadPolicy(text, field=f"{where}.searchCriteria")
    values = {name: _value(key, entry[key], f"{where}.{key}") for key, name in FIELDS.items()}
    for key, name in CRITERIA.items():
        values[name] = _criterion(key, criteria[key], f"{where}.searchCriteria.{key}")
    return values


def _value(key: str, value: object, where: str) -> object:
    if key in ("enabled", "delete"):
        return _flag(value, where)
    if key in ("order", "period"):
        least = 1 if key == "period" else 0
        if type(value) is not int or not least <= value <= 2**31 - 1:
            raise BadPolicy(_("This must be a whole number of at least %(least)d.") % {"least": least}, field=where)
        return value
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise BadPolicy(_("This must be one of: %(words)s.") % {"words": ", ".join(_CHOICES[key])}, field=where)
        return value
    if not isinstance(value, str) or not value.strip() or len(value) > 200 or not value.isprintable():
        raise BadPolicy(_("A policy needs a name of at most 200 characters."), field=where)
    return value.strip()


def _criterion(key: str, value: object, where: str) -> object:
    if key in _TEXTS:
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > _TEXTS[key] or "\0" in value:
            raise BadPolicy(_("This must be a text, or null."), field=where)
        return value.strip()
    if key not in _LISTS:
        return _flag(value, where)
    if value is None or value == []:
        return None if key == "includedArchives" else []
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise BadPolicy(_("This must be a list of names of archives, or null."), field=where)
    if any(each != each.lower() for each in value):
        raise BadPolicy(_("Names of archives are written in lower case."), field=where)
    return sorted({each.strip() for each in value})


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadPolicy(_("This must be true or false."), field=where)
    return value


def _none_for_empty(key: str, value: Any) -> Any:
    return (
        None if key in (*_TEXTS, *_LISTS) and not value and not (key == "includedArchives" and value == []) else value
    )


COMPLIANCE = {
    "adminEmailPreviewEnabled": "admin_email_preview",
    "legalHoldEnabled": "legal_hold",
    "passwordPolicyEnabled": "password_policy",
    "logSuccessfulUserActivities": "logged_activities",
}


def compliance_as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """The object of GetComplianceConfiguration."""
    return {key: values[name] for key, name in COMPLIANCE.items()}


def compliance_from_json(config: object) -> dict[str, Any]:
    """The values by the model's names. Raises: BadPolicy."""
    if not isinstance(config, dict) or set(config) != set(COMPLIANCE):
        keys = ", ".join(COMPLIANCE)
        raise BadPolicy(_("The configuration has exactly these keys: %(keys)s.") % {"keys": keys}, field="config")
    activities = config["logSuccessfulUserActivities"]
    if not isinstance(activities, list) or not all(
        isinstance(each, str) and 0 < len(each) <= 60 for each in activities
    ):
        raise BadPolicy(_("This must be a list of names."), field="config.logSuccessfulUserActivities")
    flags = {
        name: _flag(config[key], f"config.{key}") for key, name in COMPLIANCE.items() if name != "logged_activities"
    }
    return flags | {"logged_activities": sorted(set(activities))}
