"""The parts of a model's declaration: what a model file may say, and nothing else.

Frozen records, whose shapes and types pydantic checks, and functions on which keys go together.
What the texts in them mean is decided in `template`, once, when a `Model` is made of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from causalopt.errors import ArgumentError, ModelError, suggestion
from causalopt.model.frozen_record import NEVER_CHANGES, Before, Record, field

Value = TypeVar("Value")
Method = Literal["euler", "rk4", "exact"]
_PARENT = re.compile(r"\s*(\w+)\s*(\[\s*t\s*(?:-\s*(\d+)\s*)?\])?\s*")


def python_number(value: Any) -> Any:
    """Return one of another package's numbers as Python's, an array as a list, else the value.

    A fraction is the text of its division, and stays exact.

    Example:
        >>> python_number(Fraction(1, 3)), python_number(Decimal("0.1"))
        ('1/3', 0.1)
    """
    if type(value).__module__ == "numpy":
        return value.tolist()
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    return float(value) if isinstance(value, Decimal) else value


def _scalar(value: Any) -> Any:
    value = python_number(value)
    if callable(value):
        raise ValueError(A_RULE_IS_A_TEXT.replace("rule", "value", 1))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number or an expression, found {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {value}")
    return value


A_RULE_IS_A_TEXT = (
    'a rule is a text and no function of Python: write its expression, such as rule="x[t-1]/2"'
)


def shown(value: Any) -> str:
    """Return what a message calls a value that was found."""
    kinds = {dict: "a mapping", list: "a list", tuple: "a list", type(None): "nothing"}
    if isinstance(value, bool):
        return "a truth value"
    text = kinds.get(type(value)) or ("a function" if callable(value) else repr(value))
    if "\n" in text:  # such as a table's
        text = f"{type(value).__name__} {' '.join(text.split())}"
    return text if len(text) <= 60 else text[:57] + "..."


def _text(value: Any) -> Any:
    value = python_number(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if callable(value):
        raise ValueError(A_RULE_IS_A_TEXT)
    if not isinstance(value, str):
        quote = ": put the expression in quotes" if isinstance(value, dict | list | tuple) else ""
        raise ValueError(f"expected a text, found {shown(value)}{quote}")
    return value


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _label(value: Any) -> Any:
    value = python_number(value)
    if isinstance(value, bool):
        word = str(value).lower()
        raise ValueError(f"a label is a word or a number, found {word}: write '{word}' in quotes")
    return _scalar(value)


def _dim(value: Any) -> Any:
    value = python_number(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"expected the name of a size or a whole number, found {shown(value)}")
    if isinstance(value, int) and value < 1:
        raise ValueError(f"expected a whole number from 1 up, found {value}")
    return value


def _size(value: Any) -> Any:
    value = python_number(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"a size is a whole number or an expression, found {shown(value)}")
    return value


def _domain(value: Any) -> Any:
    if isinstance(value, str):
        bounds = re.fullmatch(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*", value)
        if bounds is None or int(bounds[1]) > int(bounds[2]):
            raise ValueError(f"expected labels [a, b, ...] or a range 0..7, found {value!r}")
        return tuple(range(int(bounds[1]), int(bounds[2]) + 1))
    if isinstance(value, list | tuple):
        texts = [str(label) for label in value]
        twice = [text for text in texts if texts.count(text) > 1]
        if not value or twice:
            raise ValueError(f"a domain needs distinct labels, found {twice[0] if twice else '[]'}")
    return value


Scalar = Annotated[int | float | str, Before(_scalar)]
Text = Annotated[str, Before(_text)]
Label = Annotated[int | float | str, Before(_label)]
Domain = Annotated[tuple[Label, ...], Before(_domain)]
LabelLaw = Mapping[int | str, Scalar]
Row = tuple[LabelLaw | tuple[Label, ...] | Label, ...]
NestedRows = Mapping[int | str, Any]
Rows = tuple[Row, ...] | NestedRows
Names = Annotated[tuple[str, ...], Before(_names)]
Size = Annotated[int | str, Before(_size)]
Dim = Annotated[int | str, Before(_dim)]


class FixedMapping(dict[str, Value]):
    """A mapping of a declaration, which is not written to: what was made of it would stay.

    Example:
        >>> FixedMapping(k=2)["k"]
        2
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise ArgumentError(NEVER_CHANGES)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __copy__(self) -> FixedMapping[Value]:
        return self


