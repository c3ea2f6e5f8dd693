from django.db import migrations, models
from django.db.models import Min, Q


def forget_second_ones(apps, schema_editor):
    """Of a cluster that is connected twice, the first row keeps its identity; the second is refused from now on."""
    clusters = apps.get_model("orgs", "ClusterInfo").objects.exclude(identity="")
    first = clusters.values("identity").annotate(first=Min("pk")).values_list("first", flat=True)
    clusters.exclude(pk__in=list(first)).update(identity="")


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0009_webhooks'),
    ]

    operations = [
        migrations.RunPython(forget_second_ones, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='clusterinfo',
            constraint=models.UniqueConstraint(condition=~Q(identity=''), fields=('identity',), name='cluster_connected_once'),
        ),
    ]
