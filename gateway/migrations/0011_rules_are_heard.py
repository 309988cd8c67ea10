"""A change of mail rules is heard like one of the directory (migration 0002)."""

from __future__ import annotations

from django.db import migrations

TABLES = ("gateway_sievescript", "gateway_outofoffice", "gateway_rulesettings")


def trigger(table: str) -> str:
    return (
        f"CREATE TRIGGER gateway_directory_changed AFTER INSERT OR DELETE OR UPDATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION gateway_directory_changed()"
    )


class Migration(migrations.Migration):
    dependencies = [("gateway", "0010_mail_rules")]
    operations = [migrations.RunSQL(trigger(table), migrations.RunSQL.noop) for table in TABLES]
