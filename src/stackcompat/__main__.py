"""``python -m stackcompat``."""

from __future__ import annotations

from stackcompat.cli import run_main

run_main()
