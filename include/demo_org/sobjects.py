"""Single records and collections of them, by id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from demo_org import describe
from demo_org.calls import Reply, json_reply
from demo_org.catalog import Entity, to18
from demo_org.errors import ApiError, not_found
from demo_org.records import Layout, record_page
from demo_org.soql.executor import RecordSet, run

if TYPE_CHECKING:
    from demo_org.rest import Request

_MOST = 2000


def basic(request: Request, name: str) -> Reply:
    """Answer ``/sobjects/X``: the object's entry of the global describe, and no recent items."""
    entity = describe.visible(request.org, name)
    body = {"objectDescribe": entity.definition.describe_global(request.base), "recentItems": []}
    return json_reply(body, request.call)


def record(request: Request, name: str, record_id: str) -> Reply:
    """Answer one record with all of its fields, or with those that ``fields`` lists."""
    entity = describe.visible(request.org, name)
    if not entity.definition.retrieveable:
        raise not_found()
    result = _select(request, entity, [record_id], request.call.query.get("fields"))
    if not result.total:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    text = record_page(result, 0, 1, request.base, Layout(request.call.layout.pretty), _no_more)
    return Reply(200, text.strip("[] ").encode())


def collection(request: Request, name: str) -> Reply:
    """Answer records by their ids, null where there is none: ``GET`` with parameters, ``POST`` with a
    body.
    """
    entity = describe.visible(request.org, name)
    if request.call.method == "POST":
        body = request.call.json()
        ids, fields = list(body.get("ids", [])), ",".join(body.get("fields", []))
    else:
        ids, fields = request.call.query.get("ids", "").split(","), request.call.query.get("fields", "")
    if not fields or len(ids) > _MOST:
        raise ApiError(400, "MALFORMED_QUERY", "ids and fields must be given, for at most 2000 records")
    result = _select(
        request, entity, ids, f"Id,{fields}" if "id" not in fields.lower().split(",") else fields
    )
    text = record_page(result, 0, result.total, request.base, Layout(), _no_more)
    found = {item["Id"]: item for item in json.loads(text)}
    return json_reply([found.get(str(to18(one))) for one in ids], request.call)


def _select(request: Request, entity: Entity, ids: list[str], fields: str | None) -> RecordSet:
    if any(to18(one) is None for one in ids):
        raise ApiError(400, "MALFORMED_ID", f"bad id {next(one for one in ids if to18(one) is None)}")
    names = fields or ", ".join(entity.fields)
    wanted = ", ".join(f"'{one}'" for one in ids)
    text = f"SELECT {names} FROM {entity.name} WHERE Id IN ({wanted})"  # noqa: S608 - SOQL, and ids are checked
    result = run(text, request.org.sight())
    if not isinstance(result, RecordSet):
        raise not_found()
    return result


def _no_more(*_: object) -> str:
    return ""
