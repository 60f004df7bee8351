"""dlt: the verified Salesforce source as `dlt init` lays it down, its users, into Parquet files."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Run."""
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    out = Path(order["out"])
    # Without it the source asks for a hundred records.
    os.environ["IS_PRODUCTION"] = "True"
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = (out / "bucket").as_uri()
    sys.path.insert(0, order["source"])

    import dlt
    from salesforce import salesforce_source
    from salesforce.helpers.client import InstanceAuth

    login = InstanceAuth()
    login.session_id, login.instance_url = order["token"], order["url"]
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=str(out / "pipelines"), destination="filesystem", dataset_name="salesforce"
    )
    source = salesforce_source(credentials=login).with_resources("sf_user")
    pipeline.run(source, loader_file_format="parquet")


if __name__ == "__main__":
    main()
