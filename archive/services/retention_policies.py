"""Setting retention policies: all of them in their order, as one change.

Extending is free. What lets any message go earlier takes two people; weakening a locked policy is possible for nobody.
The change makes a new edition, by which the days of all messages are worked out again. Not for the days themselves
(`retention_dates`) nor for deleting (`retention_run`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import locking
from archive.errors import BadPolicy
from archive.keeping import exchange
from archive.keeping.policies import Criteria, Policy, Shortening, breaks_lock, shortenings
from archive.models import LONGEST, RetentionEdition, RetentionPolicy, RetentionState
from archive.query.distances import distances
from archive.query.errors import QueryError
from config.kit.versions import ChangedMeanwhile
from domains.models import Mailbox
from jobs import proofs

COMMAND = "SetRetentionPolicies"
MOST = 200
VALUES = (*exchange.FIELDS.values(), *exchange.CRITERIA.values())
OWN = ("locked",)


def list_policies() -> list[RetentionPolicy]:
    return list(RetentionPolicy.objects.all())


def as_values(row: RetentionPolicy) -> dict[str, Any]:
    """A policy's values by the model's names, with its id."""
    return {"id": row.pk, **{name: getattr(row, name) for name in (*VALUES, *OWN)}}


def read_policies(config: object, locked: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Values from the dataset of SetRetentionPolicies; a policy that is there already (by its name) stays itself.

    locked: names of policies to lock, beside those that are. Raises: BadPolicy.
    """
    to_lock = {name.strip().lower() for name in locked}
    known = {row.name.lower(): row for row in list_policies()}
    read = exchange.policies_from_json(config)
    for values in read:
        row = known.get(values["name"].lower())
        values["id"] = row.pk if row is not None else 0
        values["locked"] = values["name"].lower() in to_lock or (row is not None and row.locked)
    return read


def check(values: Sequence[Mapping[str, Any]]) -> list[Policy]:
    """The policies that these values make, in order. Raises: BadPolicy with the place of what is wrong."""
    if len(values) > MOST:
        raise BadPolicy(_("At most %(most)d policies.") % {"most": MOST})
    return [_check_one(each, at) for at, each in enumerate(values)]


def weakenings(new: Sequence[Policy]) -> list[tuple[Policy, Shortening]]:
    """What of a change may let messages go earlier. Raises: BadPolicy where a locked policy forbids it."""
    old = [row.as_policy() for row in list_policies()]
    broken = breaks_lock(old, new)
    if broken:
        name = broken[0][0].name
        raise BadPolicy(_("“%(name)s” is locked: nobody can weaken, unlock or remove it.") % {"name": name})
    return shortenings(old, new)


def set_policies(
    actor: Actor,
    values: Sequence[Mapping[str, Any]],
    *,
    approved: proofs.Approved | None = None,
    expected: str | None = None,
) -> RetentionEdition:
    """Make these the policies, in this order. What only extends is done; what shortens must have been approved.

    expected: the `fingerprint` of the policies that the caller looked at.
    Raises: Forbidden, BadPolicy, NeedsApproval, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_RETENTION)
    actor.require_writing()
    with locking.placing():
        before = list(RetentionPolicy.objects.select_for_update())
        if expected is not None and expected != fingerprint(before):
            raise ChangedMeanwhile("the retention policies were changed meanwhile")
        policies = check(values)
        weaker = weakenings(policies)
        if weaker:
            proofs.require(actor, approved, COMMAND, subject=_("Retention policies"))
        rows = _write(before, values)
        edition = RetentionEdition.objects.create(
            by_label=actor.label[:300],
            shortens=bool(weaker),
            policies=[exchange.policy_as_json(as_values(row)) | {"locked": row.locked} for row in rows],
        )
        RetentionState.objects.update(next_number=0)  # what an earlier change had begun is begun again
        audit.record(
            actor,
            "retention.set",
            None,
            policies=[row.name for row in rows],
            shortens=[f"{policy.name}: {why}" for policy, why in weaker],
            edition=edition.pk,
        )
    return edition


def fingerprint(rows: Sequence[RetentionPolicy]) -> str:
    """Which policies somebody looked at: changes with every change of any."""
    return ".".join(f"{row.pk}-{row.version}" for row in rows)


def _check_one(values: Mapping[str, Any], at: int) -> Policy:
    row = RetentionPolicy(**{name: value for name, value in values.items() if name != "id"})
    policy = dataclasses.replace(row.as_policy(), id=values["id"] or -1 - at)
    if not 1 <= policy.period <= LONGEST[policy.interval.value]:
        raise BadPolicy(_("Keep for at most 100 years."), field=f"{at}.period")
    _check_words(Criteria(from_=policy.criteria.from_), f"{at}.from_text")
    _check_words(Criteria(to=policy.criteria.to), f"{at}.to_text")
    _check_words(policy.criteria, f"{at}.query")
    counted = next(distances(policy.criteria.node()), "")
    if counted and not (policy.locked and values["id"]):  # one that was locked with it can't be changed any more
        text = _("“%(days)s” is another day tomorrow; how long mail is kept is worked out once. Write a date.")
        raise BadPolicy(text % {"days": counted}, field=f"{at}.query")
    return policy


def _check_words(criteria: Criteria, where: str) -> None:
    try:
        criteria.node()
    except QueryError as error:
        raise BadPolicy(str(error), field=where) from error


def _write(before: Sequence[RetentionPolicy], values: Sequence[Mapping[str, Any]]) -> list[RetentionPolicy]:
    known = {row.pk: row for row in before}
    kept = {each["id"] for each in values if each["id"]}
    RetentionPolicy.objects.filter(pk__in=known.keys() - kept).delete()
    for pk in kept & known.keys():  # names are unique, also between two that swap theirs
        RetentionPolicy.objects.filter(pk=pk).update(name=f"\n{pk}")
    rows = []
    for at, each in enumerate(values):
        row = known.get(each["id"]) or RetentionPolicy()
        changes = {name: value for name, value in each.items() if name != "id"} | {"position": at + 1}
        if any(getattr(row, name) != value for name, value in changes.items()) and row.pk:
            row.version += 1
        for name, value in changes.items():
            setattr(row, name, value)
        row.known = _known(row)
        row.save()
        rows.append(row)
    return rows


def _known(row: RetentionPolicy) -> dict[str, int]:
    """Whose the addresses are that a policy names; what was found out when one was first named stays."""
    named = {*(row.included or ()), *row.excluded}
    kept = {name: number for name, number in row.known.items() if name in named}
    found = Mailbox.objects.filter(address__in=named - kept.keys()).values_list("address", "pk")
    return kept | dict(found)
