from celery import shared_task

from .stream import stream_step


@shared_task(name="demo.stream", ignore_result=True)
def demo_stream() -> None:
    """Submits what is due."""
    stream_step()
