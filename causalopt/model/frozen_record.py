"""Records of a declaration: frozen, checked by pydantic when they are made of what somebody wrote.

pydantic, and the checkers it builds, take longer to load than most questions take to answer, and
are loaded when there is something to check: not for a record made of values that were checked
before (`of_checked`). A record's class says its fields as a pydantic model does, with
`field` for pydantic's `Field`, and `Before`, `After` and `Schema` for its validators.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, Self, TypeVar, dataclass_transform

from causalopt.errors import ArgumentError

NEVER_CHANGES = (
    "a model never changes: write model.replace(parameters={...}) or initial={...} for another one"
)
_REQUIRED: Any = ...
Kind = TypeVar("Kind", bound="Record")


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a record.

    Attributes:
        default: What it is when it is not given; an ellipsis where it must be.
        options: What else pydantic's `Field` is told.
        annotation: Its type, as written.
        module: Where that is to be read.
    """

    default: Any = _REQUIRED
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    annotation: str = ""
    module: str = ""


def field(default: Any = _REQUIRED, **options: Any) -> Any:
    """Return a field with its default and what pydantic's `Field` takes."""
    return Field(default, options)


@dataclasses.dataclass(frozen=True)
class _Marked:
    function: Any

    def _of_pydantic(self) -> Any:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return self._of_pydantic().__get_pydantic_core_schema__(source, handler)


class Before(_Marked):
    """pydantic's `BeforeValidator`."""

    def _of_pydantic(self) -> Any:
        from pydantic import BeforeValidator

        return BeforeValidator(self.function)


class After(_Marked):
    """pydantic's `AfterValidator`."""

    def _of_pydantic(self) -> Any:
        from pydantic import AfterValidator

        return AfterValidator(self.function)


@dataclasses.dataclass(frozen=True)
class Schema:
    """pydantic's `WithJsonSchema`; None for `SkipJsonSchema`."""

    told: dict[str, Any] | None

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> Any:
        """Return what pydantic's own would."""
        from pydantic import WithJsonSchema
        from pydantic.json_schema import SkipJsonSchema

        skip: Any = SkipJsonSchema
        own: Any = skip() if self.told is None else WithJsonSchema(self.told)
        return own.__get_pydantic_json_schema__(core_schema, handler)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Record:
    """A frozen record that knows no keys but its own."""

    model_fields: ClassVar[dict[str, Field]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        found = dict(cls.model_fields)
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            if name.startswith("_") or str(annotation).startswith("ClassVar"):
                continue
            told = vars(cls).get(name, _REQUIRED)
            if not isinstance(told, Field):
                told = Field(told)
            found[name] = dataclasses.replace(told, annotation=annotation, module=cls.__module__)
            if name in vars(cls):
                delattr(cls, name)
        cls.model_fields = found

    def __init__(self, **data: Any) -> None:
        self.__dict__.update(checked(type(self), data))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.model_fields or not name.startswith("_"):
            raise ArgumentError(NEVER_CHANGES)
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> NoReturn:
        raise ArgumentError(NEVER_CHANGES)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.model_fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self.model_fields)))

    def __repr__(self) -> str:
        said = (f"{name}={getattr(self, name)!r}" for name in self.model_fields)
        return f"{type(self).__name__}({', '.join(said)})"

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: set[str] | None = None,
        exclude: Any = None,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the fields as Python's own types, as pydantic's method of this name does.

        Args:
            mode: "json" for what JSON has: lists for tuples, and texts for keys.
            include: The fields that are kept; all when not given.
            exclude: Fields that are left out: a set, or name -> what is left out below it, where
                `__all__` stands for each key.
            exclude_defaults: Whether fields that have their default are left out.
            exclude_none: Whether fields and entries that are None are left out.
        """
        settings = {"exclude_defaults": exclude_defaults, "exclude_none": exclude_none}
        found = {}
        for name, told in self.model_fields.items():
            value = getattr(self, name)
            if (include is not None and name not in include) or _is_out(exclude, name):
                continue
            if (exclude_defaults and value == told.default) or (exclude_none and value is None):
                continue
            found[name] = _dumped(value, mode, _below(exclude, name), settings)
        return found

    def model_copy(self) -> Self:
        """Return a copy."""
        found = type(self).__new__(type(self))
        found.__dict__.update(self.__dict__)
        return found

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of what the record is made of."""
        found: dict[str, Any] = checker(cls).model_json_schema()  # type: ignore[arg-type]
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def read(value: Any, check: Callable[[Any], Any]) -> Any:
            return value if isinstance(value, cls) else of_checked(cls, vars(check(value)))

        return core_schema.no_info_wrap_validator_function(read, handler(checker(cls)))  # type: ignore[arg-type]


def of_checked(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """Return the record of values that were checked before: those of another one's fields."""
    found = kind.__new__(kind)
    found.__dict__.update(values)
    return found


def checked(kind: type[Record], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a record, checked.

    Raises:
        pydantic.ValidationError: They are none of such a record.
    """
    if not data and all(told.default is not _REQUIRED for told in kind.model_fields.values()):
        return {name: told.default for name, told in kind.model_fields.items()}
    return dict(vars(checker(kind)(**data)))  # type: ignore[arg-type]  # classes are hashable


@functools.cache
def checker(kind: type[Record]) -> Any:
    """Return the pydantic model that checks what a record is made of."""
    from pydantic import ConfigDict, create_model
    from pydantic import Field as PydanticField

    fields: dict[str, Any] = {}
    for name, told in kind.model_fields.items():
        annotation = eval(told.annotation, vars(sys.modules[told.module]))  # a text of our own
        fields[name] = (annotation, PydanticField(told.default, **told.options))
    config = ConfigDict(frozen=True, extra="forbid")
    return create_model(
        kind.__name__, __config__=config, __doc__=kind.__doc__, __module__=kind.__module__, **fields
    )


def _is_out(exclude: Any, name: Any) -> bool:
    if isinstance(exclude, Mapping):
        return exclude.get(name) is True
    return exclude is not None and name in exclude


def _below(exclude: Any, name: Any) -> Any:
    """Return what is left out below a key."""
    if not isinstance(exclude, Mapping):
        return None
    return exclude.get(name, exclude.get("__all__"))


def _dumped(value: Any, mode: str, exclude: Any, settings: Mapping[str, bool]) -> Any:
    if isinstance(value, Record):
        return value.model_dump(
            mode=mode,
            exclude=exclude,
            exclude_defaults=settings["exclude_defaults"],
            exclude_none=settings["exclude_none"],
        )
    if isinstance(value, Mapping):
        return {
            str(key) if mode == "json" else key: _dumped(v, mode, _below(exclude, key), settings)
            for key, v in value.items()
            if not (settings["exclude_none"] and v is None)
        }
    if isinstance(value, list | tuple):
        items = [_dumped(item, mode, None, settings) for item in value]
        return items if mode == "json" or isinstance(value, list) else tuple(items)
    return value
