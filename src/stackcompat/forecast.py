"""A forecast, from source alone: the names that one release takes from another, against those that the other offers.

Nothing is run: modules are read with :mod:`ast`. A release of one component is read once and compared with every
release of the other, so n + m readings tell something about n x m pairs. It is a prediction and never a verdict: names
that are made while running are out of its sight, and so is everything but their absence.

What counts as taken are imports and attribute chains in the modules that importing the component reaches: those
outside of functions, annotations of functions included, are needed at once, those inside only by who calls them. Where
the source has two ways (a ``try`` that catches the failure, a condition on a version or on ``hasattr``), it lacks
something only if each of the ways does.
What stands under ``TYPE_CHECKING`` is not executed.

What counts as offered is what a module binds at its top level, by star too, its submodules, the names that a
table of deprecations behind a module's ``__getattr__`` still serves, and the attributes of an object that a module
makes of a class of its own, as far as they are seen there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from stackcompat.intervals import Pair
from stackcompat.record import Record
from stackcompat.syntax import Parse

__all__ = [
    "Accuracy",
    "Missing",
    "Module",
    "Names",
    "Take",
    "Wanted",
    "compare",
    "lost",
    "missing",
    "module_name",
    "read_module",
    "wanted",
]


Key = TypeVar("Key")


class Take(Record):
    """A dotted name that a module needs, and the line where it says so; `late` if only once a function is called.

    With a `keyword`, it calls what is named so with that argument; with a `text`, a method of what is named so, which
    it gives that identifier as a text, as one asks for options. Where the source has several `ways` to go on, the name
    is empty, and each way is what it takes.
    """

    name: str
    line: int
    late: bool = False
    keyword: str = ""
    text: str = ""
    ways: tuple[tuple[Take, ...], ...] = ()


class Module(Record):
    """What one module takes and offers.

    `offers` maps each name to where it comes from: empty for what is defined here, else the dotted name of a module or
    of something in one. `keywords` are the arguments by name that functions take, of those that do not take any.
    `stars` are modules that it offers everything of. `open` says that a ``__getattr__`` of its own may serve names that
    cannot be read.
    """

    takes: tuple[Take, ...] = ()
    offers: dict[str, str] = {}
    keywords: dict[str, tuple[str, ...]] = {}
    objects: dict[str, tuple[str, ...]] = {}
    stars: tuple[str, ...] = ()
    open: bool = False


class Names:
    """The modules of a release by dotted name. Those that are None are read when first needed, and then kept here."""

    def __init__(self, modules: Mapping[str, Module | None], read: Callable[[str], Module] | None = None) -> None:
        self.modules = dict(modules)
        self._read = read
        parts = [name.split(".") for name in modules]
        self._known = {".".join(some[:count]) for some in parts for count in range(1, len(some) + 1)}
        self._lacks: dict[tuple[str, str, str], str] = {}

    def module(self, name: str) -> Module:
        """The module called `name`; an empty one for a package without a file of its own."""
        found = self.modules.get(name, Module())
        if found is None:
            assert self._read is not None  # whoever leaves modules unread says how to read them
            found = self.modules[name] = self._read(name)
        return found

    def has(self, module: str) -> bool:
        """Whether there is such a module, or package without a file of its own."""
        return module in self._known

    def packages(self) -> set[str]:
        """The top-level packages and modules."""
        return {name.split(".")[0] for name in self.modules}

    def lacks(self, chain: str, keyword: str = "", text: str = "") -> str:
        """The first part of the dotted name that the release does not offer (``package.module.name``), or nothing.

        With a `keyword`, also the whole with the keyword, where it is a function that does not take that. With a
        `text`, that attribute, where it is an object which does not have it. An attribute is named with its object.
        """
        asked = chain, keyword, text
        if asked not in self._lacks:
            module, rest, defined = self._enter(chain.split("."), 0)
            lacking = "" if defined or not rest else f"{module}.{rest[0]}"
            if defined and not rest and keyword:
                taken = self.module(module).keywords.get(defined)
                lacking = "" if taken is None or keyword in taken else f"{chain}({keyword})"
            attribute = rest[0] if rest else text
            if defined and attribute:
                attributes = self.module(module).objects.get(defined)
                lacking = "" if attributes is None or attribute in attributes else f"{module}.{defined}.{attribute}"
            self._lacks[asked] = lacking
        return self._lacks[asked]

    def attributes(self) -> dict[str, tuple[str, ...]]:
        """The attributes of each object, by its dotted name, in the modules that were read."""
        read = ((name, module) for name, module in self.modules.items() if module is not None)
        return {f"{name}.{object_}": found for name, module in read for object_, found in module.objects.items()}

    def _enter(self, parts: Sequence[str], depth: int) -> tuple[str, list[str], str]:
        """Follow a dotted name: the last module that it enters, what is left of it, and the name that is defined there.

        Without a name, what is left is not offered, or nothing is left.
        """
        here, rest = parts[0], list(parts[1:])
        while rest:
            deeper = f"{here}.{rest[0]}"
            if self.has(deeper):
                here = deeper
                rest.pop(0)
                continue
            found = self._origin(here, rest[0], set())
            if found is None:
                return here, rest, ""
            module, origin = found
            # Modules that take from each other in a circle define nothing that could be found.
            if not origin or not self.has(origin.split(".")[0]) or depth > 20:
                return module, rest[1:], rest[0]
            # A name that is passed on: what follows is looked for where it comes from.
            entered, left, defined = self._enter([*origin.split("."), *rest[1:]], depth + 1)
            offered = defined or len(rest) > 1 or not left
            return (entered, left, defined) if offered else (module, [], rest[0])
        return here, [], ""

    def _origin(self, module: str, name: str, met: set[str]) -> tuple[str, str] | None:
        """Where a name of `module` is bound, and where it comes from, empty for there; None if it is not offered."""
        source = self.module(module)
        if name in source.offers:
            return module, source.offers[name]
        if source.open:
            return module, ""
        met.add(module)
        for star in source.stars:
            if star not in met:
                if not self.has(star):
                    return module, ""  # of another distribution, which is not read
                found = self._origin(star, name, met)
                if found is not None and not name.startswith("_"):
                    return found
        return None

    def reached(self, roots: Collection[str]) -> list[str]:
        """The modules that importing `roots` brings in, packages on the way included."""
        found: dict[str, None] = {}
        pending = [root for root in roots if self.has(root)]
        while pending:
            name = pending.pop()
            if name in found:
                continue
            found[name] = None
            if "." in name:
                pending.append(name.rpartition(".")[0])
            for take in self.module(name).takes:
                inner = "" if take.late else take.name
                while inner and not self.has(inner):
                    inner = inner.rpartition(".")[0]
                if inner:
                    pending.append(inner)
        return [name for name in found if name in self.modules]


class Missing(NamedTuple):
    """A name that the other release does not offer, and the module and line that take it."""

    name: str
    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} takes {self.name}, which is not there"


class Wanted(NamedTuple):
    """What the module `module` of one release takes from another."""

    module: str
    take: Take


def wanted(taker: Names, roots: Collection[str], packages: Collection[str]) -> tuple[Wanted, ...]:
    """What the modules that `roots` bring in take from the top-level `packages` of another release."""
    found = []
    for module in taker.reached(roots):
        for take in taker.module(module).takes:
            kept = _of_packages(take, taker, packages)
            if kept is not None:
                found.append(Wanted(module, kept))
    return tuple(dict.fromkeys(found))


def _of_packages(take: Take, taker: Names, packages: Collection[str]) -> Take | None:
    """What is left of a taking if only `packages` matter, where the taker has no such module itself."""
    if not take.ways:
        parent = take.name.rpartition(".")[0]
        theirs = take.name.split(".")[0] in packages and not taker.has(take.name) and not (parent and taker.has(parent))
        return take if theirs else None
    ways = [[_of_packages(other, taker, packages) for other in way] for way in take.ways]
    kept = tuple(tuple(other for other in way if other is not None) for way in ways)
    return take.model_copy(update={"ways": kept}) if any(kept) else None


def missing(wants: Iterable[Wanted], giver: Names, *, late: bool = False) -> tuple[Missing, ...]:
    """What is wanted in vain once the modules are imported; if `late`, once their functions are called, too."""
    return tuple(
        dict.fromkeys(
            Missing(lacking, module, line)
            for module, take in wants
            for lacking, line in _lacking([take], giver, late=late)
        )
    )


def lost(found: Mapping[Key, Iterable[Missing]], givers: Iterable[Names]) -> dict[Key, tuple[Missing, ...]]:
    """What is wanted in vain, without the attributes of objects that are seen in none of the `givers`.

    Those come from where the objects are not made: they say nothing of a release.
    """
    attributes = [entry for giver in givers for entry in giver.attributes().items()]
    objects = {name for name, _ in attributes}
    known = {f"{name}.{attribute}" for name, some in attributes for attribute in some}
    return {
        key: tuple(one for one in some if one.name in known or one.name.rpartition(".")[0] not in objects)
        for key, some in found.items()
    }


def _lacking(takes: Sequence[Take], giver: Names, *, late: bool) -> Iterator[tuple[str, int]]:
    """The names among `takes` that the other release does not offer, each with its line."""
    for take in takes:
        if take.late and not late:
            continue
        if take.ways:
            ways = [list(_lacking(way, giver, late=late)) for way in take.ways]
            if all(ways):
                yield ways[-1][0]
        elif lacking := giver.lacks(take.name, take.keyword, take.text):
            yield lacking, take.line


class Accuracy(Record):
    """How a forecast of breaks came out: `hits` were foreseen, `misses` were not, `false` were foreseen and work."""

    hits: int
    misses: int
    false: int

    @property
    def precision(self) -> float | None:
        """The share of the breaks foreseen that came; None when none was foreseen."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of the breaks that came which were foreseen; None when none came."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None


