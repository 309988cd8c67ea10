import config.kit.sealed
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("archive", "0011_folders")]

    operations = [
        migrations.AddField(
            model_name="store",
            name="kind",
            field=models.CharField(
                choices=[("folder", "Folder of this server"), ("postgres", "PostgreSQL database")],
                default="folder",
                max_length=8,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            model_name="store",
            name="dsn",
            field=models.CharField(blank=True, default="", max_length=1000, verbose_name="database"),
        ),
        migrations.AddField(
            model_name="store",
            name="dsn_password",
            field=config.kit.sealed.SealedTextField(
                blank=True,
                default="",
                editable=False,
                purpose="store database password",
                verbose_name="password of the database",
            ),
        ),
        migrations.AddField(
            model_name="store",
            name="schema",
            field=models.CharField(blank=True, default="", max_length=63, verbose_name="schema"),
        ),
        migrations.AddField(
            model_name="store",
            name="objects_kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "They stay in the database"),
                    ("folder", "Folder of this server"),
                    ("s3", "S3 bucket"),
                ],
                default="",
                max_length=8,
                verbose_name="sealed packs",
            ),
        ),
        migrations.AddField(
            model_name="store",
            name="objects_path",
            field=models.CharField(blank=True, default="", max_length=1000, verbose_name="folder of the packs"),
        ),
        migrations.AddField(
            model_name="store",
            name="endpoint",
            field=models.CharField(blank=True, default="", max_length=500, verbose_name="endpoint"),
        ),
        migrations.AddField(
            model_name="store",
            name="bucket",
            field=models.CharField(blank=True, default="", max_length=63, verbose_name="bucket"),
        ),
        migrations.AddField(
            model_name="store",
            name="prefix",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="prefix"),
        ),
        migrations.AddField(
            model_name="store",
            name="region",
            field=models.CharField(blank=True, default="", max_length=60, verbose_name="region"),
        ),
        migrations.AddField(
            model_name="store",
            name="access_key",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="access key"),
        ),
        migrations.AddField(
            model_name="store",
            name="secret_key",
            field=config.kit.sealed.SealedTextField(
                blank=True, default="", editable=False, purpose="store secret key", verbose_name="secret key"
            ),
        ),
        migrations.AddField(
            model_name="store",
            name="is_locked",
            field=models.BooleanField(default=False, verbose_name="waits for its recovery key"),
        ),
        migrations.AddConstraint(
            model_name="store",
            constraint=models.UniqueConstraint(
                condition=models.Q(("detached_at", None), ("kind", "postgres")),
                fields=("dsn", "schema"),
                name="archive_store_schema_once",
            ),
        ),
    ]
