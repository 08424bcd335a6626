"use strict";
// The page's own script: worlds by reachability, as causalopt/draw/marks.py has them in Python.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const width = data.equations.length;
  const byId = (id) => document.getElementById(id);
  const nameOf = (v, t) => data.variables[v].name + (data.static ? "" : `[${t}]`);

  // ---- The question: n, m and A. A is windows of steps, with single nodes flipped by hand.
  const state = {
    n: data.question.n,
    m: data.question.m,
    windows: data.question.hold,
    flipped: new Set(),
    mode: "n",
    shown: { W: true, X: true, Y: true },
  };
  const holds = (v, t) => {
    const inside = state.windows.some(
      ([w, first, last]) => w === v && first <= t && (last === null || t <= last)
    );
    return inside !== state.flipped.has(`${v},${t}`);
  };

  // A stage of the step from t-1 to t belongs to a flow's nodes at both, or to an algebraic
  // variable's node at t-1.
  const holdsPart = ({ owner, stage }, t) =>
    (stage !== "algebraic" || t === 0 ? holds(owner, t) : true) &&
    (stage && t > 0 ? holds(owner, t - 1) : true);

  // ---- The worlds. X: everything downstream of n. Y: the same over paths that avoid A.
  function worlds() {
    const size = (data.steps + 1) * width;
    const held = new Uint8Array(size), x = new Uint8Array(size);
    const y = new Uint8Array(size), moved = new Uint8Array(size);
    const still = lastEvent();
    const any = (row, t, parents) =>
      parents.some(([j, lag]) => t >= lag && row[(t - lag) * width + j]) ? 1 : 0;
    for (let t = 0; t <= data.steps; t++) {
      for (let i = 0; i < width; i++) {
        const equation = data.equations[i], place = t * width + i;
        held[place] = holdsPart(equation, t) ? 1 : 0;
        if (state.n === null) continue;
        if (i === data.home[state.n[0]] && t === state.n[1]) {
          x[place] = y[place] = 1;
        } else if (t >= equation.starts) {
          x[place] = any(x, t, equation.parents);
          y[place] = held[place] ? 0 : any(y, t, equation.parents);
          moved[place] = held[place] ? x[place] : any(moved, t, equation.parents);
        }
      }
      if (t > still && [held, x, y, moved].every((rows) => repeats(rows, t))) {
        [held, x, y, moved].forEach((rows) => repeat(rows, t));
        break;
      }
    }
    return { held, x, y, moved };
  }
  // A long run settles: when nothing new happens to it and the rows that its rules can see are all
  // alike, they stay so to the end.
  const depth = Math.max(1, ...data.equations.flatMap((e) => e.parents.map(([, lag]) => lag)));
  const starts = Math.max(...data.equations.map((e) => e.starts));
  function lastEvent() {
    const ends = state.windows.flatMap(([, first, last]) => [first, last === null ? 0 : last + 1]);
    const flips = [...state.flipped].map((key) => Number(key.split(",")[1]) + 1);
    return Math.max(starts, state.n === null ? 0 : state.n[1] + 1, ...ends, ...flips) + depth;
  }
  function repeats(rows, t) {
    for (let k = (t - depth) * width; k < t * width; k++) {
      if (rows[k] !== rows[k + width]) return false;
    }
    return true;
  }
  function repeat(rows, t) {
    for (let done = 1, left = data.steps - t; left > 0; done *= 2) {
      const take = Math.min(done, left);
      rows.copyWithin((t + done) * width, t * width, (t + take) * width);
      left -= take;
    }
  }
  let now;
  function markOf(v, t) {
    const place = t * width + data.home[v];
    return {
      held: Boolean(now.held[place]), x: Boolean(now.x[place]),
      y: Boolean(now.y[place]), moved: Boolean(now.moved[place]),
      nudged: state.n !== null && state.n[0] === v && state.n[1] === t,
      measured: state.m !== null && state.m[0] === v && state.m[1] === t,
    };
  }

  // ---- What is shown of them.
  function classesOf(mark) {
    const { W, X, Y } = state.shown;
    const asked = state.n !== null;
    const green = Y && (X ? mark.moved : mark.y && !mark.nudged);
    const red = X && mark.x && !green;
    const touched = green || red || mark.nudged;
    return {
      inA: mark.held, green, red,
      back: green && X && !mark.y,
      nudged: mark.nudged && (X || Y),
      measured: mark.measured,
      held: mark.held && Y && asked,
      faded: !W && !touched,
    };
  }
  function labelOf(text, on) {
    const sign = on.nudged ? "" : on.green ? (on.back ? "◇" : "◆") : on.red ? "▲" : "";
    const parts = [on.nudged ? "+δ" : "", on.measured ? "m" : "", sign, on.held ? "= w" : ""];
    const second = parts.filter(Boolean).join(" ");
    return second ? `${text}\n${second}` : text;
  }
  function edgeKind(source, target) {
    const { X, Y } = state.shown;
    if (Y && target.held && state.n !== null) return X && source.x ? "cut red" : "cut";
    if (Y && (X ? source.moved : source.y)) return "green";
    return X && source.x ? "red" : "plain";
  }

  const cy = cytoscape({
    container: byId("graph"),
    elements: data.elements,
    layout: { name: "preset" },
    autoungrabify: true,
    autounselectify: true,
    boxSelectionEnabled: false,
    minZoom: 0.02,
    maxZoom: 4,
    style: data.style,
  });
  const nodes = cy.nodes(".node");
  const edges = cy.edges();
  const toggle = (element, on) =>
    Object.entries(on).forEach(([name, value]) => element.toggleClass(name, Boolean(value)));

  function redraw() {
    now = worlds();
    cy.batch(() => {
      nodes.forEach((node) => {
        const on = classesOf(markOf(node.data("v"), node.data("t")));
        toggle(node, on);
        node.data("label", labelOf(node.data("text"), on));
      });
      edges.forEach((edge) => {
        const kind = edgeKind(markOf(...edge.data("from")), markOf(...edge.data("to")));
        toggle(edge, {
          cut: kind.startsWith("cut"), red: kind.endsWith("red"), green: kind === "green",
          faded: !state.shown.W && (kind === "plain" || kind === "cut"),
        });
      });
    });
    byId("verdict").textContent = verdict();
    fillControls();
  }

  function verdict() {
    const A = holdName();
    if (state.n === null) return `Choose a node n to nudge. A = {${A}}.`;
    const n = nameOf(...state.n);
    if (state.m === null) return `n = ${n}, A = {${A}}. Choose a node m to measure.`;
    const m = nameOf(...state.m), mark = markOf(...state.m);
    const head = `n = ${n}, m = ${m}, A = {${A}}: `;
    if (!mark.x) return head + "no path leads from n to m, so n has no influence and Op is undefined.";
    if (mark.held) return head + "m is in A, so Y keeps its value from W.";
    if (!mark.y) return head + "every path runs through A; it is the only conduit: Op = -∞.";
    if (!mark.moved) return head + "no path runs through A; X and Y agree on m: Comp = 1, Op = 0.";
    return head + "some paths run through A and some avoid it: Op is what A does about the nudge.";
  }
  function holdName() {
    const parts = state.windows.map(([v, first, last]) => {
      const name = data.variables[v].name;
      if (data.static || (first === 0 && last === null)) return name;
      if (first === last) return `${name}[${first}]`;
      return `${name}[${first ? first + "<=" : ""}t${last === null ? "" : "<=" + last}]`;
    });
    const flips = [...state.flipped].map((key) => {
      const [v, t] = key.split(",").map(Number);
      return (holds(v, t) ? "" : "without ") + nameOf(v, t);
    });
    return [...parts, ...flips].join(", ");
  }

  // ---- Choosing.
  function say(text) { byId("message").textContent = text; }
  function chooseN(v, t) {
    if (holds(v, t)) {
      say(`${nameOf(v, t)} is in A, and the nudge is made in B: take it out of A first.`);
    } else {
      state.n = [v, t];
      say("");
    }
    redraw();
  }
  function chooseM(v, t) { state.m = [v, t]; say(""); redraw(); }
  function flip(v, t) {
    if (state.n !== null && state.n[0] === v && state.n[1] === t && !holds(v, t)) {
      say(`${nameOf(v, t)} is nudged, and the nudge is made in B: nudge another node first.`);
    } else {
      const key = `${v},${t}`;
      if (!state.flipped.delete(key)) state.flipped.add(key);
      say("");
    }
    redraw();
  }
  function holdLane(v, on) {
    if (on && state.n !== null && state.n[0] === v) {
      say(`${nameOf(...state.n)} is nudged, and the nudge is made in B: nudge another node first.`);
    } else {
      state.windows = state.windows.filter(([w]) => w !== v);
      state.flipped = new Set([...state.flipped].filter((key) => Number(key.split(",")[0]) !== v));
      if (on) state.windows.push([v, 0, null]);
      state.windows.sort((a, b) => a[0] - b[0]);
      say("");
    }
    redraw();
  }
  cy.on("tap", "node.node", (event) => {
    const v = event.target.data("v"), t = event.target.data("t");
    ({ n: chooseN, m: chooseM, A: flip })[state.mode](v, t);
  });
  function setMode(mode) {
    state.mode = mode;
    document.querySelector(`input[name=mode][value=${mode}]`).checked = true;
  }
  document.querySelectorAll("input[name=mode]").forEach((input) =>
    input.addEventListener("change", () => setMode(input.value)));
  document.querySelectorAll("input[name=world]").forEach((input) =>
    input.addEventListener("change", () => { state.shown[input.value] = input.checked; redraw(); }));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || /SELECT|INPUT/.test(event.target.tagName)) return;
    if (event.key === "n" || event.key === "m") setMode(event.key);
    if (event.key === "a" || event.key === "A") setMode("A");
  });
  byId("fit").addEventListener("click", () => cy.fit(undefined, 20));

  // ---- Controls for those who do not click, and for nodes that are not drawn.
  const picks = { n: chooseN, m: chooseM };
  for (const which of ["n", "m"]) {
    const select = byId(`${which}-variable`), step = byId(`${which}-step`);
    data.variables.forEach((variable, v) => select.add(new Option(variable.name, v)));
    select.add(new Option("none", -1), 0);
    step.max = data.steps;
    step.hidden = data.static;
    const changed = () => {
      const v = Number(select.value), t = Math.min(data.steps, Math.max(0, Number(step.value) | 0));
      if (v < 0) { state[which] = null; say(""); redraw(); } else picks[which](v, t);
    };
    select.addEventListener("change", changed);
    step.addEventListener("change", changed);
  }
  data.variables.forEach((variable, v) => {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.name = "lane";
    box.value = v;
    box.addEventListener("change", () => holdLane(v, box.checked));
    label.append(box, " " + variable.name);
    byId("lanes").append(label);
  });
  function fillControls() {
    for (const which of ["n", "m"]) {
      byId(`${which}-variable`).value = state[which] === null ? -1 : state[which][0];
      byId(`${which}-step`).value = state[which] === null ? 0 : state[which][1];
    }
    document.querySelectorAll("input[name=lane]").forEach((box) => {
      const v = Number(box.value);
      const windows = state.windows.filter(([w]) => w === v);
      const whole = windows.some(([, first, last]) => first === 0 && last === null);
      const flips = [...state.flipped].some((key) => Number(key.split(",")[0]) === v);
      box.checked = whole && !flips;
      box.indeterminate = !box.checked && (windows.length > 0 || flips);
    });
  }

  redraw();
  function open() {
    cy.resize();
    cy.fit(undefined, 20);
    if (cy.zoom() > 1.4) { cy.zoom(1.4); cy.center(); }
    if (cy.zoom() >= 0.5) return;
    // Too large to read as a whole: open where the nudge is, and leave the rest to "fit".
    const zoom = 0.8, box = cy.elements().boundingBox();
    const nudged = nodes.filter(".nudged");
    const at = (nudged.nonempty() ? nudged : nodes).first().position();
    const middle = box.h * zoom < cy.height() ? (box.y1 + box.y2) / 2 : at.y;
    const left = Math.min(0.3 * cy.width(), zoom * (at.x - box.x1) + 20);
    cy.viewport({ zoom, pan: { x: left - zoom * at.x, y: cy.height() / 2 - zoom * middle } });
  }
  open();
  new ResizeObserver(() => cy.resize()).observe(byId("graph"));
  window.causalopt = { cy, markOf, state };
})();
