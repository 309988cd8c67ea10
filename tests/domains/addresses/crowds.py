"""Many mailboxes at once, written past the services: for measuring and for counting queries."""

from __future__ import annotations

from django.db import connection

from accounts.models import User
from domains.models import Address, Domain, Mailbox, Recipient


def make_crowd(domain: Domain, count: int, *, prefix: str = "p") -> list[Mailbox]:
    """So many enabled mailboxes with their people: p0, p1, …"""
    emails = [f"{prefix}{number}@{domain.name}" for number in range(count)]
    people = User.objects.bulk_create(
        User(email=email, password="!", home_domain_id=domain.pk, home_customer_id=domain.customer_id)
        for email in emails
    )
    claims = Address.objects.bulk_create(
        Address(domain=domain, customer_id=domain.customer_id, local=email.split("@")[0], text=email, kind="mailbox")
        for email in emails
    )
    rows = (
        Mailbox(domain=domain, customer_id=domain.customer_id, claim=claim, address=claim.text, user=user)
        for claim, user in zip(claims, people, strict=True)
    )
    made = Mailbox.objects.bulk_create(rows)
    Domain.objects.filter(pk=domain.pk).update(mailbox_count=count, active_count=count)
    return made


def put_into(address: Address, mailboxes: list[Mailbox]) -> None:
    """Make them its recipients."""
    Recipient.objects.bulk_create(
        Recipient(address=address, email=mailbox.address, target_id=mailbox.claim_id) for mailbox in mailboxes
    )
    Address.objects.filter(pk=address.pk).update(recipient_count=len(mailboxes))


def analyze() -> None:
    """Fresh statistics, as autovacuum would have made by now."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE domains_address, domains_recipient, domains_domain, domains_mailbox")
