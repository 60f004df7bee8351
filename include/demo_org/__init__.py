"""
A Salesforce org over HTTP, for demonstrations and tests.

``python -m demo_org serve`` starts one, ``demo_org.server.DemoOrg`` does the same inside a test. It shares
no code with the ledger: the two meet on the wire only.
"""
