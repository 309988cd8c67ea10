from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0025_alter_directorychange_kind'),
    ]

    operations = [
        migrations.AddField(
            model_name='domain',
            name='unknown_recipients',
            field=models.CharField(choices=[('refuse', 'Refused'), ('take', 'Taken for the mail server behind, which knows its recipients'), ('ask_or_take', 'The mail server behind is asked; taken when it gives no answer'), ('ask_or_wait', 'The mail server behind is asked; put off when it gives no answer')], db_default='refuse', default='refuse', max_length=12, verbose_name='unknown addresses'),
        ),
    ]
