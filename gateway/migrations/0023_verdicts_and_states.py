"""A verdict and a state that hardly meet are told apart in the index, not row by row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0022_sample_of_addresses")]

    operations = [
        migrations.AddIndex(
            model_name="recipient",
            index=models.Index(
                condition=models.Q(("state", "delivered"), _negated=True),
                fields=["state", "-received_at", "-id", "category"],
                name="gw_recipient_of_state",
            ),
        ),
        migrations.AddIndex(
            model_name="recipient",
            index=models.Index(
                condition=models.Q(("category", "clean"), _negated=True),
                fields=["category", "-received_at", "-id", "state"],
                name="gw_recipient_of_category",
            ),
        ),
        migrations.RemoveIndex(model_name="recipient", name="gw_recipient_by_state"),
        migrations.RemoveIndex(model_name="recipient", name="gw_recipient_by_category"),
    ]
