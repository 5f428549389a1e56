"""TOML files, read into frozen records. Every mistake in a file becomes one line that says what to write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stackcompat.core.documents import NotReadable, parse_toml
from stackcompat.core.errors import UsageError
from stackcompat.core.files import read_given
from stackcompat.core.near_names import near_name
from stackcompat.core.record import Record, RecordType

__all__ = ["AlsoKey", "Table", "Write", "load_record"]


class Table(Record):
    """A table of a TOML file."""


class Write(NamedTuple):
    """In the annotation of a field: what to write where its key is missing, such as ``pythons = ["3.12"]``."""

    line: str


class AlsoKey(NamedTuple):
    """In the annotation of a field: another key, which a validator of the record puts in the place of the field."""

    key: str


def load_record(path: Path, record: type[RecordType], *, tags: Collection[str] = ()) -> RecordType:
    """Read a TOML file.

    Args:
        path: The file.
        record: The class of the record that the file holds.
        tags: For messages: the allowed values of the key that decides the kind of a table, such as `policy` in a
            matrix.

    Raises:
        UsageError: The mistakes in the file, each on a line of its own, with the key and what is allowed.
    """
    try:
        return record.model_validate(parse_toml(read_given(path).decode()))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; give a TOML file such as matrices/quick.toml") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (NotReadable, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not valid TOML: {error}") from None
    except ValidationError as error:
        lines = dict.fromkeys(f"{path}: {_sentence(mistake, record, tags)}" for mistake in _mistakes(error))
        raise UsageError("\n".join(lines)) from None
    except RecursionError:
        raise UsageError(f"{path}: is not valid TOML: it is nested too deeply") from None


def _mistakes(error: ValidationError) -> list[ErrorDetails]:
    """The mistakes of a file: keys that are not known first, and nothing that only follows from another mistake."""
    errors = error.errors()
    unknown = [mistake["loc"] for mistake in errors if mistake["type"] == "extra_forbidden"]

    def follows(mistake: ErrorDetails) -> bool:
        place = mistake["loc"]
        if mistake["type"] == "too_short":  # some entries of a list are wrong, and so do not count
            return any(other["loc"][: len(place)] == place != other["loc"] for other in errors)
        if mistake["type"] == "missing":  # its key is misspelt
            return any(key[:-1] == place[:-1] and near_name(str(key[-1]), [str(place[-1])]) for key in unknown)
        return False

    def order(mistake: ErrorDetails) -> tuple[int, int]:
        return (0, len(mistake["loc"])) if mistake["type"] == "extra_forbidden" else (1, 0)

    return sorted((mistake for mistake in errors if not follows(mistake)), key=order)


def _sentence(error: ErrorDetails, record: type[Record], tags: Collection[str]) -> str:
    """One mistake in one sentence: the key, what is wrong with it, and what is allowed or to be written."""
    *around, last = location = error["loc"] or ("",)
    context = error.get("ctx", {})
    key = _dotted(location)
    match error["type"]:
        case "missing":
            mistake = f"is missing; it must be given: {_line(_fields(_tables_at(record, around)).get(str(last)), last)}"
        case "union_tag_not_found" | "union_tag_invalid":
            discriminator = context["discriminator"].strip("'")
            allowed = ", ".join(tags) or context.get("expected_tags", "").replace("'", "")
            key = f"{key}.{discriminator}"
            mistake = f"must be one of {allowed}" if allowed else "is missing; it must be given"
        case "extra_forbidden":
            key = _dotted(around)
            mistake = _unknown_key(str(last), error["input"], _fields(_tables_at(record, around)))
        case "literal_error":
            mistake = f"must be one of {context['expected']}"
        case "too_short" | "string_too_short":
            mistake = f"is empty or too short; give at least {context['min_length']}"
        case _:
            mistake = error["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
    return f"{key}: {mistake}" if key else mistake


def _dotted(location: Sequence[int | str]) -> str:
    """The place of a mistake as people write it, such as ``policies[0].dates``."""
    parts = list(location)
    if parts[:1] in (["policies"], ["rules"]):
        del parts[2:3]  # pydantic puts the name of the policy between its number and its keys
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _unknown_key(key: str, value: object, known: dict[str, FieldInfo]) -> str:
    """What is said of a key that no field has. If it is nearly that of one, it was probably meant."""
    meant = near_name(key, known)
    sentence = f'"{key}" is not a key that is known here; allowed are {", ".join(sorted(known))}'
    return f"{sentence}; write {meant} = {_toml(value)}" if meant else sentence


def _toml(value: object) -> str:
    """A value as TOML; dots in place of what takes more than a line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case int() | float():
            return str(value)
        case _:
            return "[...]" if isinstance(value, list) else "{ ... }" if isinstance(value, dict) else str(value)


def _line(field: FieldInfo | None, key: int | str) -> str:
    """What to write for a key that is missing."""
    if field is None:
        return f"{key} = ..."
    said = next((note.line for note in field.metadata if isinstance(note, Write)), "")
    return said or f"{key} = {_placeholder(field.annotation)}"


def _placeholder(annotation: Any) -> str:
    """A value of a type, as TOML; dots stand for what only its author knows."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return _toml(arguments[0])
    if get_origin(annotation) in (tuple, list):
        return f"[{_placeholder(arguments[0])}]"
    if any(_tables_in(annotation)):
        return "{ ... }"
    number = {int: "1", float: "1.0", bool: "true"}
    return number.get(annotation, '"..."')


# ---------------------------------------------------------------------------------------------------------------------
# Which records a place in a file belongs to
# ---------------------------------------------------------------------------------------------------------------------


def _tables_at(record: type[Record], location: Sequence[int | str]) -> list[type[Record]]:
    """The records that can stand at a place of the file, with the tag of a kind as pydantic puts it into places."""
    found = [record]
    for part in location:
        fields = [fields[part] for one in found if part in (fields := _fields([one]))] if isinstance(part, str) else []
        tagged = [one for one in found if any(part in get_args(field.annotation) for field in _fields([one]).values())]
        if fields:
            found = list(dict.fromkeys(table for field in fields for table in _tables_in(field.annotation)))
        else:
            found = tagged or found  # a number, or a name that the file gives
    return found


def _fields(records: Sequence[type[Record]]) -> dict[str, FieldInfo]:
    """The fields of records by their keys in TOML."""
    found: dict[str, FieldInfo] = {}
    for one in records:
        for name, field in one.model_fields.items():
            keys = [field.alias or name, *(note.key for note in field.metadata if isinstance(note, AlsoKey))]
            found |= dict.fromkeys(keys, field)
    return found


def _tables_in(annotation: Any) -> Iterator[type[Record]]:
    """The records that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation
    for argument in get_args(annotation):
        yield from _tables_in(argument)
