"""The names of a release as its source has them: what each module takes from others, and what it offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stackcompat.core.record import Record

__all__ = ["ModuleNames", "NameTable", "Take"]


class Take(Record):
    """Something that a module takes from elsewhere.

    Attributes:
        name: The dotted name; empty if the source has several `ways`.
        line: The line that takes it.
        late: Whether it is taken only once a function is called.
        keyword: The argument with which the module calls the name; empty if it is no such call.
        text: The identifier that the module passes as text to a method of the name, as one asks for an option; empty if
            it is no such call.
        ways: What each way takes, if the source has several ways to go on.
    """

    name: str
    line: int
    late: bool = False
    keyword: str = ""
    text: str = ""
    ways: tuple[tuple[Take, ...], ...] = ()


class ModuleNames(Record):
    """What one module takes and offers.

    Attributes:
        takes: What it takes.
        offers: Where each name that it offers comes from: empty for what is defined here, else the dotted name of a
            module or of something in one.
        keywords: The arguments that each function takes by name. Functions that take any argument are left out.
        objects: The attributes of each object that the module makes of a class of its own.
        stars: The modules from which it offers everything.
        open: Whether a ``__getattr__`` of the module can serve names that cannot be read.
    """

    takes: tuple[Take, ...] = ()
    offers: dict[str, str] = {}
    keywords: dict[str, tuple[str, ...]] = {}
    objects: dict[str, tuple[str, ...]] = {}
    stars: tuple[str, ...] = ()
    open: bool = False


class NameTable:
    """The modules of a release by dotted name.

    Attributes:
        modules: The names of each module; None until the module is first needed.
        missing: A cache of the answers of :func:`stackcompat.frontier.static.offers.first_missing`.
    """

    def __init__(
        self, modules: Mapping[str, ModuleNames | None], read: Callable[[str], ModuleNames] | None = None
    ) -> None:
        """Make a table.

        Args:
            modules: The names of each module; None for a module that is to be read when it is first needed.
            read: Reads such a module. It is not needed if there is no such module.
        """
        self.modules = dict(modules)
        self.missing: dict[tuple[str, str, str], str] = {}
        self._read = read
        self._packages_and_modules = {prefix for name in modules for prefix in _prefixes(name)}

    def module(self, name: str) -> ModuleNames:
        """The module called `name`; an empty one for a package without a file of its own."""
        names = self.modules.get(name, ModuleNames())
        if names is None:
            assert self._read is not None  # a table with unread modules has a reader
            names = self.modules[name] = self._read(name)
        return names

    def has(self, module: str) -> bool:
        """Whether there is such a module, or such a package without a file of its own."""
        return module in self._packages_and_modules

    def packages(self) -> set[str]:
        """The top-level packages and modules."""
        return {name.split(".")[0] for name in self.modules}


def _prefixes(name: str) -> list[str]:
    """The packages that a module lies in, and the module itself."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
