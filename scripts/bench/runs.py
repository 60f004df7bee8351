"""Rounds of contenders against an org."""

from __future__ import annotations

import json
import os
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.contenders import Contender
from bench.front import TODAY, world
from bench.outputs import read
from bench.servers import Org
from bench.truth import Verdict, judge
from bench.watch import Cost, run
from license_ledger.salesforce.objects import object_named

ROOT = Path(__file__).resolve().parents[2]
VERSION = "62.0"


def fields() -> dict[str, str]:
    """Kind by name of the thirty fields of User that everybody extracts: those that the ledger declares."""
    return {item.name: item.kind for item in object_named("User").fields}


@dataclass(frozen=True)
class Turn:
    """One run of a contender: its cost, and what the server saw of it."""

    cost: Cost
    calls: int
    answered: int
    server_seconds: float


@dataclass
class Taken:
    """All turns of a contender with one kind of answers, and the verdict on what it wrote."""

    contender: Contender
    users: int
    turns: list[Turn] = field(default_factory=list)
    verdict: Verdict | None = None
    failure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Medians for the record."""
        about = {"title": self.contender.title, "api": self.contender.api, "users": self.users}
        if not self.turns:
            return {**about, "failure": self.failure}
        cpu = _median(turn.cost.cpu_seconds for turn in self.turns)
        return {
            **about,
            "rounds": len(self.turns),
            "cpu_seconds": round(cpu, 3),
            "rows_per_cpu_second": round(self.users / cpu),
            "seconds": round(_median(turn.cost.seconds for turn in self.turns), 3),
            "peak_mib": round(_median(turn.cost.peak_mib for turn in self.turns)),
            "calls": round(_median(turn.calls for turn in self.turns)),
            "bytes": round(_median(turn.answered for turn in self.turns)),
            "server_cpu_seconds": round(_median(turn.server_seconds for turn in self.turns), 3),
            "verdict": self.verdict and self.verdict.to_dict(),
            "failure": self.failure,
        }


def _median(values: Any) -> float:
    return float(statistics.median(list(values)))


class Ring:
    """
    The place where contenders meet an org.

    Args:
        org: that they ask.
        home: folder for what they write, emptied after each turn.
        bucket: address of the S3 server.
        interpreters: Python by contender's name.
        environments: folder of the peers' environments.
    """

    def __init__(
        self, org: Org, home: Path, bucket: str, interpreters: dict[str, Path], environments: Path
    ) -> None:
        self._org = org
        self._home = home
        self._bucket = bucket
        self._interpreters = interpreters
        self._environments = environments
        self._truth: pa.Table | None = None

    def rounds(
        self, contenders: Sequence[Contender], number: int, *, compresses: bool, judges: bool = True
    ) -> dict[str, Taken]:
        """
        Let contenders take turns.

        The fast ones go once before it counts, so that the server has its answers ready.

        Args:
            contenders: who; each round begins with another.
            number: of rounds.
            compresses: whether answers are compressed for those who accept it.
            judges: whether what they write is compared with the org's truth.
        """
        taken = {each.name: Taken(each, self._org.users) for each in contenders}
        for at in range(-1, number):
            shift = at % max(len(contenders), 1)
            for each in (*contenders[shift:], *contenders[:shift]):
                mine = taken[each.name]
                if not mine.failure and at < (each.rounds or number) and (at >= 0 or each.fast):
                    self._turn(mine, compresses=compresses, counts=at >= 0, judges=judges and at == 0)
        return taken

    def _turn(self, mine: Taken, *, compresses: bool, counts: bool, judges: bool) -> None:
        contender = mine.contender
        out = self._home / contender.name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        order = self._order(contender, out, compresses)
        (out / "order.json").write_text(json.dumps(order), "utf-8")
        self._org.begin(compresses=compresses)
        python = self._interpreters[contender.name]
        cost = run(
            [str(python), str(contender.script), str(out / "order.json")],
            self._environ(contender, out, order["token"]),
            out,
        )
        seen = self._org.counters()
        if cost.code:
            mine.failure = f"ended with {cost.code}: {_last_words(cost.told)}"
        elif counts:
            mine.turns.append(Turn(cost, int(seen["calls"]), int(seen["bytes"]), seen["cpu_seconds"]))
        if judges and not mine.failure:
            mine.verdict = judge(read(contender.output, out, self._bucket), self._whole_truth(), fields())
        shutil.rmtree(out, ignore_errors=True)

    def _order(self, contender: Contender, out: Path, compresses: bool) -> dict[str, Any]:
        return {
            **self._org.told,
            "out": str(out),
            "token": self._org.session(),
            "version": VERSION,
            "fields": fields(),
            "compressed": compresses,
            "now": f"{TODAY.isoformat()}T12:00:00+00:00",
            "source": str(self._environments / contender.environment / Path(contender.source).parent),
        }

    def _environ(self, contender: Contender, out: Path, token: str) -> dict[str, str]:
        told = self._org.told
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(out),
            "LANG": "C.UTF-8",
            "REQUESTS_CA_BUNDLE": told["ca_bundle"],
            "NO_PROXY": "localhost,127.0.0.1",
        }
        if contender.needs_login_host:
            environ["HTTPS_PROXY"] = told["proxy"]
        if not contender.environment:
            environ |= {
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "include")]),
                "AIRFLOW_HOME": str(out / "airflow"),
                "AIRFLOW_CONN_SALESFORCE_BENCH": _connection(
                    extra={"instance_url": told["url"], "version": VERSION}
                ),
                "AIRFLOW_CONN_SALESFORCE_LOGIN": _connection(
                    login=told["username"],
                    password=told["password"],
                    extra={"security_token": "none", "version": VERSION},
                ),
                "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(
                    {
                        "conn_type": "aws",
                        "login": "bench",
                        "password": "bench",  # pragma: allowlist secret
                        "extra": {"endpoint_url": self._bucket, "region_name": "us-east-1"},
                    }
                ),
            }
        return environ

    def _whole_truth(self) -> pa.Table:
        if self._truth is None:
            self._truth = truth(self._org.users)
        return self._truth


def truth(users: int) -> pa.Table:
    """What the org holds, as Salesforce answers it: empty texts are null."""
    table = world(users).table("User")
    columns = {}
    for name, kind in fields().items():
        column = table[name] if name in table.column_names else pa.nulls(table.num_rows, pa.string())
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if kind == "datetime":
            column = column.cast(pa.timestamp("ms", "UTC"), safe=False)
        elif kind != "boolean":
            texts = column.cast(pa.string())
            column = pa.compute.if_else(pa.compute.equal(texts, ""), pa.scalar(None, pa.string()), texts)
        columns[name] = column
    return pa.table(columns)


def _connection(login: str = "", password: str = "", extra: dict[str, str] | None = None) -> str:
    return json.dumps({"conn_type": "salesforce", "login": login, "password": password, "extra": extra or {}})


def _last_words(told: str) -> str:
    lines = [line for line in told.strip().splitlines() if line.strip()]
    return lines[-1][-400:] if lines else "no word"
