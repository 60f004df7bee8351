"""Make Airflow's tables and nothing else; a process of its own, with the server's environment."""

from __future__ import annotations


def main() -> None:
    """Make them."""
    from airflow.utils import db

    db.initdb()


if __name__ == "__main__":
    main()
