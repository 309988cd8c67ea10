from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("archive", "0008_backups")]

    operations = [
        migrations.AddField(
            model_name="retentionblock",
            name="last",
            field=models.BinaryField(default=b""),
        ),
        migrations.AddField(
            model_name="retentionpolicy",
            name="known",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
