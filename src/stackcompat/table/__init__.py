"""What is published, as records beside the functions that build them."""

from __future__ import annotations
