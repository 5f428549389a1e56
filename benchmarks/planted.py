"""A break planted in an installed library, for a smoke test to notice: the code that runs inside the environment.

`mutants.py` puts this file into an environment as a module that every process there imports when it starts; without
``STACKCOMPAT_PLANTED`` it does nothing. That variable is a JSON object: ``suite`` (the folder of the smoke tests),
``out`` (a file to which lines are added), and either nothing more, to write down which functions the suite calls, or
``target`` (``module:qualname``) and ``how``:

``value``  what the function gives is changed a little: numbers by a quarter and an eighth, texts reversed, truths
           negated; an error that it raises is swallowed
``skip``   the function is not called at all, and gives nothing
``raise``  it raises a RuntimeError

Only calls out of the suite are changed (those by jax of a function that the suite gave it, too), so that it is the
test's own claim which is tried, and no import.
Standard library only, Python >= 3.12 (`sys.monitoring`).
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

_ASKED = json.loads(os.environ.get("STACKCOMPAT_PLANTED", "{}"))
_TRANSFORMATIONS = ("jax", "functools")
_NOT_OURS = ("builtins", "functools", "jaxlib", "jax")


def _tell(**line: object) -> None:
    with Path(_ASKED["out"]).open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def _in_suite(code: types.CodeType) -> bool:
    return code.co_filename.startswith(_ASKED["suite"]) or code.co_filename == "<string>"


def _from_suite(frame: types.FrameType | None, module: object) -> bool:
    """Whether the suite called what is in `module` from `frame`: itself, or by a transformation of jax that it made."""
    while (
        frame is not None
        and str(module).partition(".")[0] not in _TRANSFORMATIONS
        and str(frame.f_globals.get("__name__")).partition(".")[0] in _TRANSFORMATIONS
    ):
        frame = frame.f_back
    return frame is not None and _in_suite(frame.f_code)


# ---------------------------------------------------------------------------------------------------------------------
# Which functions does a test call?
# ---------------------------------------------------------------------------------------------------------------------


def _method(frame: types.FrameType) -> tuple[str, str]:
    """Module and qualified name of the method that runs in `frame`, as the class has it; empty if there is none.

    Methods in the same decorator's clothes share their code: they differ by what the decorator holds.
    """
    code, held = frame.f_code, frame.f_locals
    for kind in type(held[code.co_varnames[0]]).__mro__:
        for name, value in vars(kind).items():
            cells = getattr(value, "__closure__", None) or ()
            if getattr(value, "__code__", None) is code and all(
                cell.cell_contents is held.get(free) for free, cell in zip(code.co_freevars, cells, strict=True)
            ):
                return kind.__module__, f"{kind.__qualname__}.{name}"
    return "", "<>"


#: Special methods that give a value to whoever uses an object; the others make, hold and end objects.
_VALUES = ("__call__", "__getitem__", "__next__", "__len__")


def _watch() -> None:
    """Write down each function that code of the suite calls, with the test that is running."""
    watcher: Any = vars(sys)["monitoring"]  # since Python 3.12, and type checkers look at 3.11
    seen: set[tuple[str, str, str]] = set()
    tool, events = watcher.DEBUGGER_ID, watcher.events
    watcher.use_tool_id(tool, "stackcompat")

    def called(module: object, name: object, file: str | None) -> None:
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        if not test or not isinstance(module, str) or not isinstance(name, str) or (test, module, name) in seen:
            return
        last = name.rpartition(".")[2]
        if "<" not in name and (not last.startswith("__") or last in _VALUES):
            seen.add((test, module, name))
            _tell(test=test, target=f"{module}:{name}", file=file)

    def started(code: types.CodeType, _: int) -> object:
        if _in_suite(code):
            watcher.set_local_events(tool, code, events.CALL)
            return watcher.DISABLE
        if "site-packages" not in code.co_filename:
            return watcher.DISABLE
        frame = sys._getframe(1)
        module, name = frame.f_globals.get("__name__"), code.co_qualname
        if _from_suite(frame.f_back, module):
            if "<" in name and code.co_argcount:  # a method in a decorator's clothes
                module, name = _method(frame)
            called(module, name, code.co_filename)
        return None

    def call(_code: types.CodeType, _offset: int, what: Any, _first: object) -> None:
        # Methods and plain functions are seen when they start; those compiled by jax never do, decorated ones under
        # another name.
        if type(what).__name__ == "PjitFunction" or (type(what) is types.FunctionType and hasattr(what, "__wrapped__")):
            module = str(getattr(what, "__module__", None))
            called(module, getattr(what, "__qualname__", None), getattr(sys.modules.get(module), "__file__", None))

    watcher.register_callback(tool, events.PY_START, started)
    watcher.register_callback(tool, events.CALL, call)
    watcher.set_events(tool, events.PY_START)


# ---------------------------------------------------------------------------------------------------------------------
# A function that is a little wrong
# ---------------------------------------------------------------------------------------------------------------------


class _Wrong:
    """Something that can be called and gives wrong results; for the rest it is what it was."""

    def __init__(self, right: Any) -> None:
        self._right = right

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return spoiled(self._right(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)


def spoiled(value: Any) -> Any:
    """`value` a little wrong, in the same shape and types; what cannot be changed is as it was."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.25 + 0.125
    if isinstance(value, (str, bytes)):
        return value[::-1]
    if hasattr(value, "dtype") and hasattr(value, "astype"):
        return _array(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(spoiled, value))
    if type(value) in (tuple, list):
        return type(value)(map(spoiled, value))
    if type(value) is dict:
        return {key: spoiled(entry) for key, entry in value.items()}
    if callable(value) and not isinstance(value, type) and type(value).__module__.partition(".")[0] in _NOT_OURS:
        return _Wrong(value)
    return _tree(value)


