"""What a test was seen to depend on in its environment, and how a distribution can reach code that does not name it.

A result that was seen in one lock holds in another if everything that the test can depend on is the same in both. The
closure of the test and the surfaces of the distributions that differ decide that.
"""

from __future__ import annotations

from stackcompat.core.record import Record

__all__ = ["Closure", "Surface", "joined"]


class Closure(Record):
    """What a test was seen to depend on in its environment.

    Attributes:
        whole: Why the test can depend on the whole lock; empty if it cannot. Then nothing else counts.
        distributions: The distributions that were loaded: a module was imported, a file was opened or mapped, metadata
            was found. Names are normalised and sorted.
        absent: The dotted names of modules that were looked for and not found, sorted.
        unknown: The normalised names of distributions that metadata was asked for and that are not installed, sorted.
            A name with ``*`` is a pattern: all distributions were looked through for names like it.
        entry_points: The groups of entry points that were asked for, sorted; ``*`` stands for all groups.
        listed: The folders of site-packages that were listed other than by the import system, relative to it with
            ``/``, sorted; ``""`` is site-packages itself.
    """

    whole: str = ""
    distributions: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()


def joined(*closures: Closure) -> Closure:
    """The closure of who depends on all that several others depend on."""
    names = [name for name in Closure.model_fields if name != "whole"]
    together = {name: tuple(sorted({one for closure in closures for one in getattr(closure, name)})) for name in names}
    return Closure(whole=next((closure.whole for closure in closures if closure.whole), ""), **together)


class Surface(Record):
    """By what an installed distribution can reach code that does not name it.

    Attributes:
        roots: The dotted names at which its modules begin, sorted. A folder without ``__init__.py`` is a namespace that
            others share, so its modules count instead: a distribution can have the root ``google.protobuf``.
        entry_points: The groups in which it has entry points, sorted.
        folders: The folders of site-packages, relative to it with ``/``, that it shares with others and puts files or
            folders into, sorted; ``""`` is site-packages itself.
        at_start: Whether it runs code whenever an interpreter starts: by a ``.pth`` file, ``sitecustomize`` or
            ``usercustomize``; or in place of the interpreter, or of a program that tells of the machine.
    """

    roots: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    at_start: bool = False
