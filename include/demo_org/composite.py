"""Several calls in one: ``/composite`` and ``/composite/batch``."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from demo_org.calls import Call, Reply, json_reply
from demo_org.errors import ApiError, method_not_allowed, not_found

if TYPE_CHECKING:
    from demo_org.rest import Request

_MOST = 25
_MOST_QUERIES = 5
_REFERENCE = re.compile(r"@\{([^}]+)\}")
_PATH = re.compile(r"^(?:/services/data)?/?v(\d+\.0)(/.*)?$")


def answer(request: Request) -> Reply:
    """Answer either of the two resources; a composite is one call, a batch as many as it holds."""
    if request.call.method != "POST":
        raise method_not_allowed(request.call.method, "POST")
    body = request.call.json()
    if request.rest == "composite/batch":
        return _batch(request, body)
    return _composite(request, body)


def _batch(request: Request, body: Any) -> Reply:
    parts = _parts(body, "batchRequests")
    results: list[dict[str, Any]] = []
    failed = False
    for part in parts:
        if failed and body.get("haltOnError"):
            halted = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted"}]
            results.append({"statusCode": 412, "result": halted})
            continue
        request.org.usage.calls += 1
        reply = _part(request, part.get("method", "GET"), part.get("url", ""), part.get("richInput"))
        failed = failed or reply.status >= 400
        results.append({"statusCode": reply.status, "result": _body(reply)})
    return json_reply({"hasErrors": failed, "results": results}, request.call)


def _composite(request: Request, body: Any) -> Reply:
    parts = _parts(body, "compositeRequest")
    _check_composite(parts)
    answers: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    halted = False
    for part in parts:
        name = part["referenceId"]
        if halted:
            reason = "The transaction was rolled back since another operation in the same transaction failed."
            results.append(_result([{"errorCode": "PROCESSING_HALTED", "message": reason}], {}, 400, name))
            continue
        try:
            url = _resolve(part.get("url", ""), answers)
            reply = _part(request, part.get("method", "GET"), url, part.get("body"))
        except ApiError as error:
            results.append(_result(error.body(), {}, error.status, name))
        else:
            answers[name] = _body(reply)
            results.append(_result(answers[name], reply.headers, reply.status, name))
        halted = bool(body.get("allOrNone")) and results[-1]["httpStatusCode"] >= 400
    return json_reply({"compositeResponse": results}, request.call)


def _parts(body: Any, key: str) -> list[dict[str, Any]]:
    parts = body.get(key) if isinstance(body, dict) else None
    if not isinstance(parts, list) or not parts:
        raise ApiError(400, "JSON_PARSER_ERROR", f"{key} is missing or empty")
    if len(parts) > _MOST:
        text = f"The number of subrequests exceeds the limit of {_MOST}"
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    return parts


def _check_composite(parts: list[dict[str, Any]]) -> None:
    names = [part.get("referenceId") for part in parts]
    if not all(names) or len(set(names)) != len(names):
        raise ApiError(400, "INVALID_INPUT", "Every subrequest needs a referenceId of its own")
    queries = [
        part for part in parts if re.search(r"/(query|queryAll|composite/sobjects)\b", part.get("url", ""))
    ]
    if len(queries) > _MOST_QUERIES:
        text = f"A composite request may hold at most {_MOST_QUERIES} query and collection subrequests"
        raise ApiError(400, "LIMIT_EXCEEDED", text)


def _result(body: Any, headers: dict[str, str], status: int, name: str) -> dict[str, Any]:
    return {"body": body, "httpHeaders": headers, "httpStatusCode": status, "referenceId": name}


def _part(request: Request, method: str, url: str, body: Any) -> Reply:
    from demo_org.rest import route

    split = urlsplit(url)
    found = _PATH.match(unquote(split.path))
    try:
        if found is None:
            raise not_found()
        call = Call(
            method.upper(),
            f"/services/data/v{found[1]}{found[2] or ''}",
            dict(parse_qsl(split.query, keep_blank_values=True)),
            {name: value for name, value in request.call.headers.items() if name != "x-prettyprint"},
            b"" if body is None else json.dumps(body).encode(),
            request.call.origin,
        )
        inner = replace(request, call=call, version=found[1], rest=(found[2] or "").strip("/"))
        if inner.rest.startswith("composite/batch") or inner.rest == "composite":
            raise ApiError(400, "INVALID_INPUT", "A composite request cannot hold another one")
        return request.org.faults.answer(call, part=True) or route(inner)
    except ApiError as error:
        return json_reply(error.body(), Call(method, url), error.status)


def _body(reply: Reply) -> Any:
    if not isinstance(reply.body, bytes):
        raise ApiError(400, "INVALID_INPUT", "This resource cannot be part of a composite request")
    return json.loads(reply.body) if reply.body and "json" in reply.content_type else None


def _resolve(url: str, answers: dict[str, Any]) -> str:
    """Put values of earlier answers into an address: ``@{users.records[0].Id}``."""

    def value(found: re.Match[str]) -> str:
        name, *steps = re.findall(r"[A-Za-z_]\w*|\[\d+\]", found[1])
        place: Any = answers.get(name)
        for step in steps:
            try:
                place = place[int(step[1:-1])] if step.startswith("[") else place[step]
            except (KeyError, IndexError, TypeError):
                place = None
        if place is None:
            text = f"Invalid reference specified. No value for {found[1]} found in {name}"
            raise ApiError(400, "PROCESSING_HALTED", text)
        return str(place)

    return _REFERENCE.sub(value, url)
