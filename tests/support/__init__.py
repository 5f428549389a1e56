"""Helpers of tests: made-up worlds, fakes, loopback servers."""
