"""
The console: pages over what was published, for the people who pay for Salesforce. Knows nothing of Airflow.

It may import the questions, the schemas and the errors of the package, and nothing else of it.
"""
