"""The only place that speaks to Salesforce: tokens, REST, Bulk API 2.0, what is extracted. Opens no file."""
