"""What the tests of this repository share: pytest's own plugin for testing plugins."""

pytest_plugins = ["pytester"]
