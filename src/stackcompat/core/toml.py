"""TOML files read into frozen records; the first mistake in one becomes a single sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record, RecordType

__all__ = ["Table", "load_record"]


class Table(Record):
    """A table of a TOML file. An unknown key is a mistake; its message names the known keys."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            allowed = {field.alias or name for name, field in cls.model_fields.items()}
            for key in sorted(data.keys() - allowed - cls.model_fields.keys()):
                raise ValueError(f'"{key}" is not a key that is known here; allowed are {", ".join(sorted(allowed))}')
        return data


def load_record(path: Path, record: type[RecordType], *, tags: Collection[str] = ()) -> RecordType:
    """Read a TOML file.

    Args:
        path: The file.
        record: What it holds.
        tags: The values of a key that decides the kind of a table, such as `policy` in a matrix; for messages.

    Raises:
        UsageError: The first mistake in the file, with the key and what is allowed.
    """
    try:
        return record.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; give a TOML file such as matrices/quick.toml") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error, tags)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not valid TOML: {error}") from None


def _sentence(error: ValidationError, tags: Collection[str]) -> str:
    """The first mistake: the key, what is wrong, and what is allowed."""
    first = error.errors()[0]
    location = list(first["loc"])
    if location[:1] in (["policies"], ["rules"]):
        del location[2:3]  # pydantic puts the name of the policy between its number and its keys
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    context = first.get("ctx", {})
    match first["type"]:
        case "missing":
            mistake = "is missing; it must be given"
        case "union_tag_not_found" | "union_tag_invalid":
            discriminator = context["discriminator"].strip("'")
            allowed = ", ".join(tags) or context.get("expected_tags", "").replace("'", "")
            key = f"{key}.{discriminator}"
            mistake = f"must be one of {allowed}" if allowed else "is missing; it must be given"
        case "extra_forbidden":
            mistake = "is not a key that is known here"
        case "literal_error":
            mistake = f"must be one of {context['expected']}"
        case "too_short":
            mistake = f"is empty or too short; give at least {context['min_length']}"
        case _:
            mistake = first["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
    return f"{key}: {mistake}" if key else mistake
