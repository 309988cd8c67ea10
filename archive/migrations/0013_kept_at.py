from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("archive", "0012_stores_in_postgresql")]

    operations = [
        migrations.AddField(
            model_name="profilerun",
            name="kept_at",
            field=models.DateTimeField(null=True),
        ),
    ]
