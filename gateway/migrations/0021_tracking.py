import django.contrib.postgres.indexes
from django.db import migrations, models

import gateway.models.subject_words


class Migration(migrations.Migration):

    dependencies = [
        ('gateway', '0020_accounts_are_heard'),
    ]

    operations = [
        migrations.AlterField(
            model_name='message',
            name='key',
            field=models.CharField(max_length=32),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('key',), name='gw_message_key'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(gateway.models.subject_words.SubjectWords('subject'), gin_pending_list_limit=512, name='gw_message_by_words'),
        ),
        # How often a word is met is guessed from a sample of subjects: whether it is looked for, or the newest messages
        # are walked through until there are enough that have it, depends on it.
        migrations.RunSQL('ALTER INDEX gw_message_by_words ALTER COLUMN 1 SET STATISTICS 1000', migrations.RunSQL.noop),
    ]
