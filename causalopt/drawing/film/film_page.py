"""The page of a film: Op and performance over training, and each frame's runs, growths and shares.

The page carries its own script and asks for nothing else; a content security policy in it forbids
every request.
"""

from __future__ import annotations

import html
import importlib.resources
import json
import math
from typing import Any

import numpy as np

from causalopt.effects.student_interval import student_interval
from causalopt.engine.contract import Floats
from causalopt.results import page
from causalopt.training.film import Film

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_STARTS = 8  # of how many starts the course is drawn
_POINTS = 200  # of how many steps, at most

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{css}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{question} along training, of {count}. The nudge is made at {nudge}; X lets the set
A = {{{hold}}} answer it, Y holds A at what it did in W.</p>
</header>
<section id="controls">
<button id="play" type="button">play</button>
<label class="slider">update <input id="frame" type="range" min="0" max="{last}" value="0" step="1"
aria-describedby="verdict"> <output id="update" for="frame"></output></label>
<label>network of seed <select id="network"></select></label>
</section>
<p id="verdict" aria-live="polite"></p>
<main>
<figure class="wide"><figcaption>Op over training [nats], at the last step</figcaption>
<svg id="op" role="img" aria-label="Op against updates"></svg></figure>
<figure class="wide" id="how-well"><figcaption></figcaption>
<svg id="performance" role="img" aria-label="performance against updates"></svg></figure>
<figure><figcaption>W: {target} from {starts}</figcaption>
<svg id="course" role="img" aria-label="the measured variable over a run"></svg></figure>
<figure><figcaption>what a nudge has grown to [ln]</figcaption>
<svg id="growth" role="img" aria-label="growth of a nudge in X and in Y"></svg></figure>
<figure><figcaption id="shares-title"></figcaption>
<svg id="shares" role="img" aria-label="Shapley values of the parts of A"></svg></figure>
</main>
<footer><p>{key}</p></footer>
<script type="application/json" id="data">{data}</script>
<script>
{script}</script>
</body>
</html>
"""

_KEY = (
    "Above: bold, the mean over the seeds, shaded with its 95 % interval (Student's); thin, each "
    "seed; click to go there. Below, the chosen network in the chosen frame: its runs; a nudge's "
    "growth <b class='red'>with A answering (X, full)</b> and <b class='green'>with A held "
    "(Y, dashed)</b>, whose gap is Op; and how Op is shared among the parts of A by Shapley "
    "values, with one standard error. They sum to Op; a part's own Op would not."
)


@page.register(Film)
def film_page(film: Film) -> str:
    """Return the page of a film as text.

    Example:
        >>> import causalopt
        >>> film = causalopt.watch(causalopt.load("cart_pole"), seeds=2, updates=2, permutations=0)
        >>> film_page(film).count("<svg")
        5
    """
    model, count = film.model, len(film.training.seeds)
    starts = min(_STARTS, film.course.shape[3])
    return _PAGE.format(
        policy=html.escape(POLICY),
        title=html.escape(f"{model.title or model.name}, watched over training"),
        question=html.escape(film.op_name),
        count=f"{count} network{'s' * (count != 1)}",
        nudge=html.escape(model.node_text(film.nudge)),
        hold=html.escape(film.hold_name),
        last=len(film.frames) - 1,
        target=html.escape(film.target),
        starts=f"{starts} random starts" if starts > 1 else "its start",
        key=_KEY,
        css=_asset("film.css"),
        data=_json(_data(film)),
        script=_asset("film.js"),
    )


def _asset(name: str) -> str:
    folder = importlib.resources.files("causalopt.drawing") / "assets"
    return (folder / name).read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _data(film: Film) -> dict[str, Any]:
    mean, low, high = student_interval(film.op)
    steps = np.unique(np.rint(np.linspace(0, film.steps, min(_POINTS, film.steps + 1))).astype(int))
    course = film.course[steps][:, :, :, :_STARTS]
    sizes = course.reshape(*course.shape[:4], -1)
    # Of a vector its norm is drawn.
    shown = sizes[..., 0] if sizes.shape[-1] == 1 else np.linalg.norm(sizes, axis=-1)
    settings = film.training.settings
    score = film.loss if film.performance is None else film.performance
    return {
        "question": film.op_name,
        "frames": list(film.frames),
        "seeds": list(film.training.seeds),
        "op": _rounded(film.op),
        "status": film.status.tolist(),
        "mean": _rounded(mean),
        "low": _rounded(low),
        "high": _rounded(high),
        "score": _rounded(score),
        "scoreMean": _rounded(score.mean(axis=1)),
        "scoreName": _score_name(film),
        "isShare": bool(settings.performance and score.min() >= 0 and score.max() <= 1),
        "time": _rounded(film.model.arrays.time(steps.astype(float))),
        "timeName": "time" if film.model.dt is not None else "t [steps]",
        "course": _rounded(np.moveaxis(shown, 0, -1)),
        "total": _rounded(np.moveaxis(_pooled(film.total[steps]), 0, -1)),
        "direct": _rounded(np.moveaxis(_pooled(film.direct[steps]), 0, -1)),
        "parts": list(film.attributions[0][0].parts) if film.attributions else [],
        "shares": [[_rounded(one.values) for one in frame] for frame in film.attributions],
        "errors": [[_rounded(one.errors) for one in frame] for frame in film.attributions],
        "unshared": film.unshared,
    }


def _score_name(film: Film) -> str:
    name = film.training.settings.performance or film.training.settings.loss
    label = film.model.variables[name].label
    return f"{name}: {label}" if label else name


def _pooled(logs: Floats) -> Floats:
    """Return ln of the root mean square over starts."""
    found: Floats = 0.5 * (np.logaddexp.reduce(2 * logs, axis=-1) - math.log(logs.shape[-1]))
    return found


def _rounded(values: Floats) -> Any:
    """Return numbers to five digits as lists; what is not finite as null."""
    if values.ndim:
        return [_rounded(row) for row in values]
    number = float(values)
    return float(f"{number:.5g}") if math.isfinite(number) else None