class Variable(Record):
    """One variable: its rule (or flow) and how it starts."""

    rule: Text | None = field(
        default=None, description="the value at t from v[t], v[t-1], ..., parameters, t and time"
    )
    flow: Text | None = field(
        default=None, description="dv/dtime, with bare names; in place of a rule"
    )
    algebraic: Text | None = field(
        default=None, description="the value at every instant, with bare names; for what flows read"
    )
    sampled: bool = field(
        default=False,
        description="whether the rule is sampled once a step in truth, though a flow reads it",
    )
    initial: Scalar | tuple[Scalar, ...] | LabelLaw | tuple[tuple[Any, ...], ...] | None = field(
        default=None,
        description="the value at t = 0, the list of values at t = 0, 1, ..., a law {hot: 1/3}, or "
        "the elements of an array",
    )
    shape: tuple[Dim, ...] | None = field(
        default=None, description="its dims: names of sizes, or whole numbers; a number has none"
    )
    values: str | None = field(
        default=None, description="the file its array at t = 0 is read from, such as net.npz#W1"
    )
    data: str | None = field(
        default=None, description="the file its values at every step are read from, step first"
    )
    domain: Domain | None = field(
        default=None, description="its labels [hot, warm, cold], or whole numbers 0..7"
    )
    parents: Names | None = field(
        default=None, description="what the table reads, such as room[t-1]"
    )
    table: Rows | None = field(
        default=None,
        description="rows of the parents' labels and the label, or law {off: 1/2}, they give",
    )
    noise: str | LabelLaw | None = field(
        default=None,
        description="drawn afresh each step: uniform, normal(0,1), bernoulli(p) or {heads: 1/2}",
    )
    disturbs: Text | None = field(
        default=None,
        description="nodes and parameters that a nudge of it shifts: d[t>=5], 2*R[0] - Kp",
    )
    measures: Text | None = field(
        default=None,
        description="an expression of a run's nodes up to t: integral(e**2), mean(e[t>=50])",
    )
    spread: str | None = field(
        default=None,
        description="how a law starts round the initial value: uniform(width) or normal(sd)",
    )
    kind: Literal["real", "integer"] = field(default="real", description="which values it takes")
    label: str | None = field(default=None, description="how pictures name it")
    unit: str | None = field(default=None, description="the unit of its values")


class Partition(Record):
    """Which variables are A, the suspected optimizer, and which B; B is the rest by default."""

    A: Names = ()
    B: Names | None = None


class Question(Record):
    """What is asked of the model when the command line or the caller does not say."""

    nudge: str | None = field(
        default=None,
        description=(
            "the node n that is nudged, such as R[0]; or several nodes, spans and parameters, "
            "such as d[t>=5], 2*R[0] - Kp"
        ),
    )
    hold: str | None = field(default=None, description="the set A, such as a or a[t<=10]")
    target: str | None = field(
        default=None,
        description=(
            "the variable m that is measured, or an expression of a run's nodes, such as "
            "integral(e**2)"
        ),
    )
    steps: int | None = field(default=None, ge=0, description="how many steps to run")


class TrainingSettings(Record):
    """What a model is trained for when the caller does not say, and how: by Adam over its weights.

    Attributes:
        loss: The number that is brought down: its value at the last step, its mean over the batch.
        by: The variables whose values at t = 0 are what is trained.
        steps: The last step of a run in training; the question's when not given.
        updates: How many updates are made.
        batch: How many runs an update is made of, each with draws of its own.
        rate: The learning rate.
        clip: The largest norm of a gradient; a longer one is shortened to it.
        performance: A variable that tells, at the last step, how well it does.
    """

    loss: str
    by: Names
    steps: int | None = field(default=None, ge=0)
    updates: int = field(default=100, ge=1)
    batch: int = field(default=32, ge=1)
    rate: float = field(default=0.01, gt=0, allow_inf_nan=False)
    clip: float = field(default=1.0, gt=0, allow_inf_nan=False)
    performance: str | None = None


Quantity = Literal["op", "comp", "total", "direct", "value"]
Chance = Literal["escape", "mean", "variance"]
Entropy = Literal[
    "S",
    "S_decoupled",
    "S_next",
    "S_next_decoupled",
    "mutual_information",
    "optimizing_strength",
    "adjusted",
]


class Fact(Record):
    """A number the model is known to give, with its source: shipped models carry their own tests.

    Attributes:
        claim: The fact in words.
        measure: Which result is compared: `op`, `comp`, `total`, `direct`, `value` (of target in
            the baseline W), an entropy of the law, in bits (`optimizing_strength`, ...), the mean
            or variance of target's law at a step, or `escape`, the chance of standing beyond a
            level there.
        at: The step it is compared at, or the step of the surgery.
        beyond: The level of an escape.
        delta: The size of the nudge; the limit delta -> 0 when not given.
        start: The law at t = 0 for an entropy: the model's or the uniform one.
        value: The expected value.
        tolerance: The largest difference allowed.
        source: Where the value comes from, and how it can be derived.
    """

    claim: str
    measure: Quantity | Chance | Entropy
    at: int = field(0, ge=0)
    value: float
    tolerance: float = field(gt=0)
    source: str
    beyond: float | None = None
    start: Literal["model", "uniform"] = "model"
    nudge: str | None = None
    hold: str | None = None
    target: str | None = None
    delta: float | None = None
    parameters: Mapping[str, Scalar] = {}
    initial: Mapping[str, Scalar | tuple[Scalar, ...]] = {}
    dt: float | None = None
    method: Method | None = None


