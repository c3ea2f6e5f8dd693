"""Long answers that are written while they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def streamed(request: HttpRequest, parts: Iterator[str], content_type: str, file_name: str) -> StreamingHttpResponse:
    """A file of the parts, each made when the one before has been sent: never all of them in memory."""

    def following() -> str | None:
        return next(parts, None)

    async def one_by_one() -> AsyncIterator[str]:
        while (part := await sync_to_async(following)()) is not None:
            yield part

    # An ordinary iterator would be read to its end first under ASGI.
    content = one_by_one() if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response
