from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0007_programs_that_wait'),
    ]

    operations = [
        migrations.AddField(
            model_name='clusterinfo',
            name='identity',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='clusterinfo',
            name='lag_ms',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='clusterinfo',
            name='latency_ms',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='clusterinfo',
            name='missing_rights',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='clusterinfo',
            name='state_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='clusterinfo',
            name='watched',
            field=models.JSONField(default=dict),
        ),
    ]
