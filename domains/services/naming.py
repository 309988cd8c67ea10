"""What names a domain's addresses, kept true while its names change: in statements over sets, for any number.

Recipients lead to an address by its row and say its present text, once per group; whoever was let in as a sender, and
catch-alls, go by text. `adopt`: a name is ours from now on. `forget_name`: it is nobody's any more. `follow`: another
name is the domain's own. Call them inside the transaction that changes the names. No rights here.
"""

from __future__ import annotations

from django.db import connection

from domains.models import Domain

# Recipients that lead to an address of the domain say its text, and say it once.
_SAY_ITS_NAME = (
    """
    DELETE FROM domains_recipient AS doubled USING domains_address AS target, domains_recipient AS other
    WHERE doubled.target_id = target.id AND target.domain_id = %(domain)s
      AND other.address_id = doubled.address_id AND other.target_id = doubled.target_id
      AND (other.email = target.text, -other.id) > (doubled.email = target.text, -doubled.id)
    """,
    """
    UPDATE domains_recipient SET email = target.text FROM domains_address AS target
    WHERE domains_recipient.target_id = target.id AND target.domain_id = %(domain)s
      AND domains_recipient.email <> target.text
    """,
)

_ADOPT = (
    # an address can't be a recipient of itself, nor be twice in a group
    """
    DELETE FROM domains_recipient AS outside USING domains_address AS ours
    WHERE ours.domain_id = %(domain)s AND outside.target_id IS NULL
      AND outside.email = ours.local || '@' || %(name)s
      AND (outside.address_id = ours.id OR EXISTS (
          SELECT 1 FROM domains_recipient AS other
          WHERE other.address_id = outside.address_id AND other.target_id = ours.id))
    """,
    """
    UPDATE domains_recipient SET target_id = ours.id FROM domains_address AS ours
    WHERE ours.domain_id = %(domain)s AND domains_recipient.target_id IS NULL
      AND domains_recipient.email = ours.local || '@' || %(name)s
    """,
    *_SAY_ITS_NAME,
)

_RECOUNT = """
    UPDATE domains_address SET recipient_count = found.count
    FROM (SELECT address.id, count(recipient.id) AS count
          FROM domains_address AS address LEFT JOIN domains_recipient AS recipient ON recipient.address_id = address.id
          WHERE address.id = ANY(%(touched)s)
          GROUP BY address.id) AS found
    WHERE domains_address.id = found.id AND domains_address.recipient_count <> found.count
"""

_NAMING = """
    SELECT DISTINCT recipient.address_id FROM domains_recipient AS recipient
    JOIN domains_address AS target ON target.id = recipient.target_id WHERE target.domain_id = %(domain)s
    UNION
    SELECT DISTINCT recipient.address_id FROM domains_recipient AS recipient
    WHERE recipient.target_id IS NULL AND recipient.email LIKE '%%@' || %(like)s
"""

_FOLLOW_TEXTS = (
    """
    DELETE FROM domains_allowedsender AS old USING domains_allowedsender AS new
    WHERE old.address_id = new.address_id AND old.value LIKE '%%@' || %(like)s
      AND new.value = left(old.value, length(old.value) - length(%(old)s)) || %(new)s
    """,
    """
    UPDATE domains_allowedsender SET value = left(value, length(value) - length(%(old)s)) || %(new)s
    WHERE value LIKE '%%@' || %(like)s
    """,
    """
    UPDATE domains_domain SET catch_all = left(catch_all, length(catch_all) - length(%(old)s)) || %(new)s
    WHERE catch_all LIKE '%%@' || %(like)s
    """,
    """
    DELETE FROM domains_senderrule AS old USING domains_senderrule AS new
    WHERE old.domain_id = %(domain)s AND new.domain_id = %(domain)s AND old.type = new.type
      AND old.mailbox_id IS NOT DISTINCT FROM new.mailbox_id
      AND (old.value = %(old)s OR old.value LIKE '%%@' || %(like)s)
      AND new.value = left(old.value, length(old.value) - length(%(old)s)) || %(new)s
    """,
    """
    UPDATE domains_senderrule SET value = left(value, length(value) - length(%(old)s)) || %(new)s
    WHERE domain_id = %(domain)s AND (value = %(old)s OR value LIKE '%%@' || %(like)s)
    """,
)

_FORGET_TEXTS = (
    "DELETE FROM domains_allowedsender WHERE value LIKE '%%@' || %(like)s",
    "UPDATE domains_domain SET catch_all = '', version = version + 1 WHERE catch_all LIKE '%%@' || %(like)s",
)


def adopt(domain: Domain, name: str) -> None:
    """Recipients elsewhere that already named an address under this name lead to ours from now on."""
    _with_recount(domain, name, _ADOPT, {"domain": domain.pk, "name": name})


def forget_name(domain: Domain, name: str) -> None:
    """A name of the domain is given up: what led to our addresses still does, what went by text is gone."""
    _with_recount(domain, name, (*_SAY_ITS_NAME, *_FORGET_TEXTS), {"domain": domain.pk, "like": _like(name)})


def follow(domain: Domain, old: str, new: str) -> None:
    """The domain's own name is another one, and its addresses have their new text: everything that names them says it.

    Sender rules follow in the domain itself only; elsewhere they speak of what the world sends.
    """
    values: dict[str, str | int] = {
        "domain": domain.pk, "old": old, "new": new, "like": _like(old), "name": new,
    }  # fmt: skip
    _with_recount(domain, new, (*_ADOPT, *_FOLLOW_TEXTS), values)


def _with_recount(domain: Domain, name: str, statements: tuple[str, ...], values: dict[str, str | int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_NAMING, {"domain": domain.pk, "like": _like(name)})
        touched = [row[0] for row in cursor.fetchall()]
        for statement in statements:
            cursor.execute(statement, values)
        if touched:
            cursor.execute(_RECOUNT, {"touched": touched})


def _like(name: str) -> str:
    """A name as LIKE takes it; `_` may stand in old names of servers."""
    return name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
