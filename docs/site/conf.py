"""What Sphinx is told: see scripts/site.py."""

from license_ledger import __version__

project = "License Ledger for Salesforce"
version = release = __version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_copyright = False