def compare(foreseen: Collection[Pair], observed: Mapping[Pair, bool]) -> Accuracy:
    """Hold the pairs that were foreseen to break against what was observed (whether a pair works)."""
    broken = {pair for pair, works in observed.items() if not works}
    met = observed.keys() & set(foreseen)
    return Accuracy(hits=len(met & broken), misses=len(broken - met), false=len(met - broken))


def module_name(path: str) -> str:
    """The dotted name of the module in a file of a wheel; empty for what is none, or is a test."""
    if not path.endswith(".py") or any(part in ("tests", "testdata") for part in path.split("/")[:-1]):
        return ""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name if all(part.isidentifier() for part in name.split(".")) else ""


def read_module(content: bytes, path: str, parse: Parse = ast.parse) -> Module:
    """What the module in the file `path` of a wheel takes and offers; an open one if `parse` cannot read it."""
    try:
        tree = parse(content)
    except (SyntaxError, ValueError):
        return Module(open=True)
    reader = _Reader(path.rpartition("/")[0].replace("/", "."))
    reader.body(tree.body)
    return Module(
        takes=tuple(dict.fromkeys([*reader.takes, *reader.late()])),
        offers=reader.offers,
        keywords=reader.keywords,
        objects=_objects(tree),
        stars=tuple(dict.fromkeys(reader.stars)),
        open=reader.open,
    )


