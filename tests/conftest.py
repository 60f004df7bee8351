"""What all tests share."""

pytest_plugins = ["tests.demo_org_fixtures"]
