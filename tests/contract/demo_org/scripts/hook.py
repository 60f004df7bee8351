"""Uses the Airflow provider's own hook, as it is. Arguments: instance URL, CA bundle, access token."""

import json
import os
import sys

import requests
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook

instance_url, ca_bundle, access_token = sys.argv[1:4]
os.environ["AIRFLOW_CONN_DEMO"] = json.dumps(
    {"conn_type": "salesforce", "extra": {"instance_url": instance_url}}
)
session = requests.Session()
session.trust_env = False
session.verify = ca_bundle
hook = SalesforceHook("demo", session_id=access_token, session=session)
rows = hook.get_object_from_salesforce("User", ["Id", "Name", "CreatedDate"])
frame = hook.object_to_df(rows["records"])
print(
    json.dumps(
        {
            "fields": hook.get_available_fields("UserLicense"),
            "total": rows["totalSize"],
            "rows": len(frame),
            "columns": sorted(frame.columns),
        }
    )
)
