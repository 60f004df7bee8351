"""
Make the buckets of the stack where they are missing.

    make_buckets.py CONNECTIONS BUCKET…

CONNECTIONS is the file with Airflow's connections; the object store is the one of `ledger_storage`.
"""

# ruff: noqa: T201 - a command says what it did
from __future__ import annotations

import json
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONNECTION = "ledger_storage"
OURS_ALREADY = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def main() -> int:
    """Make them, and say so; returns 0."""
    file, *buckets = sys.argv[1:]
    connection = json.loads(Path(file).read_text(encoding="utf-8"))[CONNECTION]
    client = boto3.client(
        "s3",
        aws_access_key_id=connection["login"],
        aws_secret_access_key=connection["password"],
        endpoint_url=connection["extra"]["endpoint_url"],
        region_name=connection["extra"]["region_name"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 10, "mode": "standard"}),
    )
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in buckets:
        if bucket in there:
            print(f"bucket {bucket} is there")
            continue
        try:
            client.create_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in OURS_ALREADY:
                raise
        print(f"made bucket {bucket}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
