"""Files that people keep, read beside Salesforce: a price list, a crosswalk to products, a directory."""
