"""The oracles are shown something wrong: a flow, a stock and a spectrum that are not so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.truth import flows, published, spectra
from tests.truth.foreign_flows import ForeignFlow
from tests.truth.record import Comparison
from tests.truth.tracing import Numpy, Traced, greatest

Flow = Callable[[Any, Any], Any]


class System:
    """What dysts has of a flow: the Lorenz system in its way of writing."""

    def __init__(self, beta: float = 8 / 3):
        self.ic = [1.0, 1.0, 20.0]
        self.period = 0.75
        self.params = {"beta": beta, "rho": 28, "shape": [10.0, 10.0]}
        self.param_list = [beta, 28, [10.0, 10.0]]
        self.__dict__.update(self.params)

    def rhs(self, X: Any, t: float) -> Any:  # noqa: ARG002
        x, y, z = X
        swirl = np.matmul([[1.0, -1.0]], np.array([x, y]))[0]
        return [-self.shape[0] * swirl, self.rho * x - x * z - y, x * y - self.beta * z]


class TestAFlowThatIsTraced:
    def compared(self, flow: ForeignFlow) -> list[Comparison]:
        w, effects, exponents = (Comparison("", "", 1e-7, "of") for _ in range(3))
        steps = flows.compare(flow, w, effects)
        flows.add_sum(flow, steps, exponents)
        return [w, effects, exponents]

    def test_agrees_with_the_function_it_was_traced_through(self) -> None:
        for found in self.compared(ForeignFlow("one", System())):
            assert found.ok
            assert found.disagreements == []

    def test_differs_from_a_function_that_is_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        texts = ForeignFlow("one", System()).texts
        wrong = ForeignFlow("one", System(beta=2.667))
        monkeypatch.setattr(ForeignFlow, "parameters", {"beta": 8 / 3, "rho": 28})
        monkeypatch.setattr(ForeignFlow, "texts", texts)
        for found in self.compared(wrong):
            assert found.disagreements != []

    def test_keeps_parameters_by_name_and_lists_by_number(self) -> None:
        flow = ForeignFlow("one", System())
        assert flow.parameters == {"beta": 8 / 3, "rho": 28}
        assert "p_beta" in flow.texts[2]
        assert "10.0" in flow.texts[0]
        assert flow.system.beta == 8 / 3

    def test_a_flow_that_bends_is_seen(self) -> None:
        assert not ForeignFlow("one", System()).bends
        bent = System()
        bent.rhs = lambda X, t: [abs(X[0]), X[1], X[2]]  # type: ignore[method-assign]  # noqa: ARG005
        assert ForeignFlow("two", bent).bends

    def test_an_answer_that_does_not_stand_still_is_not_compared(self) -> None:
        asked = []

        def ask(steps: int) -> tuple[np.ndarray, np.ndarray]:
            asked.append(steps)
            return np.array([[float(len(asked) % 2)]]), np.array(["ok"])

        assert flows.converged(ask, bends=False) is None
        assert asked[-1] == flows.LAST[False]


class TestNames:
    np = Numpy()

    @pytest.mark.parametrize(
        ("function", "text"),
        [
            (lambda x: 2 - x / 3, "(2 - (x / 3))"),
            (lambda x: -(x**2) * np.float64(0.5), "((-(x ** 2)) * 0.5)"),
            (lambda x: np.pi * np.arctan(x), f"({np.pi!r} * atan(x))"),
            (lambda x: -1 + x, "((-1) + x)"),
            (lambda x: greatest(0, x), "max(0, x)"),
            (lambda x: Numpy().heaviside(x, 0), "where(x > 0, 1, where(x < 0, 0, 0))"),
            (lambda x: Numpy().sign(x), "sign(x)"),
            (lambda x: Numpy().abs(x), "abs(x)"),
            (lambda x: np.tanh(np.array([x, x], dtype=object))[1], "tanh(x)"),
            (lambda x: (x ** np.arange(1, 3))[1], "(x ** 2)"),
        ],
    )
    def test_are_computed_with_as_numbers_are(
        self, function: Callable[[Any], Any], text: str
    ) -> None:
        assert function(Traced("x")).text == text

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: 1 if x > 0 else 2,
            lambda x: np.add.reduce(x),
            lambda x: np.floor_divide(x, 2),
            lambda x: bool(x),
        ],
    )
    def test_refuse_what_would_be_lost(self, function: Callable[[Any], Any]) -> None:
        with pytest.raises(TypeError):
            function(Traced("x"))

    def test_complex_numbers_carry_derivatives_through_what_bends(self) -> None:
        for function, slope in (
            (self.np.abs, -1.0),
            (self.np.sign, 0.0),
            (lambda x: self.np.heaviside(x, 0), 0.0),
            (lambda x: greatest(0, x), 0.0),
            (lambda x: greatest(-5.0, x), 1.0),
            (lambda x: self.np.min(np.array([[x, 3 * x]]), axis=1)[0], 3.0),
            (np.exp, np.exp(-2)),
        ):
            assert np.imag(function(-2 + 1e-30j)) / 1e-30 == pytest.approx(slope)


class TestPublishedOutputs:
    def test_a_stock_that_is_off_is_a_disagreement(self, monkeypatch: pytest.MonkeyPatch) -> None:
        honest = published.simulated

        def off(name: str, times: np.ndarray) -> dict[str, np.ndarray]:
            return {
                k: v * (1 + 2e-5 * (k == "temperature")) for k, v in honest(name, times).items()
            }

        monkeypatch.setattr(published, "SHORT", ("teacup",))
        for source, count in ((honest, 0), (off, 1)):
            monkeypatch.setattr(published, "simulated", source)
            (record,) = published.records(short=True)
            assert len(record.disagreements) == count
            assert record.cases == 2

    def test_the_last_place_is_that_of_the_printed_text(self) -> None:
        for text, unit in (("0.02575", 1e-5), ("998.885", 1e-3), ("1000", 1.0), ("1e-07", 1e-7)):
            assert published.last_place(text) == unit

    def test_every_output_has_its_model_and_its_columns_are_the_model_s(self) -> None:
        files = sorted(published.FOLDER.glob("*.csv"))
        assert len(files) >= 8
        for file in files:
            times, columns, _ = published.published(file)
            assert columns.keys() <= published.simulated(file.stem, times[:2]).keys()

    def test_the_licence_is_beside(self) -> None:
        assert "test-models Authors" in (published.FOLDER / "LICENSE").read_text()
        for file in published.FOLDER.glob("*.yaml"):
            assert 'source: "SDXorg/test-models, ' in Path(file).read_text(), file


def test_a_spectrum_that_is_off_by_its_errors_is_a_disagreement() -> None:
    rules = {"x": "2*x[t-1] + y[t-1]", "y": "x[t-1] + y[t-1]"}
    turned = spectra.model("turned", rules, (0.0, 0.0), None)
    golden = np.log((3 + np.sqrt(5)) / 2)

    def foreign(shift: float, _: np.ndarray) -> np.ndarray:
        return np.array([golden + shift, -golden - shift])

    for shift, count in ((0.0, 0), (2e-4, 1)):
        found = Comparison("", "", 5, "errors")
        system = spectra.Spectrum("turned", turned, partial(foreign, shift), (0.0, 0.0), 0.1)
        spectra.compare(found, system)
        assert len(found.disagreements) == count
