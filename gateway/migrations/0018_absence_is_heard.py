"""A change of an absence note is heard like one of mail rules (migration 0011)."""

from __future__ import annotations

from django.db import migrations

CREATE = """
    CREATE TRIGGER gateway_absence_changed AFTER INSERT OR DELETE
    OR UPDATE OF absence_on, absence_from, absence_until, absence_subject, absence_text ON domains_mailboxprofile
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_directory_changed()
"""
DROP = "DROP TRIGGER gateway_absence_changed ON domains_mailboxprofile"


class Migration(migrations.Migration):
    dependencies = [("gateway", "0017_mailing_lists")]
    operations = [migrations.RunSQL(CREATE, DROP)]
