from django.conf import settings
from django.db import models
from django.utils import timezone


class TourClosed(models.Model):
    """Who wants to see the tour on Overview no more."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"tour closed by {self.user_id}"