def motion(variable: Variable) -> Literal["rule", "flow", "algebraic"]:
    """Return the key that says how a variable that is no label follows from others."""
    if variable.flow is not None:
        return "flow"
    return "rule" if variable.algebraic is None else "algebraic"


def is_label_variable(variable: Variable) -> bool:
    """Whether a variable is declared in labels alone: by a table, or a domain without a rule."""
    return variable.table is not None or (
        variable.domain is not None and variable.rule is None and variable.noise is None
    )


def is_truth_value(variable: Variable) -> bool:
    """Whether a variable's labels are 0 and 1."""
    noise = variable.noise
    if isinstance(noise, str):
        return noise.lstrip().startswith("bernoulli")
    return {str(label) for label in noise or variable.domain or ()} == {"0", "1"}


def chance_key(variables: Iterable[str]) -> str:
    """Return the key of a joint law's probabilities: `p`, or `probability` beside a variable p."""
    return "probability" if "p" in variables else "p"


def starts_from_law(variable: Variable) -> bool:
    """Whether a variable's own initial value is a law rather than a number."""
    return isinstance(variable.initial, Mapping) or (
        is_label_variable(variable) and variable.initial is not None
    )


def table_parents(
    name: str, variable: Variable, known: Iterable[str]
) -> tuple[tuple[str, int], ...]:
    """Return the `(variable, lag)` pairs a label variable reads.

    Raises:
        ModelError: A parent is no variable, or is not written as one.
    """
    found: list[tuple[str, int]] = []
    for i, text in enumerate(variable.parents or ()):
        path = ("variables", name, "parents", i)
        match = _PARENT.fullmatch(text)
        if match is None:
            raise ModelError(f"expected a parent such as room[t-1], found '{text}'", path)
        if match[1] not in known:
            raise ModelError(f"unknown variable '{match[1]}'{suggestion(match[1], known)}", path)
        parent = (match[1], int(match[3] or 0))
        if parent in found:
            raise ModelError(f"the parent '{text}' stands here a second time", path)
        found.append(parent)
    return tuple(found)


def check_kind(name: str, variable: Variable) -> None:
    """Refuse combinations of keys that say two things about one variable.

    Raises:
        ModelError: Keys contradict each other, or one misses its companion.
    """
    path = ("variables", name)
    keys = ("rule", "flow", "algebraic", "table", "noise", "disturbs", "measures")
    given = [key for key in keys if getattr(variable, key) is not None]
    if len(given) > 1:
        raise ModelError(
            f"a variable has one of {', '.join(keys)}; this has " + " and ".join(given),
            (*path, given[1]),
        )
    if variable.sampled and variable.rule is None:
        raise ModelError(
            "'sampled' says that a rule is sampled once a step: drop it, or give a rule",
            (*path, "sampled"),
        )
    for key in ("disturbs", "measures"):
        if getattr(variable, key) is not None and variable.initial is not None:
            raise ModelError(
                f"a variable with '{key}' has no initial value: drop it", (*path, "initial")
            )
    if variable.noise is not None and variable.initial is not None:
        raise ModelError(
            "noise is drawn afresh each step and has no initial value: drop it", (*path, "initial")
        )
    if variable.parents is not None and variable.table is None:
        raise ModelError(
            "'parents' belong to a table: add 'table', or name them in the rule", (*path, "parents")
        )
    if variable.table is not None and variable.domain is None:
        raise ModelError(
            "a table needs the variable's labels: add domain: [a, b, ...]", (*path, "table")
        )
    if variable.domain is not None and {"flow", "algebraic"} & set(given):
        raise ModelError(
            f"'{given[0]}' moves real numbers: drop 'domain', or give a rule", (*path, "domain")
        )


def uses_labels(variables: Mapping[str, Variable], initial: object) -> bool:
    """Whether a declaration has anything for this module to read."""
    keys = ("domain", "table", "noise")
    return bool(initial) or any(
        starts_from_law(v) or any(getattr(v, key) is not None for key in keys)
        for v in variables.values()
    )


def check_given(name: str, variable: Variable, *, starts: bool) -> None:
    """Refuse a label variable that has neither a table nor an initial label.

    Raises:
        ModelError: It has neither.
    """
    if variable.table is None and not starts:
        raise ModelError(
            f"'{name}' has neither a table nor an initial label: give one", ("variables", name)
        )


def takes_whole_numbers(variable: Variable) -> bool:
    """Whether a variable is declared an integer, or has a domain of whole numbers."""
    whole = all(isinstance(label, int) for label in variable.domain or ("",))
    return variable.kind == "integer" or whole
