"""``python -m stackcompat``."""

from __future__ import annotations

from stackcompat.cli.main import run_main

run_main()