def _objects(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The objects that a module makes of its own classes, with the attributes that are seen of them."""
    classes = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and not node.bases
        and not any(isinstance(inner, ast.FunctionDef) and inner.name == "__getattr__" for inner in node.body)
    }
    made = {
        target.id: classes[node.value.func.id]
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name) and node.value.func.id in classes
    }
    if not made:
        return {}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    options = {text for text in texts if text.isidentifier()}
    return {name: tuple(sorted(options | set(_members(of)))) for name, of in made.items()}


def _members(of: ast.ClassDef) -> Iterator[str]:
    """The names that a class binds, for itself and in its methods."""
    for node in ast.walk(of):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr


class _Reader:
    """Walks what a module executes when it is imported, in order. `package` is the package that it lies in.

    `annotations` says whether those of functions and classes are evaluated, `called` whether it walks the body of a
    function: what is annotated there never is.
    """

    def __init__(self, package: str, *, annotations: bool = True, called: bool = False) -> None:
        self._package = package
        self._annotations = annotations
        self._called = called
        self.takes: list[Take] = []
        self.offers: dict[str, str] = {}
        self.keywords: dict[str, tuple[str, ...]] = {}
        self.stars: list[str] = []
        self.open = False
        self._tables: dict[str, dict[str, bool]] = {}
        #: How many classes deep: what is bound there is no name of the module.
        self._inner = 0
        self._functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []

    def late(self) -> Iterator[Take]:
        """What the functions take once they are called, from what is bound when all of the module is read."""
        for function in self._functions:
            reader = _Reader(self._package, annotations=self._annotations, called=True)
            reader.offers = dict(self.offers)
            for argument in ast.walk(function.args):
                if isinstance(argument, ast.arg):
                    reader.offers[argument.arg] = ""
            reader.body(function.body)
            found = [*reader.takes, *reader.late()]
            yield from (take.model_copy(update={"late": True}) for take in dict.fromkeys(found))

    def body(self, statements: Sequence[ast.stmt]) -> None:
        """Read statements in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    self._take(alias.name, node.lineno)
                    top = alias.name.split(".")[0]
                    self._bind(alias.asname or top, alias.name if alias.asname else top)
            case ast.ImportFrom():
                self._import_from(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if node.name == "__getattr__" and not self._inner:
                    self._getattr(node)
                self._evaluate(*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults))
                if self._annotations:
                    given = [argument.annotation for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
                    self._evaluate(*filter(None, [*given, node.returns]))
                self._bind(node.name)
                self._functions.append(node)
                if not self._inner and node.args.kwarg is None:
                    taken = (*node.args.args, *node.args.kwonlyargs)
                    self.keywords[node.name] = tuple(argument.arg for argument in taken)
            case ast.ClassDef():
                self._evaluate(*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords))
                self._inner += 1
                self.body(node.body)
                self._inner -= 1
                self._bind(node.name)
            case ast.If():
                self._if(node)
            case ast.Try() | ast.TryStar():
                caught = [handler.body for handler in node.handlers if _goes_on(handler)]
                self._ways(node.lineno, [[*node.body, *node.orelse], *caught])
                self.body(node.finalbody)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                self._assign(node)
            case ast.For() | ast.While() | ast.With():
                self._evaluate(*(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)))
                if isinstance(node, ast.For):
                    self._assigned(node.target, "")
                self.body(node.body)
            case ast.Delete():
                for target in node.targets:
                    if isinstance(target, ast.Name) and not self._inner:
                        self.offers.pop(target.id, None)
            case ast.Expr() | ast.Assert() | ast.Return():
                self._evaluate(*(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)))
            case _:
                pass

    def _bind(self, name: str, origin: str = "") -> None:
        if not self._inner:
            self.offers[name] = origin
            self.keywords.pop(name, None)

    def _take(self, name: str, line: int, **more: str) -> None:
        self.takes.append(Take(name=name, line=line, **more))

    def _import_from(self, node: ast.ImportFrom) -> None:
        source = node.module or ""
        if source == "__future__" and any(alias.name == "annotations" for alias in node.names):
            self._annotations = False
        if node.level:
            parts = self._package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1])
            source = f"{base}.{source}" if source else base
        for alias in node.names:
            if alias.name == "*":
                self._take(source, node.lineno)
                self.stars.append(source)
            else:
                self._take(f"{source}.{alias.name}", node.lineno)
                self._bind(alias.asname or alias.name, f"{source}.{alias.name}")

    def _if(self, node: ast.If) -> None:
        text = ast.unparse(node.test)
        if "TYPE_CHECKING" in text:
            self.body(node.body if "not " in text else node.orelse)
        elif "version" in text.lower() or "hasattr" in text:
            self._ways(node.lineno, [node.body, node.orelse])
        else:
            self._evaluate(node.test)
            self.body(node.body)
            self.body(node.orelse)

    def _ways(self, line: int, ways: Sequence[Sequence[ast.stmt]]) -> None:
        """Read statements of which one sequence is executed, or is once the first has failed."""
        takes, before, found = self.takes, dict(self.offers), []
        bound: dict[str, set[str]] = {}
        for way in ways:
            self.takes = []
            self.body(way)
            found.append(tuple(self.takes))
            for name, origin in self.offers.items():
                if before.get(name) != origin:
                    bound.setdefault(name, set()).add(origin)
            self.offers = self.offers | before
        self.takes = takes
        for name, origins in bound.items():  # a name with two origins comes from neither for sure
            self._bind(name, origins.pop() if len(origins) == 1 else "")
        if len(found) == 1:
            self.takes += found[0]
        else:
            self.takes.append(Take(name="", line=line, ways=tuple(found)))

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        if isinstance(node, ast.AnnAssign) and self._annotations and not self._called:
            self._evaluate(node.annotation)
        if node.value is None:
            return
        self._evaluate(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name):
                if target.id == "__getattr__" and not self._inner:
                    self._getattr(node.value)
                elif isinstance(node.value, ast.Dict):
                    self._tables[target.id] = _table(node.value)
            self._assigned(target, self._dotted(node.value) or "")

    def _assigned(self, target: ast.expr, origin: str) -> None:
        for name in ast.walk(target):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                self._bind(name.id, origin)

    def _getattr(self, node: ast.AST) -> None:
        """A ``__getattr__`` of the module serves what its tables say; without any, whatever it likes."""
        used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} & self._tables.keys()
        self.open = self.open or not used
        for table in used:
            for name, served in self._tables[table].items():
                if served:
                    self.offers.setdefault(name, "")

    def _dotted(self, node: ast.expr) -> str | None:
        """The dotted name of an attribute chain that begins with something imported."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and self.offers.get(node.id):
            return ".".join([self.offers[node.id], *reversed(parts)])
        return None

    def _evaluate(self, *nodes: ast.expr) -> None:
        """Take the attribute chains in what is evaluated at once and in any case: no lambdas, no conditions."""
        pending: list[ast.AST] = list(nodes)
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Call) and (called := self._dotted(node.func)):
                for keyword in node.keywords:
                    if keyword.arg is not None:
                        self._take(called, node.lineno, keyword=keyword.arg)
                owner = called.rpartition(".")[0]
                match node.args:
                    case [ast.Constant(value=str(text)), *_] if owner and text.isidentifier():
                        self._take(owner, node.lineno, text=text)
            chain = self._dotted(node) if isinstance(node, ast.Attribute) else None
            if chain is not None and isinstance(node, ast.Attribute):
                self._take(chain, node.lineno)
            elif not isinstance(node, ast.Lambda | ast.IfExp | ast.BoolOp):
                pending.extend(ast.iter_child_nodes(node))


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches what a missing name or module raises, and does not raise in its turn."""
    text = "" if handler.type is None else ast.unparse(handler.type)
    names = ("ImportError", "ModuleNotFoundError", "AttributeError", "Exception")
    caught = not text or any(name in text for name in names)
    return caught and not isinstance(handler.body[-1], ast.Raise)


def _table(node: ast.Dict) -> dict[str, bool]:
    """The names in a table of deprecations, and whether it still serves them: not where the last of a tuple is None."""
    found = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            last = value.elts[-1] if isinstance(value, ast.Tuple) and value.elts else value
            found[key.value] = not (isinstance(last, ast.Constant) and last.value is None)
    return found