def _array(value: Any) -> Any:
    kind = str(value.dtype)
    if kind.startswith(("float", "bfloat", "complex")):
        return (value * 1.25 + 0.125).astype(value.dtype)
    if kind.startswith(("int", "uint")):
        return (value.astype("int32") + 1).astype(value.dtype)
    return ~value if kind == "bool" else value


def _tree(value: Any) -> Any:
    """A container that jax knows, with its leaves changed."""
    tree = getattr(sys.modules.get("jax"), "tree_util", None)
    if tree is None:
        return value
    leaves, shape = tree.tree_flatten(value)
    if len(leaves) == 1 and leaves[0] is value:
        return value
    return tree.tree_unflatten(shape, map(spoiled, leaves))


def _planted(right: Any, how: str) -> Any:
    """`right`, wrong where the suite calls it."""

    @functools.wraps(right)
    def wrong(*args: Any, **kwargs: Any) -> Any:
        if not _from_suite(sys._getframe(1), right.__module__):
            return right(*args, **kwargs)
        if how != "value":
            _tell(spoiled=True)
            if how == "raise":
                raise RuntimeError("planted")
            return None
        try:
            value = right(*args, **kwargs)
        except StopIteration:  # the end of what is iterated over: without it there would be none
            raise
        except Exception:  # noqa: BLE001  (whatever it refuses, the wrong one does not)
            _tell(spoiled=True)
            return None
        other = spoiled(value)
        _tell(spoiled=other is not value)
        return other

    return wrong


def _plant(module: types.ModuleType, path: str, how: str) -> None:
    """Put the wrong function in the place of the right one, in a module or in a class of it."""
    *owners, name = path.split(".")
    owner: Any = module
    for each in owners:
        owner = vars(owner)[each]
    right = vars(owner)[name]
    if isinstance(right, (staticmethod, classmethod)):
        setattr(owner, name, type(right)(_planted(right.__func__, how)))
    elif isinstance(right, property) and right.fget is not None:
        setattr(owner, name, property(_planted(right.fget, how), right.fset))
    elif callable(right):
        setattr(owner, name, _planted(right, how))


class _Planter(importlib.abc.MetaPathFinder):
    """Plants the break as soon as its module has been loaded, before anybody can take the function out of it."""

    def __init__(self, target: str, how: str) -> None:
        self.module, _, self.path = target.partition(":")
        self.how = how

    def find_spec(self, name: str, *_: object) -> Any:
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader = spec.loader if spec else None
        if loader is not None:
            load = loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                load(module)
                _plant(module, self.path, self.how)

            loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if _ASKED.get("target"):
    sys.meta_path.insert(0, _Planter(_ASKED["target"], _ASKED["how"]))
elif _ASKED:
    _watch()
