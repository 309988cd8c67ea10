"""Signatures are rows of the gateway, which has copied what stood here (gateway 0016)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("domains", "0021_sieve_use"), ("gateway", "0016_signatures")]
    operations = [migrations.RemoveField(model_name="mailboxprofile", name="signature")]
