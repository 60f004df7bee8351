"""The control API under ``/_demo/``: how tests and the demo move the org. Loopback only, JSON in and out."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from demo_org.approvals import Approvals
from demo_org.calls import Call, Reply, json_reply
from demo_org.errors import ApiError, not_found
from demo_org.fault_table import FAULTS
from demo_org.grants import Grant
from demo_org.oauth import DEFAULT_SCOPE
from demo_org.org import Org


class ControlApi:
    """
    Answers the calls that steer the org.

    Args:
        org: the org.
        approvals: device codes that wait for a person.
    """

    def __init__(self, org: Org, approvals: Approvals) -> None:
        self._org = org
        self._approvals = approvals
        self._routes: dict[str, Callable[[dict[str, Any]], Any]] = {
            "world": self._world,
            "clock": self._clock,
            "permissions": self._permissions,
            "hidden": self._hidden,
            "options": self._options,
            "faults": lambda _: self._org.faults.states(),
            "faults/on": self._fault_on,
            "faults/off": self._fault_off,
            "faults/known": lambda _: [asdict(kind) for kind in FAULTS],
            "sessions/expire": lambda _: {"ended": self._org.grants.expire_sessions()},
            "grants": lambda _: [_grant_state(grant) for grant in self._org.grants.grants.values()],
            "grants/state": self._grant,
            "grants/new": self._new_grant,
            "grants/revoke": self._revoke,
            "secrets": lambda _: [*self._org.grants.issued, self._org.main_app.secret, self._org.password],
            "devices/decide": self._decide_device,
            "requests": lambda body: self._org.calls(float(body.get("since", 0.0))),
            "requests/counts": lambda _: self._counts(),
            "requests/clear": lambda _: self._clear(),
            "usage": lambda _: self._usage(),
            "truth": self._truth,
        }

    def answer(self, call: Call) -> Reply:
        """Answer a call of the control API."""
        if not ipaddress.ip_address(call.peer).is_loopback:
            return json_reply({"error": "the control API is for loopback only"}, call, 403)
        name = call.path.removeprefix("/_demo").strip("/")
        route = self._routes.get(name)
        try:
            if route is None:
                raise not_found()
            body = call.json() if call.body else dict(call.query)
            return json_reply(route(body), call)
        except ApiError as error:
            return json_reply(error.body(), call, error.status)
        except (KeyError, ValueError, TypeError) as error:
            return json_reply({"error": f"{type(error).__name__}: {error}"}, call, 400)

    def _world(self, _: dict[str, Any]) -> dict[str, Any]:
        world = self._org.world
        return {
            "org_id": world.org_id,
            "org_name": world.org_name,
            "instance_name": world.instance_name,
            "is_sandbox": world.is_sandbox,
            "integration_user_id": world.integration_user_id,
            "integration_username": self._org.username,
            "now": world.now.isoformat(),
            "users": self._org.store().count("User"),
            "features": sorted(world.features),
        }

    def _clock(self, body: dict[str, Any]) -> dict[str, Any]:
        moment = dt.datetime.fromisoformat(body["now"])
        self._org.set_clock(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
        return self._world({})

    def _permissions(self, body: dict[str, Any]) -> list[str]:
        granted = set(body.get("set", self._org.permissions))
        granted |= set(body.get("grant", []))
        granted -= set(body.get("withdraw", []))
        if granted != self._org.permissions:
            self._org.set_permissions(granted)
        return sorted(granted)

    def _hidden(self, body: dict[str, Any]) -> list[str]:
        if "fields" in body:
            self._org.hide(body["fields"])
        return sorted(self._org.hidden)

    def _options(self, body: dict[str, Any]) -> dict[str, Any]:
        self._org.options.change(**body)
        return asdict(self._org.options)

    def _fault_on(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        options = dict(body)
        self._org.faults.on(options.pop("name"), **options)
        return self._org.faults.states()

    def _fault_off(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        self._org.faults.off(body.get("name"))
        return self._org.faults.states()

    def _grant(self, body: dict[str, Any]) -> dict[str, Any]:
        return _grant_state(self._find(body))

    def _new_grant(self, body: dict[str, Any]) -> dict[str, Any]:
        org = self._org
        app = org.apps[body.get("client_id", org.main_app.key)]
        scope = body.get("scope", DEFAULT_SCOPE)
        grant, token = org.grants.authorize(app.key, org.user_id, scope, org.options.grants_per_user)
        return {"refresh_token": token, **_grant_state(grant)}

    def _revoke(self, body: dict[str, Any]) -> dict[str, Any]:
        grant = self._find(body)
        self._org.grants.revoke(grant, str(body.get("reason", "the administrator revoked it")))
        return _grant_state(grant)

    def _find(self, body: dict[str, Any]) -> Grant:
        if "id" in body:
            return self._org.grants.grants[body["id"]]
        grant, _ = self._org.grants.find(body.get("refresh_token", ""))
        if grant is None:
            raise not_found()
        return grant

    def _decide_device(self, body: dict[str, Any]) -> dict[str, Any]:
        approve = bool(body.get("approve", True))
        done = self._approvals.decide_device(body["user_code"], self._org.user_id, approve=approve)
        return {"decided": done}

    def _counts(self) -> list[dict[str, Any]]:
        counts = self._org.counts
        return [
            {"method": method, "path": path, "status": status, "count": count}
            for (method, path, status), count in sorted(counts.items())
        ]

    def _clear(self) -> dict[str, Any]:
        self._org.log.clear()
        self._org.counts.clear()
        return {}

    def _usage(self) -> dict[str, Any]:
        usage = self._org.usage
        return {"calls": usage.calls, "jobs": usage.jobs, "writes_refused": usage.writes_refused}

    def _truth(self, body: dict[str, Any]) -> dict[str, Any]:
        from demo_org.truth import Truth

        expected = Truth(self._org.world).expected(**body)
        return {name: _rows(frame) for name, frame in expected.items()}


def _rows(frame: Any) -> list[dict[str, Any]]:
    """Give a frame as JSON rows; moments as ISO text, missing values as null."""
    import json

    return list(json.loads(frame.to_json(orient="records", date_format="iso", date_unit="us")))


def _grant_state(grant: Grant) -> dict[str, Any]:
    """Tell everything about a grant that is no secret."""
    return {
        "id": grant.id,
        "app": grant.app,
        "user": grant.user,
        "scope": grant.scope,
        "alive": not grant.revoked,
        "revoked": grant.revoked,
        "created": grant.created,
        "refreshes": grant.refreshes,
        "refreshed": grant.refreshed,
        "rotations": len(grant.spent),
        "answer_delivered": grant.answer_delivered,
        "answer_used": grant.answer_used,
    }
