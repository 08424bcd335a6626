"""Random models against an interpreter that shares no code with the package.

Models are drawn as small trees, written as YAML for the package, and evaluated by
`tests/truth/interpreter.py` in fractions and floats of 60 digits with one-sided tangents: static,
with lags and same-step edges, with data and noise (its draws given as numbers), with flows and
algebraic variables under euler and rk4; a third of the operations bend or branch. Each is answered
by `run` at every step, by `op_from_all`, by `derive` where W has a value, and by `run` with a nudge
of 1/1024. An `ok` must be within an eighth of the truth (and is counted where it is within 1e-9)
and have the same derivative to both sides; `perfect`, `only_path`, `no_influence` and `held` must
be exactly true; a `kink` must be the derivative to the right, where no value jumps; where a value
that is read does not exist, nothing may be `ok`. Points whose values are infinite on the way, or
leave 1e-150..1e150, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from causalopt import Model, op_from_all, parse_model, run
from causalopt.errors import CausaloptError
from causalopt.symbolic.derive import derive
from tests.truth.exact_numbers import UndefinedError
from tests.truth.interpreter import Effects, finite_effects, true_effects
from tests.truth.random_specs import random_spec
from tests.truth.record import Record
from tests.truth.specs import Spec, model_text
from tests.truth.verdicts import Answer, Tally

COUNT, SHORT = 3000, 60
SIZE = Fraction(1, 1024)
WAYS = {
    "run": "tangents, at every step",
    "op_from_all": "adjoint, from n to m",
    "derive": "symbolic, where it says verified or checked",
    "finite": "a nudge of 1/1024, at every step",
}


def records(short: bool) -> Iterator[Record]:
    """Yield one record for each way."""
    tallies = {way: Tally() for way in WAYS}
    for seed in range(SHORT if short else COUNT):
        compare(seed, tallies)
    for way, tally in tallies.items():
        yield tally.record("Random models", WAYS[way])


def compare(seed: int, tallies: dict[str, Tally]) -> None:
    """Answer one model in every way."""
    spec = random_spec(seed)
    model = parse_model(model_text(spec))
    found = run(model)
    noise = {
        v.name: [Fraction(float(x)) for x in found.W[v.name]]
        for v in spec.variables
        if v.kind == "noise"
    }
    truth = true_effects(spec, noise)
    for t, answer in enumerate(_answers(found.total, found.direct, found.status)):
        held = spec.is_held(spec.target, t)
        if answer.status == "held" and not held:
            tallies["run"].wrong.append(f"seed {seed}, t = {t}: 'held' where m is not in A")
        tallies["run"].judge(f"seed {seed}, t = {t}", answer, truth[t])
    tallies["op_from_all"].judge(f"seed {seed}", _adjoint(spec, model), truth[-1])
    symbolic = _symbolic(model, spec)
    # A formula of linear edges holds for any values of the rest, also where W has none; one at a
    # jump leaves the jump out, and says so.
    if symbolic is not None and isinstance(truth[-1], Effects) and not truth[-1].jumped:
        tallies["derive"].judge(f"seed {seed}", symbolic, truth[-1])
    _finite(seed, spec, model, noise, tallies["finite"])


def _answers(total: np.ndarray, direct: np.ndarray, status: np.ndarray) -> list[Answer]:
    return [
        Answer(float(a), float(b), str(s)) for a, b, s in zip(total, direct, status, strict=True)
    ]


def _adjoint(spec: Spec, model: Model) -> Answer:
    node = spec.target if spec.is_static else f"{spec.target}[{spec.steps}]"
    name, t = spec.nudge
    one = op_from_all(model, node, hold=", ".join(_hold(spec))).sel(variable=name, t=t)
    return Answer(float(one.total), float(one.direct), str(one.status.item()))


def _hold(spec: Spec) -> list[str]:
    return [f"{a}[t<={last}]" if last is not None else a for a, last in spec.hold.items()]


def _symbolic(model: Model, spec: Spec) -> Answer | None:
    """What a derivation says, as a status; None where it refuses or has not been verified."""
    try:
        found = derive(model, at=None if spec.is_static else spec.steps, time_limit=3)
        if not (found.verified or found.digits):
            return None
        value = found.value(spec.steps)
    except CausaloptError:
        return None
    total, direct = (float(value[name]) for name in ("total", "direct"))
    one_sided = any("meets a branch exactly" in text for text in found.conditions)
    return Answer(total, direct, "kink" if one_sided else "ok")


def _finite(
    seed: int, spec: Spec, model: Model, noise: dict[str, list[Fraction]], tally: Tally
) -> None:
    found = run(model, delta=float(SIZE))
    truth = finite_effects(spec, noise, SIZE)
    for t, answer in enumerate(_answers(found.total, found.direct, found.status)):
        tally.judge(f"seed {seed}, t = {t}", answer, _as_effects(truth[t]))


def _as_effects(quotients: tuple | UndefinedError) -> Effects | UndefinedError:
    if isinstance(quotients, UndefinedError):
        return quotients
    # Which branches a finite nudge crosses is not asked of the oracle: a `kink` is not compared.
    return Effects(Fraction(0), quotients, quotients, jumped=True)
