"""Growth rates: Op per unit time, and the exponents it comes from.

Op(A; n, m) / t tends to lambda_Y - lambda_X over the directions that n excites and m observes:
lambda_X is the largest Lyapunov exponent of the system among them, lambda_Y the largest conditional
one of B driven by A (Pecora & Carroll 1990). A generic n excites all and a generic m observes all;
their rate stands beside the question's own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from causalopt.effects.asked import asked_hold, asked_node, asked_target, one_node_each
from causalopt.effects.exponents.exact_growth import ExactRun
from causalopt.effects.exponents.growth import BATCHES, slope, slope_error
from causalopt.effects.exponents.growth_course import GrowthCourse, growth_course
from causalopt.effects.exponents.world_growth import Course, WorldGrowth, world_growth
from causalopt.effects.limit import refuse_in_dynamics
from causalopt.effects.measures import STATUSES
from causalopt.engine.contract import Floats
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import linearize
from causalopt.engine.source import Slots
from causalopt.errors import QuestionError
from causalopt.language.term import Term
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, selection_text, whole_variables
from causalopt.model.template import refuse_between
from causalopt.results import Plotted, Tabled, plain
from causalopt.work.progress import Progress, long_work, portion, through
from causalopt.worlds.interventions import Set, held_mask, plan_for

if TYPE_CHECKING:
    from causalopt.effects.ensembles.rates_ensemble import RatesEnsemble

DEFAULT_STEPS = 20_000
MOST_NUMBERS = 250_000_000
_SEEN = 1e-6  # an error of a printed exponent
_MOST_SHOWN = 16
_ROUNDED = 1e-12  # a rate that is 0 but for rounding

# The node n and the variable m.
_Question = tuple[Node, str]


@dataclasses.dataclass(frozen=True, repr=False)
class Rates(Plotted, Tabled):
    """Exponents of a run, largest first, and Op per unit time.

    Attributes:
        model: The model's name.
        hold: The held variables, A; empty for the plain exponents.
        nudge: The nudged node n; empty where no question was asked.
        target: The measured variable m; likewise.
        lyapunov: Exponents of the whole system; -inf where a direction dies, NaN where rounding
            leaves open whether it does.
        lyapunov_error: Their standard errors.
        conditional: Exponents of B driven by A.
        conditional_error: Their standard errors.
        op_rate: The limit of Op / t: the slope of log|direct| - log|total| for n and m, and
            `generic_rate` where no question was asked.
        error: Its standard error.
        generic_rate: lambda_Y - lambda_X, what a generic n and m would have.
        generic_error: Its standard error.
        silent: The directions that grow more than m's tangent by n: n does not excite them, or m
            does not observe them.
        unit: What the numbers are in.
        steps: How many steps they are fitted to.
        transient: How many steps were run before.
        status: Of the question's Op in the long run: "ok", "perfect", "only_path",
            "no_influence", "held", "unresolved", "diverged" or "nonfinite".
        realisation: The seed of the noise along which the exponents were taken, None without noise.
        exponents: Which of the whole system's exponents `lyapunov` holds: "all 3", or
            "leading 16 of 2000" where fewer are asked for, or more would not end in bearable time.
        growth: How m's tangent by n grew, step by step, as the plot shows it.
    """

    model: str
    hold: str
    nudge: str
    target: str
    lyapunov: tuple[float, ...]
    lyapunov_error: tuple[float, ...]
    conditional: tuple[float, ...]
    conditional_error: tuple[float, ...]
    op_rate: float
    error: float
    generic_rate: float
    generic_error: float
    silent: tuple[str, ...]
    unit: str
    steps: int
    transient: int
    status: str
    realisation: int | None
    exponents: str = "all"
    growth: GrowthCourse | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def op_name(self) -> str:
        """What `op_rate` is of: Op(A; n, m), or Op where no question was asked."""
        return f"Op({self.hold}; {self.nudge}, {self.target})" if self.nudge else "Op"

    @property
    def differs(self) -> bool:
        """Whether the question's rate is not that of a generic n and m."""
        if math.isnan(self.op_rate) or math.isinf(self.op_rate):
            return str(self.op_rate) != str(self.generic_rate)
        return rounded(self.op_rate - self.generic_rate, self.error + self.generic_error) != 0

    @property
    def heading(self) -> str:
        """What was asked of what."""
        held = f", A = {{{self.hold}}}" if self.hold else ""
        generic = ", generic n and m" if self.hold else ""
        asked = f", n = {self.nudge}, m = {self.target}" if self.nudge else generic
        return f"{self.model}{held}{asked}, {self.steps} steps, {self.unit}"

    @property
    def sentences(self) -> list[str]:
        """What was found beside the exponents, a line each."""
        lines = []
        if not self.exponents.startswith("all"):
            lines.append(f"exponents: {self.exponents}")
        if self.realisation is not None:
            lines.append(
                f"exponents are of one realisation of the noise, --seed {self.realisation}"
            )
        if self.hold:
            lines.append("Op per unit of time     " + with_error(self.op_rate, self.error))
            if self.differs:
                other = with_error(self.generic_rate, self.generic_error)
                lines.append(f"of a generic n and m    {other}")
            lines += [f"  {reason}" for reason in self.silent]
        if self.status != "ok":
            lines.append(f"status {self.status}: {STATUSES[self.status]}")
        return lines

    def __repr__(self) -> str:
        rows = ["Lyapunov exponents      " + _row(self.lyapunov, self.lyapunov_error)]
        if self.hold:
            rows.append("conditional, given A    " + _row(self.conditional, self.conditional_error))
        told = self.sentences
        first = [line for line in told if line.startswith("exponents")]
        lines = [*first, *rows, *told[len(first) :]]
        return "\n".join([self.heading, *(f"  {line}" for line in lines)])

    def __str__(self) -> str:
        return repr(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as JSON's types."""
        data = dataclasses.asdict(dataclasses.replace(self, growth=None))
        del data["growth"]  # a course, of which these are the slopes
        for name, value in data.items():
            if name in _LISTS:
                data[name] = plain(np.array(value))
            elif isinstance(value, float):
                (data[name],) = plain(np.array([value]))
        data["silent"] = list(self.silent)
        return data


_LISTS = {"lyapunov", "lyapunov_error", "conditional", "conditional_error"}


def rounded(value: float, error: float = 0.0) -> float:
    """Return a rate as it is shown: 0 within two standard errors of 0, or but for rounding."""
    return 0.0 if abs(value) <= max(2 * error, _ROUNDED) else value


def exponent_text(value: float, error: float) -> str:
    """Return an exponent; one within two errors of 0 as 0, or with its error where that is seen."""
    if math.isnan(value):
        return "unresolved"
    shown = rounded(value, error)
    return with_error(value, error) if value and not shown and error > _SEEN else f"{shown:.6g}"


def _row(values: tuple[float, ...], errors: tuple[float, ...]) -> str:
    shown = [exponent_text(value, error) for value, error in zip(values, errors, strict=True)]
    if len(shown) > _MOST_SHOWN:
        shown[_MOST_SHOWN - 1 : -1] = ["..."]
    return "  ".join(shown)


def with_error(value: float, error: float) -> str:
    """Return a rate and its standard error as text, an error that is rounding as 0.

    Example:
        >>> with_error(0.25, 1e-17)
        '0.25 +- 0'
    """
    text = f"{rounded(value):.6g}"
    return text if math.isnan(error) else f"{text} +- {rounded(error):.2g}"


@overload
def rates(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    transient: int | None = None,
    exponents: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: None = None,
    level: None = None,
    quantiles: None = None,
    progress: Progress | None = None,
) -> Rates: ...


@overload
def rates(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    transient: int | None = None,
    exponents: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int | Sequence[int],
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> RatesEnsemble: ...


@long_work("following rates")
def rates(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    transient: int | None = None,
    exponents: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int | Sequence[int] | None = None,
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> Rates | RatesEnsemble:
    """Return Lyapunov exponents, conditional exponents given A, and Op per unit time.

    Args:
        model: A model with time.
        nudge: The node n; the question's when not given.
        hold: The set A, whole variables; the question's or the partition's when not given. Without
            one there are the Lyapunov exponents only.
        target: The variable m; the question's when not given.
        steps: How many steps the rates are fitted to.
        transient: How many steps to run first; a tenth of `steps` when not given.
        exponents: How many leading exponents of each kind; when not given, all of up to 64
            remembered values, and 16 of more.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws noise makes: with noise, exponents are those of one realisation.
        seeds: How many seeds, from `seed` on, or a list of them: the result is then an ensemble,
            with mean, quantiles and intervals over noise.
        level: Of an ensemble, the coverage of its intervals; 0.95 when not given.
        quantiles: Of an ensemble, which; 0.05, 0.25, 0.5, 0.75 and 0.95 when not given.
        progress: Called with (done, total, what), in per cent.

    Raises:
        QuestionError: The model has no time or no memory, A is not made of whole variables, n or m
            is missing, the dynamics read whole numbers, there are not so many exponents, or the run
            is too long to be held.

    Example:
        >>> from causalopt import load
        >>> round(rates(load("thermostat"), steps=1000).op_rate, 6)
        0.010153
    """
    del progress  # long_work tells it
    if seeds is not None or level is not None or quantiles is not None:
        every: dict[str, Any] = {"nudge": nudge, "hold": hold, "target": target, "steps": steps}
        every |= {"transient": transient, "exponents": exponents}
        every |= {"parameters": parameters, "initial": initial}
        return _over_noise(model, every, seed, seeds, (level, quantiles))
    model = model.replace(parameters=parameters, initial=initial)
    said = _asked(model, nudge, hold, target)
    selection, question, asked = said.selection, said.question, said.model
    settings = _settings(steps, transient, exponents, seed)
    half = 1.0 if asked is model else 0.5
    with portion(0.0, half):
        found = _grown(model, selection, question if asked is model else None, settings)
    with portion(half, 1.0):
        of_question = found if asked is model else _grown(asked, selection, question, settings)
    return _answer(asked, selection, question, (found, of_question), settings)


def check_rates(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    transient: int | None = None,
    exponents: int | None = None,
    seed: int = 0,
) -> None:
    """Refuse what `rates` would refuse before it runs anything, with the same arguments.

    Raises:
        QuestionError: As of `rates`, but for a model that remembers nothing.
    """
    found = _asked(model, nudge, hold, target)
    settings = _settings(steps, transient, exponents, seed)
    _span(model, found.question if found.model is model else None, settings)
    if found.model is not model:
        _span(found.model, found.question, settings)


@dataclasses.dataclass(frozen=True)
class _Said:
    """What is asked: the model in which n is a node and m a variable, A, and n with m."""

    model: Model
    selection: Selection
    question: _Question | None


def _asked(
    model: Model, nudge: Nudged | None, hold: str | Sequence[str | Node] | None, target: str | None
) -> _Said:
    if model.is_static:
        raise QuestionError("rates are about growth in time, and this model has none")
    selection = model.held_set(hold) or ()
    whole_variables(selection, "a rate is a limit in time: hold whole variables")
    asked, n, m = one_node_each(model, nudge, target)
    is_said = nudge is not None or target is not None
    return _Said(asked, selection, _question(asked, n, m, selection, is_said=is_said))


@dataclasses.dataclass(frozen=True)
class _Settings:
    count: int
    lead: int
    exponents: int | None
    seed: int


def _settings(
    steps: int | None, transient: int | None, exponents: int | None, seed: int
) -> _Settings:
    count = DEFAULT_STEPS if steps is None else steps
    lead = count // 10 if transient is None else transient
    if count < BATCHES or lead < 0:
        raise QuestionError(f"rates need at least {BATCHES} steps, and a transient of 0 or more")
    return _Settings(count, lead, exponents, seed)


@dataclasses.dataclass(frozen=True)
class _Grown:
    """The growth of tangents in the worlds X and Y, and the status of W."""

    model: Model
    worlds: list[WorldGrowth]
    status: str


@dataclasses.dataclass(frozen=True)
class _Span:
    """The steps of a run, the end of a disturbance, and the local derivatives that are kept."""

    first: int
    last: int
    end: Node | None
    terms: tuple[Term, ...]


def _span(model: Model, question: _Question | None, settings: _Settings) -> _Span:
    """Return the steps that are counted, of a run that can be held."""
    refuse_in_dynamics(model)
    structure = model.template.structure
    _check_exponents(settings.exponents, len(Slots.of(structure).slots))
    first = max(len(equation.initial) for equation in model.template.equations)
    end = _end(model, question)
    if question is not None:
        first = max(first, question[0].t + 1, 0 if end is None else end.t + 1)
    last = first - 1 + settings.lead + settings.count
    terms = tuple(partial.term for partial in linearize(structure).partials)
    _check_length(last, len(structure.names) + len(terms))
    return _Span(first, last, end, terms)


def _grown(
    model: Model, selection: Selection, question: _Question | None, settings: _Settings
) -> _Grown:
    """Return how tangents grow in a model, of m by n where a question is asked of it."""
    structure = model.template.structure
    span = _span(model, question, settings)
    first, last, end, terms = span.first, span.last, span.end, span.terms
    ended = () if end is None else (Set(end, 0.0),)  # what stays as it is would count as growth
    plan = plan_for(model, ended, steps=last, noise_seed=settings.seed)
    with portion(0.0, 0.4):
        run = run_values(structure, plan, terms)
    status = _status(run.values)
    held = held_mask(model, selection, 0)[0]
    exact = ExactRun(model.template, plan, run.values)
    course = Course(exact, run.extras, first, settings.lead, status == "ok", settings.exponents)
    place = None
    if question is not None:
        index = model.template.index
        place = question[0].t, index[question[0].variable], index[question[1]]
    masks = (np.zeros_like(held), held)[: 1 + bool(selection)]
    with portion(0.4, 1.0):
        worlds = [world_growth(course, mask, place) for mask in through(masks)]
    if status == "ok" and not all(world.is_finite for world in worlds):
        status = "diverged"
    return _Grown(model, worlds, status)


def _over_noise(
    model: Model,
    question: dict[str, Any],
    seed: int,
    seeds: int | Sequence[int] | None,
    said: tuple[float | None, Sequence[float] | None],
) -> RatesEnsemble:
    """Return an ensemble: the rates of each seed."""
    from causalopt.effects.ensembles.rates_ensemble import rates_over_noise
    from causalopt.effects.ensembles.seed_lists import ensemble_options, seed_numbers

    options = ensemble_options(seeds, level=said[0], quantiles=said[1])
    assert seeds is not None
    return rates_over_noise(
        lambda one: rates(model, seed=one, **question),
        seed_numbers(seeds, seed),
        is_random=any(v.noise is not None for v in model.variables.values()),
        **options,
    )


def _answer(
    model: Model,
    selection: Selection,
    question: _Question | None,
    grown: tuple[_Grown, _Grown],
    settings: _Settings,
) -> Rates:
    worlds, status = grown[0].worlds, grown[0].status
    dt = float(model.template.dt)
    spectra = [_spectrum(world.exponents, dt) for world in worlds]
    none = math.nan, math.nan
    generic = asked = none
    silent: tuple[str, ...] = ()
    if selection:
        generic = _difference(worlds[1].exponents[:, 0], worlds[0].exponents[:, 0], dt)
        asked = generic
    if question is not None:
        of_question = grown[1].worlds
        asked = _difference(of_question[1].asked, of_question[0].asked, dt)
        effects = zip(("total", "direct"), of_question, strict=True)
        silent = tuple(f"{text} ({name} effect)" for name, w in effects for text in w.silent)
        if status == "ok":
            is_held = question[1] in {window.variable for window in selection}
            status = "held" if is_held else _long_run(of_question)
    total = len(Slots.of(grown[0].model.template.structure).slots)
    return Rates(
        model=model.name,
        hold=selection_text(selection) if selection else "",
        nudge=model.node_text(question[0]) if question else "",
        target=question[1] if question else "",
        lyapunov=spectra[0][0],
        lyapunov_error=spectra[0][1],
        conditional=spectra[1][0] if selection else (),
        conditional_error=spectra[1][1] if selection else (),
        op_rate=asked[0],
        error=asked[1],
        generic_rate=generic[0],
        generic_error=generic[1],
        silent=silent,
        unit="nats per step" if model.dt is None else "nats per time unit",
        steps=settings.count,
        transient=settings.lead,
        status=status,
        realisation=settings.seed
        if any(v.noise is not None for v in model.variables.values())
        else None,
        exponents=_described(len(spectra[0][0]), total),
        growth=growth_course(worlds[0].asked, worlds[1].asked if selection else None, dt),
    )


def _question(
    model: Model, nudge: str | Node | None, target: str | None, hold: Selection, *, is_said: bool
) -> _Question | None:
    """Return n and m, None where the model has none of its own that fit and none were said."""
    if not is_said and not (hold and model.question.nudge and model.question.target):
        return None
    node, measured = asked_node(model, nudge), asked_target(model, target)
    held = {window.variable for window in hold or asked_hold(model)}
    if not is_said and held & {node.variable, measured}:
        return None
    model.check_nudge(node, hold, None)
    refuse_between(model.template, node.variable, measured)
    return node, measured


def _end(model: Model, question: _Question | None) -> Node | None:
    """Return the node of a disturbance after all that it nudges, None where it does not end."""
    pushes = model.template.pushes.get(question[0].variable, ()) if question else ()
    ends = [push.window.last for push in pushes]
    lasts = [end for end in ends if end is not None]
    if question is None or not lasts or len(lasts) < len(ends):
        return None
    return Node(question[0].variable, max(lasts) + model.template.max_lag + 1)


def _status(values: Floats) -> str:
    finite = np.isfinite(values).all(axis=1)
    if finite.all():
        return "ok"
    return "diverged" if np.isinf(values[int(np.argmin(finite))]).any() else "nonfinite"


def _long_run(worlds: list[WorldGrowth]) -> str:
    """Return the status of Op in the long run: whether an effect is 0 then."""
    if any(np.isnan(world.asked).any() for world in worlds):
        return "unresolved"
    total, direct = (bool(np.isneginf(world.asked).any()) for world in worlds)
    return {
        (False, False): "ok",
        (True, False): "perfect",
        (False, True): "only_path",
        (True, True): "no_influence",
    }[total, direct]


def _spectrum(logs: Floats, dt: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return exponents, largest first, and their errors."""
    values, errors = slope(logs) / dt, slope_error(logs) / dt
    order = np.argsort(-values, kind="stable")
    return tuple(values[order].tolist()), tuple(errors[order].tolist())


def _difference(direct: Floats, total: Floats, dt: float) -> tuple[float, float]:
    with np.errstate(invalid="ignore"):
        logs = direct - total
        return float(slope(logs) / dt), float(slope_error(logs) / dt)


def _described(count: int, whole: int) -> str:
    return f"all {whole}" if count == whole else f"leading {count} of {whole}"


def _check_exponents(count: int | None, most: int) -> None:
    """Refuse a number of exponents that the model does not have."""
    if count is not None and not 1 <= count <= max(1, most):
        raise QuestionError(
            f"{count} exponents were asked for: this model has as many as it remembers values from "
            f"step to step, {most}; ask for 1 to {max(1, most)}"
        )


def _check_length(steps: int, width: int) -> None:
    """Refuse a run whose values and slopes, `width` numbers a step, would not fit."""
    if steps * width > MOST_NUMBERS:
        raise QuestionError(
            f"rates hold {width} numbers a step, {MOST_NUMBERS:,} in all: at most "
            f"{MOST_NUMBERS // width:,} steps of this model, the transient's included; {steps} came"
        )
