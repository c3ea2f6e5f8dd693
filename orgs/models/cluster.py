from django.db import models
from django.db.models import Q

from .unit import OrgUnit


class ClusterInfo(models.Model):
    """What only clusters have: how to reach one, and how it is."""

    class Mode(models.IntegerChoices):
        SIMULATED = 1, "simulated"
        KUBERNETES = 2, "Kubernetes"

    class State(models.IntegerChoices):
        WAITING = 1, "waiting to connect"
        CONNECTED = 2, "connected"
        DISCONNECTED = 3, "not connected"

    unit = models.OneToOneField(OrgUnit, models.CASCADE, primary_key=True, related_name="cluster_info")
    mode = models.PositiveSmallIntegerField(choices=Mode)
    address = models.CharField(max_length=300, blank=True)
    credentials = models.TextField(blank=True)
    """Encrypted (orgs.secrets); never leaves the server."""
    state = models.PositiveSmallIntegerField(choices=State, default=State.WAITING)
    state_message = models.CharField(max_length=500, blank=True)
    state_since = models.DateTimeField(null=True)
    """Since when it is connected, or not."""
    missing_rights = models.JSONField(default=list)
    """Of Bursar's account there, by name."""
    identity = models.CharField(max_length=64, blank=True)
    """What tells it from any other cluster, whatever its address: the uid of its namespace kube-system."""
    latency_ms = models.PositiveIntegerField(null=True)
    """Of its last answer."""
    lag_ms = models.PositiveIntegerField(null=True)
    """The longest, of late, from when it told of a change until that was written."""
    watched = models.JSONField(default=dict)
    """How many objects of each kind are followed there; kinds that it does not know are missing."""
    server_version = models.CharField(max_length=60, blank=True)
    last_seen = models.DateTimeField(null=True)
    access_pending = models.PositiveIntegerField(default=0)
    """Bindings of people that are still to be written or withdrawn there."""
    access_drift = models.CharField(max_length=500, blank=True)
    """What somebody else last changed about them, and was put back."""
    access_drift_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # Two observers of one cluster would each put back what the other writes.
            models.UniqueConstraint(fields=["identity"], condition=~Q(identity=""), name="cluster_connected_once"),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id}: {self.get_mode_display()}"
