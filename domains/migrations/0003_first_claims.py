"""Domains and mailboxes that were there before get their names, claims, counts, and their people a home."""

from django.db import migrations

FORWARDS = """
INSERT INTO domains_domainname (name, domain_id, is_alias, created_at)
    SELECT name, id, false, created_at FROM domains_domain;
INSERT INTO domains_address
    (version, domain_id, local, text, kind, name, description, is_enabled, senders, keep_copy, recipient_count, created_at)
    SELECT 1, domain_id, left(address, length(address) - position('@' in reverse(address))), address, 'mailbox', '', '',
           true, 'anyone', true, 0, created_at
    FROM domains_mailbox;
UPDATE domains_mailbox SET claim_id = domains_address.id FROM domains_address
    WHERE domains_address.text = domains_mailbox.address;
UPDATE domains_mailbox SET name = accounts_user.name FROM accounts_user WHERE accounts_user.id = domains_mailbox.user_id;
UPDATE accounts_user SET home_domain_id = domains_mailbox.domain_id FROM domains_mailbox
    WHERE domains_mailbox.user_id = accounts_user.id;
UPDATE domains_domain SET mailbox_count = found.count, active_count = found.count FROM
    (SELECT domain_id, count(*) AS count FROM domains_mailbox GROUP BY domain_id) AS found
    WHERE found.domain_id = domains_domain.id;
"""


class Migration(migrations.Migration):
    dependencies = [("domains", "0002_directory"), ("accounts", "0003_rights")]
    operations = [migrations.RunSQL(FORWARDS, migrations.RunSQL.noop)]
