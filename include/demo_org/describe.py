"""Describe, global and per object, with the headers that let a client ask again cheaply."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from demo_org.calls import Call, Reply
from demo_org.catalog import Entity
from demo_org.errors import not_found
from demo_org.org import Org
from demo_org.records import render

if TYPE_CHECKING:
    from demo_org.rest import Request


def everything(request: Request) -> Reply:
    """Answer the global describe: every object that the user may see."""
    catalog = request.org.catalog()
    listed = [entity.definition.describe_global(request.base) for entity in catalog.entities.values()]
    return _cached(request, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


def one(request: Request, name: str) -> Reply:
    """Answer the describe of an object: every field that the user may see."""
    entity = visible(request.org, name)
    return _cached(request, body_of(entity, request))


def visible(org: Org, name: str) -> Entity:
    """
    Find an object that the user may see.

    Raises:
        ApiError: ``NOT_FOUND`` otherwise.
    """
    entity = org.catalog().entity(name)
    if entity is None:
        raise not_found()
    return entity


def body_of(entity: Entity, request: Request) -> dict[str, Any]:
    """Give the describe of an object, less the fields that field-level security hides."""
    catalog = request.org.catalog()
    body = entity.definition.describe(request.base, request.org.granted())
    body["fields"] = [field for field in body["fields"] if field["name"] in entity.fields]
    body["childRelationships"] = [
        item for item in body["childRelationships"] if catalog.entity(item["childSObject"]) is not None
    ]
    return body


def _cached(request: Request, body: dict[str, Any]) -> Reply:
    from demo_org.rest import http_date

    text = render(body, request.call.layout).encode()
    tag = f'"{hashlib.sha256(text).hexdigest()[:24]}"'
    changed = request.org.changed
    headers = {"ETag": tag, "Last-Modified": http_date(changed)}
    if _unchanged(request.call, tag, headers["Last-Modified"]):
        return Reply(304, b"", "", headers)
    return Reply(200, text, headers=headers)


def _unchanged(call: Call, tag: str, changed: str) -> bool:
    wanted = call.headers.get("if-none-match")
    if wanted is not None:
        return tag in wanted or wanted.strip() == "*"
    since = call.headers.get("if-modified-since")
    return since is not None and _moment(since) >= _moment(changed)


def _moment(text: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return 0.0
