"""The repositories that are always there."""

from django.db import migrations

STANDARD = ("error", "address-error", "relay-denied", "spam", "dlp")


def make(apps, schema_editor):  # type: ignore[no-untyped-def]
    repositories = apps.get_model("gateway", "Repository")
    repositories.objects.bulk_create(
        [repositories(name=f"var/mail/{name}") for name in STANDARD], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [("gateway", "0005_reception")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
