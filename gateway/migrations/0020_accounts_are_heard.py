"""Who was shut out, or let in again, is heard at once: they may have a connection open over which they send."""

from __future__ import annotations

from django.db import migrations

CREATE = """
    CREATE TRIGGER gateway_account_changed AFTER UPDATE OF is_active ON accounts_user
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_directory_changed()
"""
DROP = "DROP TRIGGER gateway_account_changed ON accounts_user"


class Migration(migrations.Migration):
    dependencies = [("gateway", "0019_certificate_of_the_pages"), ("accounts", "0014_sources")]
    operations = [migrations.RunSQL(CREATE, DROP)]
