"""The database says when the directory changes (`gateway.directory`).

Columns that change all the time and matter to no message (use, last sign-in, counters) are left out.
"""

from __future__ import annotations

from django.db import migrations

COLUMNS = {
    "domains_mailbox": (
        "address, claim_id, customer_id, domain_id, policy_id, policy_values, relay_id, sender_verify, status, "
        "transport, user_id"
    ),
    "domains_domain": (
        "catch_all, customer_id, default_policy_id, list_priority, name, outgoing_subnets, rules_version, "
        "sender_verify, status, suspended_by_customer"
    ),
    "domains_customer": "broker_id, is_enabled",
    "domains_mailinglist": "",
    "domains_subscriber": "",
}
TABLES = (
    *COLUMNS,
    "accounts_optionvalue",
    "domains_address",
    "domains_allowedsender",
    "domains_attachmentrule",
    "domains_dkimkey",
    "domains_dlprule",
    "domains_domain_outgoing_providers",
    "domains_domainname",
    "domains_outgoingprovider",
    "domains_policy",
    "domains_recipient",
    "domains_relay",
    "domains_senderrule",
    "domains_throttle",
    "domains_urirule",
)

FUNCTION = """
    CREATE FUNCTION gateway_directory_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('postkeep_directory', '');
        RETURN NULL;
    END $$
"""


def trigger(table: str) -> str:
    """One notice per statement; PostgreSQL makes one of all equal ones of a transaction."""
    columns = COLUMNS.get(table)
    update = f"UPDATE OF {columns}" if columns else "UPDATE"
    return (
        f"CREATE TRIGGER gateway_directory_changed AFTER INSERT OR DELETE OR {update} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION gateway_directory_changed()"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0001_initial"),
        ("accounts", "0010_people_by_parts"),
        ("domains", "0020_directory_at_speed"),
    ]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION gateway_directory_changed() CASCADE"),
        *[migrations.RunSQL(trigger(table), migrations.RunSQL.noop) for table in TABLES],
    ]
