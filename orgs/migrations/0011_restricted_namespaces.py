from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0010_cluster_connected_once'),
    ]

    operations = [
        migrations.AddField(
            model_name='projectinfo',
            name='restricted',
            field=models.BooleanField(default=False),
        ),
    ]
