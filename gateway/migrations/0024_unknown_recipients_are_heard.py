"""What a domain says of addresses that aren't here is heard at once, as everything else that decides about mail."""

from __future__ import annotations

from django.db import migrations

CREATE = """
    CREATE TRIGGER gateway_unknown_recipients_changed AFTER UPDATE OF unknown_recipients ON domains_domain
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_directory_changed()
"""
DROP = "DROP TRIGGER gateway_unknown_recipients_changed ON domains_domain"


class Migration(migrations.Migration):
    dependencies = [("gateway", "0023_verdicts_and_states"), ("domains", "0026_unknown_recipients")]
    operations = [migrations.RunSQL(CREATE, DROP)]
