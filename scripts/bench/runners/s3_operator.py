"""The Airflow provider: ``SalesforceToS3Operator`` into a bucket, which is CSV by default."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow.providers.amazon.aws.transfers.salesforce_to_s3 import SalesforceToS3Operator


def main() -> None:
    """Run."""
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    operator = SalesforceToS3Operator(
        task_id="copy",
        salesforce_query=f"SELECT {','.join(order['fields'])} FROM User",  # noqa: S608 - names of the bench
        s3_bucket_name="bench",
        s3_key="User.csv",
        salesforce_conn_id="salesforce_login",
        replace=True,
    )
    operator.execute({})


if __name__ == "__main__":
    main()
