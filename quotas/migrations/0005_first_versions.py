from django.db import migrations

FIELDS = (
    "gpu_milli",
    "cpu_millicores",
    "memory_bytes",
    "limit_gpu_milli",
    "limit_cpu_millicores",
    "limit_memory_bytes",
    "over_quota",
    "rank",
    "weight_milli",
    "reclaim_min_runtime_seconds",
    "preempt_min_runtime_seconds",
)


def begin(apps, schema_editor):
    """What holds now is the first that the history knows of."""
    Quota, QuotaVersion = apps.get_model("quotas", "Quota"), apps.get_model("quotas", "QuotaVersion")
    QuotaVersion.objects.bulk_create(
        (
            QuotaVersion(
                unit_id=quota.unit_id,
                pool_id=quota.pool_id,
                number=quota.version,
                values={field: getattr(quota, field) for field in FIELDS},
                actor_name="Bursar",
            )
            for quota in Quota.objects.iterator()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("quotas", "0004_quota_versions")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
