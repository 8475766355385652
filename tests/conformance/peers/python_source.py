"""Reading a Python package without importing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

_BUILTINS = frozenset({"bool", "int", "float", "str", "list", "tuple", "set", "dict"})


@dataclass
class Package:
    """The modules below *folder*, parsed as they are asked for."""

    folder: Path
    _modules: dict[str, "Module"] = field(default_factory=dict)

    def module(self, name: str) -> "Module":
        """Module *name*, such as `vllm.envs`."""
        if name not in self._modules:
            path = self.folder.joinpath(*name.split("."))
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            tree = ast.parse(file.read_text())
            self._modules[name] = Module(self, name, tree, is_package=path.is_dir())
        return self._modules[name]

    def containing(self, text: str) -> Iterator["Module"]:
        """The modules whose source has *text* in it."""
        for file in sorted(self.folder.glob("**/*.py")):
            if text in file.read_text():
                parts = file.relative_to(self.folder).with_suffix("").parts
                yield self.module(".".join(parts).removesuffix(".__init__"))


@dataclass
class Module:
    """One module."""

    package: Package
    name: str
    tree: ast.Module
    is_package: bool

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Classes at the top."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Functions at the top."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @cached_property
    def assigned(self) -> dict[str, ast.expr]:
        """Values of the names assigned at the top, also below `if TYPE_CHECKING`."""
        found: dict[str, ast.expr] = {}
        for node in _flat(self.tree.body):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, node.value)
            elif isinstance(node, ast.AnnAssign) and node.value:
                found.setdefault(ast.unparse(node.target), node.value)
        return found

    @cached_property
    def imported(self) -> dict[str, tuple[str, str]]:
        """Module and name there of what is imported from this package."""
        top = self.name.split(".")[0]
        return {
            alias.asname or alias.name: (module, alias.name)
            for node in _flat(self.tree.body)
            if isinstance(node, ast.ImportFrom)
            and (module := self._absolute(node)).split(".")[0] == top
            for alias in node.names
        }

    def _absolute(self, node: ast.ImportFrom) -> str:
        """The module that *node* imports from, with leading dots resolved."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        if not self.is_package:
            parts = parts[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def method(self, owner: str, name: str) -> ast.FunctionDef:
        """Method *name* of class *owner*."""
        for node in self.classes[owner].body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return node
        message = f"{self.name}.{owner} has no {name}"
        raise LookupError(message)

    def fields(self, owner: str) -> dict[str, ast.expr]:
        """Annotations of the fields that class *owner* itself declares."""
        return {
            node.target.id: node.annotation
            for node in self.classes[owner].body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }

    def field(self, owner: str, name: str) -> tuple["Module", ast.expr]:
        """Where field *name* of class *owner* or of its bases is declared, and its annotation."""
        module, found = self.find(owner)
        own = module.fields(found)
        if name in own:
            return module, own[name]
        for base in module.classes[found].bases:
            if isinstance(base, ast.Name):
                return module.field(base.id, name)
        message = f"{self.name}: {owner} has no field {name}"
        raise LookupError(message)

    def find(self, name: str) -> tuple["Module", str]:
        """The module that truly defines *name*, and its name there, through imports."""
        if name in self.imported:
            module, there = self.imported[name]
            return self.package.module(module).find(there)
        return self, name

    def with_conditions(self) -> Iterator[tuple[ast.AST, str | None]]:
        """Every node, with the tests of the `if` statements around it, joined with `and`."""
        return _walk(self.tree, ())


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _flat(node.body)
            yield from _flat(node.orelse)


def _walk(node: ast.AST, tests: tuple[str, ...]) -> Iterator[tuple[ast.AST, str | None]]:
    yield node, " and ".join(tests) or None
    if isinstance(node, ast.If):
        test = ast.unparse(node.test)
        yield from _walk(node.test, tests)
        for then in node.body:
            yield from _walk(then, (*tests, test))
        for otherwise in node.orelse:
            yield from _walk(otherwise, (*tests, f"not ({test})"))
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, tests)


def atoms(annotation: ast.expr, module: Module) -> set[str]:
    """What a type annotation is made of, aliases followed.

    Builtin names, `None`, `literal`, `dataclass`, `int-elements` (beside `list`, `set` or `tuple`)
    and `other`.
    """
    return {kind for kind, _ in _parts(annotation, module)}


def literals(annotation: ast.expr, module: Module) -> set[str]:
    """The values of the `Literal`s in it."""
    return {str(value) for kind, value in _parts(annotation, module) if kind == "literal"}


def _parts(node: ast.expr, module: Module) -> Iterator[tuple[str, object]]:
    match node:
        case ast.Constant(value=None):
            yield "None", None
        case ast.Constant(value=str() as quoted):
            yield from _parts(ast.parse(quoted, mode="eval").body, module)
        case ast.BinOp(op=ast.BitOr()):
            yield from _parts(node.left, module)
            yield from _parts(node.right, module)
        case ast.Subscript(value=ast.Name(id=name)):
            inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            yield from _generic(name, inner, module)
        case ast.Name(id=name) if name in _BUILTINS:
            yield name, None
        case ast.Name(id=name):
            yield from _named(name, module)
        case _:
            yield "other", None


def _generic(name: str, inner: list[ast.expr], module: Module) -> Iterator[tuple[str, object]]:
    if name == "Literal":
        for item in inner:
            if isinstance(item, ast.Constant):
                yield "literal", item.value
            else:
                yield from _parts(item, module)
    elif name == "Annotated":
        yield from _parts(inner[0], module)
    elif name in {"Optional", "Union"}:
        for item in inner:
            yield from _parts(item, module)
        if name == "Optional":
            yield "None", None
    elif name in _BUILTINS:
        yield name, None
        if name != "dict" and atoms(inner[0], module) == {"int"}:
            yield "int-elements", None
    else:
        yield "other", None


def _named(name: str, module: Module) -> Iterator[tuple[str, object]]:
    try:
        found, there = module.find(name)
    except FileNotFoundError:  # generated at build time
        yield "other", None
        return
    if there in found.assigned:
        yield from _parts(found.assigned[there], found)
    elif there in found.classes and any(
        "config" in ast.unparse(mark) or "dataclass" in ast.unparse(mark)
        for mark in found.classes[there].decorator_list
    ):
        yield "dataclass", there
    else:
        yield "other", None
