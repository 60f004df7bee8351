"""The command line: ``python -m demo_org serve`` and ``python -m demo_org faults``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path

from demo_org.fault_table import table


def main(arguments: list[str] | None = None) -> None:
    """
    Run the command line.

    Args:
        arguments: without the name of the program; by default those of this process.
    """
    parser = argparse.ArgumentParser("demo_org", description="A Salesforce org for demonstrations and tests.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("faults", help="print the table of faults as Markdown")
    serve = commands.add_parser("serve", help="serve an org until SIGTERM")
    serve.add_argument("--users", type=int, default=40, help="people in the org (default: %(default)s)")
    serve.add_argument("--seed", type=int, default=1, help="decides who they are (default: %(default)s)")
    serve.add_argument("--today", type=dt.date.fromisoformat, help="the org's day (default: today, in UTC)")
    serve.add_argument(
        "--state-dir", type=Path, required=True, help="certificates, app, grants, connection.json"
    )
    serve.add_argument("--https-port", type=int, default=0, help="port for TLS (default: any)")
    serve.add_argument("--http-port", type=int, default=0, help="plain port (default: any)")
    serve.add_argument("--listen", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--name", default="localhost", help="host name that clients call (default: %(default)s)"
    )
    serve.add_argument("--rotation", action="store_true", help="switch refresh token rotation on")
    serve.add_argument("--sandbox", action="store_true", help="the org is a sandbox")
    serve.add_argument("--company-names", default="*", help="company names in connection.json")
    serve.add_argument("--bulk-seconds", type=float, default=0.2, help="how long a Bulk job takes")
    serve.add_argument("--certificate", type=Path, help="PEM certificate for the JWT bearer flow")
    options = parser.parse_args(arguments)
    if options.command == "faults":
        print(table())
    else:
        _serve(options)


def _serve(options: argparse.Namespace) -> None:
    # Arrow and the web server take their time to load: not for printing a table.
    from demo_org.options import OrgOptions
    from demo_org.server import DemoOrg
    from demo_org.world import World, WorldOptions

    options.state_dir.mkdir(parents=True, exist_ok=True)
    anchor, today = _days(options)
    world = World(
        seed=options.seed,
        users=options.users,
        today=today,
        options=WorldOptions(anchor=anchor, sandbox=options.sandbox),
    )
    switches = OrgOptions(rotation=options.rotation, bulk_seconds=options.bulk_seconds)
    org = DemoOrg(
        world,
        switches,
        options.state_dir,
        certificate=options.certificate.read_text("utf-8") if options.certificate else "",
        https_port=options.https_port,
        http_port=options.http_port,
        listen=options.listen,
        name=options.name,
    )
    org.write_connection(options.company_names)
    org.run()


def _days(options: argparse.Namespace) -> tuple[dt.date, dt.date]:
    """Give the day on which the org was made, kept from its first start, and the day that it has now."""
    today = options.today or dt.datetime.now(dt.UTC).date()
    path = options.state_dir / "world.json"
    same = {"seed": options.seed, "users": options.users, "sandbox": options.sandbox}
    if path.exists():
        kept = json.loads(path.read_text("utf-8"))
        anchor = dt.date.fromisoformat(kept.pop("anchor"))
        if kept == same and anchor <= today:
            return anchor, today
    path.write_text(json.dumps({**same, "anchor": today.isoformat()}), "utf-8")
    return today, today


if __name__ == "__main__":
    main()
