"""A request and its answer, free of the web server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from demo_org.errors import ApiError, OAuthError
from demo_org.records import Layout, render

JSON = "application/json;charset=UTF-8"
HTML = "text/html; charset=UTF-8"
CSV = "text/csv; charset=UTF-8"


@dataclass
class Call:
    """
    One request.

    Attributes:
        method: upper case.
        path: decoded path.
        query: decoded query string parameters; of a repeated one the first.
        headers: lower-case names.
        body: raw body.
        origin: scheme and host as the caller addressed them.
        peer: address of the caller.
        size: bytes of URI and headers together.
        uri_size: bytes of the URI.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "https://localhost"
    peer: str = "127.0.0.1"
    size: int = 0
    uri_size: int = 0

    @property
    def form(self) -> dict[str, str]:
        """Parameters of a posted form, on top of those in the URI."""
        posted = {}
        if "json" not in self.headers.get("content-type", ""):
            posted = dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        return {**self.query, **posted}

    @property
    def layout(self) -> Layout:
        """White space that the caller wants."""
        return Layout(self.headers.get("x-prettyprint", "") in {"1", "true"})

    def json(self) -> Any:
        """
        Read a JSON body.

        Raises:
            ApiError: ``JSON_PARSER_ERROR`` if it is none.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            column = getattr(error, "colno", 1)
            text = f"Unexpected character at [line:{line}, column:{column}]"
            raise ApiError(400, "JSON_PARSER_ERROR", text) from None


@dataclass
class Reply:
    """
    One answer.

    Attributes:
        status: HTTP status.
        body: bytes, or an iterator of them for what is too large to hold.
        content_type: empty for no such header.
        headers: further headers.
        counted: whether the answer tells the API usage, as REST answers with a body do.
        delivered: called with whether the whole answer was written to an open connection.
        drop: the connection is cut instead of an answer.
        faults: names of transport faults that apply to this answer, with their options.
    """

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    counted: bool = False
    delivered: Callable[[bool], None] | None = None
    drop: bool = False
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)


def json_reply(value: Any, call: Call, status: int = 200, **headers: str) -> Reply:
    """Answer with a small JSON value."""
    return Reply(status, render(value, call.layout).encode(), headers=headers)


def error_reply(error: ApiError | OAuthError, call: Call) -> Reply:
    """Answer with an error."""
    return json_reply(error.body(), call, error.status)


def page_reply(html: str, status: int = 200) -> Reply:
    """Answer with a page for people."""
    return Reply(status, html.encode(), HTML)
