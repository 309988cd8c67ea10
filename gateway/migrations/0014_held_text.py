import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0021_sieve_use'),
        ('gateway', '0013_digests'),
    ]

    operations = [
        migrations.AddField(
            model_name='recipient',
            name='held_text',
            field=models.TextField(db_default='', default=''),
        ),
        migrations.RunSQL(
            """
            UPDATE gateway_recipient AS kept
            SET held_text = lower(message.subject || E'\n' || message.header_from || E'\n' || message.sender)
            FROM gateway_message AS message WHERE message.id = kept.message_id AND kept.state = 'held'
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('state', 'held')), fields=['held_text'], name='gw_recipient_held_text', opclasses=['gin_trgm_ops']),
        ),
    ]
