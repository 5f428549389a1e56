"""The file of components that consist of one distribution with one module."""

from __future__ import annotations

__all__ = ["bare_components"]


def bare_components(*names: str) -> str:
    """The content of ``components.toml`` for components of these names."""
    return "".join(
        f"""
[[components]]
name = "{name}"
title = "{name.title()}"
summary = "One of {len(names)}."
group = "core"
distributions = ["{name}"]
modules = [{{ name = "{name}" }}]
documentation = "https://{name}.example"
"""
        for name in names
    )
