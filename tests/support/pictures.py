"""Pictures of pages, as a browser shows them, which are kept for people to look at."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["kept_picture"]


def kept_picture(name: str, otherwise: Path) -> Path:
    """The file for a picture: in the folder that STACKCOMPAT_PICTURES names, which is made where it does not exist.

    Args:
        name: What it shows, such as ``cell-light``.
        otherwise: The folder for it where the variable is not set.
    """
    folder = Path(os.environ.get("STACKCOMPAT_PICTURES") or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve() / f"{name}.png"
