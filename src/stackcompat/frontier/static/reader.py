"""Reads a Python module's source and lists the names that it offers and takes from others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from stackcompat.frontier.static.source import Parse
from stackcompat.frontier.static.usage import ModuleNames, Take

__all__ = ["module_name", "read_module"]


def module_name(path: str) -> str:
    """The dotted name of the module in a file of a wheel; empty for what is none, or is a test."""
    if not path.endswith(".py") or any(part in ("tests", "testdata") for part in path.split("/")[:-1]):
        return ""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name if all(part.isidentifier() for part in name.split(".")) else ""


def read_module(content: bytes, path: str, parse: Parse = ast.parse) -> ModuleNames:
    """What the module in the file `path` of a wheel takes and offers; an open one if `parse` cannot read it."""
    try:
        tree = parse(content)
    except (SyntaxError, ValueError):
        return ModuleNames(open=True)
    reader = _Reader(path.rpartition("/")[0].replace("/", "."))
    reader.body(tree.body)
    return ModuleNames(
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
