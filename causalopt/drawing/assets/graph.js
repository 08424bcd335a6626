"use strict";
// The page's own script: worlds by reachability, as causalopt/drawing/graph/marks.py has them in Python.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const width = data.equations.length;
  const byId = (id) => document.getElementById(id);
  const dimsOf = (v) => data.variables[v].dims || [];
  // Elements as selectors have them: hidden=3, row=2:5; those that are all of a dim are left out.
  const elementsText = (v, elements) =>
    (elements || []).flatMap(([start, stop], i) => {
      const [dim, size] = dimsOf(v)[i];
      if (start === 0 && stop === size) return [];
      return [`${dim}=${stop === start + 1 ? start : `${start}:${stop}`}`];
    });
  const nameOf = (v, t, elements) => {
    if (data.variables[v].asked) return data.variables[v].name;
    const inner = [...(data.static ? [] : [String(t)]), ...elementsText(v, elements)];
    return data.variables[v].name + (inner.length ? `[${inner.join(", ")}]` : "");
  };

  // ---- The question: n, m and A. A is windows of steps, with single nodes flipped by hand.
  const state = {
    n: data.question.n,
    m: data.question.m,
    windows: data.question.hold,
    flipped: new Set(),
    mode: "n",
    shown: { W: true, X: true, Y: true },
  };
  const windowsAt = (v, t) => state.windows.filter(
    ([w, first, last]) => w === v && first <= t && (last === null || t <= last));
  // How much of a node A holds: 0 nothing, 1 some elements, 2 all of it.
  const share = (v, t) => {
    const inside = windowsAt(v, t);
    const flipped = state.flipped.has(`${v},${t}`);
    const whole = inside.some(([, , , elements]) => !elements) || covers(v, inside);
    if (whole || !inside.length) return whole !== flipped ? 2 : 0;
    return flipped ? 2 : 1;
  };
  const holds = (v, t) => share(v, t) === 2;
  const holdsSome = (v, t) => share(v, t) === 1;
  const sizeOf = (v) => dimsOf(v).reduce((size, [, n]) => size * n, 1);
  const isIn = (place, elements) =>
    !elements || place.every((i, axis) => elements[axis][0] <= i && i < elements[axis][1]);
  const placeOf = (v, unit) => {
    const place = [];
    for (const [, n] of [...dimsOf(v)].reverse()) { place.unshift(unit % n); unit = Math.floor(unit / n); }
    return place;
  };
  const covered = new Map();  // which sets of windows of elements are all of their variable
  function covers(v, inside) {
    if (!inside.length) return false;
    const key = JSON.stringify([v, inside.map((window) => window[3])]);
    if (!covered.has(key)) {
      let all = true;
      for (let unit = 0; all && unit < sizeOf(v); unit++) {
        const place = placeOf(v, unit);
        all = inside.some((window) => isIn(place, window[3]));
      }
      covered.set(key, all);
    }
    return covered.get(key);
  }

  // A stage of the step from t-1 to t belongs to a flow's nodes at both, or to an algebraic
  // variable's node at t-1.
  const belongs = (isHeld, { owner, stage }, t) =>
    (stage !== "algebraic" || t === 0 ? isHeld(owner, t) : true) &&
    (stage && t > 0 ? isHeld(owner, t - 1) : true);

  // ---- The worlds. X: everything downstream of n. Y: the same over paths that avoid A.
  function worlds() {
    const size = (data.steps + 1) * width;
    const held = new Uint8Array(size), x = new Uint8Array(size);
    const y = new Uint8Array(size), moved = new Uint8Array(size), some = new Uint8Array(size);
    const still = lastEvent();
    const any = (row, t, parents) =>
      parents.some(([j, lag]) => t >= lag && row[(t - lag) * width + j]) ? 1 : 0;
    for (let t = 0; t <= data.steps; t++) {
      for (let i = 0; i < width; i++) {
        const equation = data.equations[i], place = t * width + i;
        held[place] = belongs(holds, equation, t) ? 1 : 0;
        some[place] = data.units && !held[place] && belongs((v, at) => share(v, at) > 0, equation, t);
        if (state.n === null) continue;
        if (i === data.home[state.n[0]] && t === state.n[1]) {
          x[place] = y[place] = 1;
        } else if (t >= equation.starts) {
          x[place] = any(x, t, equation.parents);
          y[place] = held[place] ? 0 : any(y, t, equation.parents);
          moved[place] = held[place] || (some[place] && x[place])
            ? x[place] : any(moved, t, equation.parents);
        }
      }
      if (t > still && [held, some, x, y, moved].every((rows) => repeats(rows, t))) {
        [held, some, x, y, moved].forEach((rows) => repeat(rows, t));
        break;
      }
    }
    return { held, some, x, y, moved };
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
  // Several nodes, a span or an expression are a variable of their own, which is not drawn.
  const isAsked = (node, spans, v, t) => node !== null && (data.variables[node[0]].asked
    ? spans.some(([w, first, last]) => w === v && first <= t && (last === null || t <= last))
    : node[0] === v && node[1] === t);
  let now;
  function markOf(v, t) {
    const place = t * width + data.home[v];
    return {
      held: Boolean(now.held[place]), partly: Boolean(now.some[place]), x: Boolean(now.x[place]),
      y: Boolean(now.y[place]), moved: Boolean(now.moved[place]),
      nudged: isAsked(state.n, data.question.nudged, v, t),
      measured: isAsked(state.m, data.question.measured, v, t),
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
      partly: mark.partly,
      faded: !W && !touched,
    };
  }
  function labelOf(text, on) {
    const sign = on.nudged ? "" : on.green ? (on.back ? "◇" : "◆") : on.red ? "▲" : "";
    const parts = [on.nudged ? "n +δ" : "", on.measured ? "m" : "", sign, on.held ? "= w" : on.partly ? "some = w" : ""];
    const second = parts.filter(Boolean).join(" ");
    return second ? `${text}${data.low ? " " : "\n"}${second}` : text;
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
  // Without a theme of its own the page is as the system prefers, and follows it.
  if (data.darkStyle) {
    const prefersDark = matchMedia("(prefers-color-scheme: dark)");
    const restyle = () => cy.style(prefersDark.matches ? data.darkStyle : data.style);
    prefersDark.addEventListener("change", restyle);
    if (prefersDark.matches) restyle();
  }
  cy.on("mouseover", "edge.slope", (event) => say(event.target.data("words")));
  cy.on("mouseout", "edge.slope", () => say(""));
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
    drawLayer();
  }

  function verdict() {
    const A = holdName();
    if (state.n === null) return `Choose a node n to nudge. A = {${A}}.`;
    const n = nameOf(...state.n);
    if (state.m === null) return `n = ${n}, A = {${A}}. Choose a node m to measure.`;
    const m = nameOf(...state.m), mark = markOf(...state.m);
    const head = `n = ${n}, m = ${m}, A = {${A}}: `;
    if (!mark.x) return head + "no path leads from n to m, so n has no influence and Op is undefined.";
    const inside = state.m[2] && windowsAt(state.m[0], state.m[1]).some(
      ([, , , own]) => own && state.m[2].every(([a, b], i) => own[i][0] <= a && b <= own[i][1]));
    if (mark.held || inside) return head + "m is in A, so Y keeps its value from W.";
    if (!mark.y) return head + "every path runs through A; it is the only conduit: Op = -∞.";
    if (!mark.moved) return head + "no path runs through A; X and Y agree on m: Comp = 1, Op = 0.";
    return head + "some paths run through A and some avoid it: Op is what A does about the nudge.";
  }
  function holdName() {
    const parts = state.windows.map(([v, first, last, elements]) => {
      const name = data.variables[v].name, inner = elementsText(v, elements);
      if (!data.static && first === last) inner.unshift(String(first));
      else if (!data.static && !(first === 0 && last === null)) {
        inner.unshift(last === null ? `t>=${first}` : `${first ? first + "<=" : ""}t<=${last}`);
      }
      return inner.length ? `${name}[${inner.join(", ")}]` : name;
    });
    const flips = [...state.flipped].map((key) => {
      const [v, t] = key.split(",").map(Number);
      return (holds(v, t) ? "" : "without ") + nameOf(v, t);
    });
    return [...parts, ...flips].join(", ");
  }

  // ---- Choosing.
  function say(text) { byId("message").textContent = text; }
  const meet = (one, other) => !one || !other ||
    one.every(([a, b], i) => Math.max(a, other[i][0]) < Math.min(b, other[i][1]));
  const nudgedIn = (v, t, elements) => state.n !== null && state.n[0] === v && state.n[1] === t &&
    meet(state.n[2], elements);
  function chooseN(v, t, elements = null) {
    const inside = holdsSome(v, t) && windowsAt(v, t).some((window) => meet(window[3], elements));
    if (holds(v, t) || inside) {
      say(`${nameOf(v, t, elements)} is in A, and the nudge is made in B: take it out of A first.`);
    } else {
      state.n = [v, t, elements];
      say("");
    }
    redraw();
  }
  function chooseM(v, t, elements = null) { state.m = [v, t, elements]; say(""); redraw(); }
  function flipElements(v, t, elements) {
    const same = ([w, first, last, own]) => w === v && first === t && last === t &&
      JSON.stringify(own) === JSON.stringify(elements);
    if (state.windows.some(same)) {
      state.windows = state.windows.filter((window) => !same(window));
      say("");
    } else if (nudgedIn(v, t, elements)) {
      say(`${nameOf(...state.n)} is nudged, and the nudge is made in B: nudge another node first.`);
    } else {
      state.windows.push([v, t, t, elements]);
      say("");
    }
    redraw();
  }
  function flip(v, t) {
    if (nudgedIn(v, t, null) && !holds(v, t)) {
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
      if (on) state.windows.push([v, 0, null, null]);
      state.windows.sort((a, b) => a[0] - b[0]);
      say("");
    }
    redraw();
  }
  cy.on("tap", "node.node", (event) => {
    const v = event.target.data("v"), t = event.target.data("t");
    ({ n: chooseN, m: chooseM, A: flip, open: openLayer })[state.mode](v, t);
  });
  cy.on("dbltap", "node.node", (event) => {
    if (data.units) openLayer(event.target.data("v"), event.target.data("t"));
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
    if (event.key === "o" && data.units) setMode("open");
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
    const elements = byId(`${which}-elements`);
    elements.hidden = !data.units;
    const changed = () => {
      const v = Number(select.value), t = Math.min(data.steps, Math.max(0, Number(step.value) | 0));
      if (v < 0) { state[which] = null; say(""); redraw(); return; }
      const read = readElements(v, elements.value);
      if (typeof read === "string") { say(read); return; }
      picks[which](v, t, read);
    };
    select.addEventListener("change", () => { elements.value = ""; changed(); });
    step.addEventListener("change", changed);
    elements.addEventListener("change", changed);
  }
  data.variables.forEach((variable, v) => {
    if (variable.asked) return;
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
      byId(`${which}-elements`).value =
        state[which] === null ? "" : elementsText(state[which][0], state[which][2]).join(", ");
    }
    document.querySelectorAll("input[name=lane]").forEach((box) => {
      const v = Number(box.value);
      const windows = state.windows.filter(([w]) => w === v);
      const whole = windows.some(([, first, last, own]) => first === 0 && last === null && !own);
      const flips = [...state.flipped].some((key) => Number(key.split(",")[0]) === v);
      box.checked = whole && !flips;
      box.indeterminate = !box.checked && (windows.length > 0 || flips);
    });
  }

  // ---- A layer opened into its units, and its connections as heat maps.
  // Returns the ranges that a text such as "row=2:5, column=1" names, null for all, or what is wrong.
  function readElements(v, text) {
    if (!text.trim()) return null;
    const ranges = dimsOf(v).map(([, n]) => [0, n]);
    for (const part of text.split(",")) {
      const found = /^\s*([^\s=]+)\s*=\s*(\d*)\s*(:?)\s*(\d*)\s*$/.exec(part);
      const axis = found ? dimsOf(v).findIndex(([dim]) => dim === found[1]) : -1;
      if (axis < 0) {
        const dims = dimsOf(v).map(([dim]) => dim).join(", ") || "none";
        return `"${part.trim()}": write a dim and a place, such as hidden=3 or hidden=2:5; its dims: ${dims}.`;
      }
      const size = dimsOf(v)[axis][1], start = Number(found[2] || 0);
      const stop = found[3] ? Number(found[4] || size) : start + 1;
      if (!found[3] && !found[2] || start >= stop || stop > size) {
        return `"${part.trim()}": ${found[1]} goes from 0 to ${size - 1}.`;
      }
      ranges[axis] = [start, stop];
    }
    return ranges;
  }
  let opened = null;  // [variable, step]
  const WRAP = 40;  // units of a vector in a row
  function gridOf(v) {
    const sizes = dimsOf(v).map(([, n]) => n), count = sizeOf(v);
    const columns = sizes.length > 1 ? sizes[sizes.length - 1] : Math.min(WRAP, count);
    return { columns, rows: Math.ceil(count / columns), count };
  }
  function openLayer(v, t) {
    opened = opened !== null && opened[0] === v && opened[1] === t ? null : [v, t];
    byId("units").hidden = opened === null;
    nodes.forEach((node) => {
      node.toggleClass("opened", opened !== null && node.data("v") === v && node.data("t") === t);
    });
    if (opened !== null) listConnections(v);
    cy.resize();
    drawLayer();
  }
  function listConnections(v) {
    const select = byId("connection");
    select.replaceChildren();
    data.units.slopes.forEach((slope, i) => {
      if (slope.parent !== v && slope.child !== v) return;
      const from = nameOf(slope.parent, slope.t - slope.lag), to = nameOf(slope.child, slope.t);
      select.add(new Option(`${from} → ${to}`, i));
    });
    const none = !select.options.length;
    ["connection-label", "weights", "weights-scale", "weights-cell"].forEach((id) => {
      byId(id).hidden = none;
    });
  }
  // Blue to white to red round 0, or white to blue where all have one sign; grey for what is no number.
  function scaleOf(values) {
    let low = Infinity, high = -Infinity;
    for (const x of values) if (x !== null) { low = Math.min(low, x); high = Math.max(high, x); }
    if (low > high) return { low: null, high: null, colour: () => "#bdbdbd" };
    const signed = low < 0 && high > 0, size = Math.max(-low, high) || 1, span = high - low || 1;
    const mix = (a, b, share) => a.map((c, i) => Math.round(c + (b[i] - c) * share));
    const white = [255, 255, 255], blue = [5, 48, 97], red = [103, 0, 31];
    const colour = (x) => {
      if (x === null) return "#bdbdbd";
      const rgb = signed ? mix(white, x < 0 ? blue : red, Math.abs(x) / size)
        : mix(white, blue, (x - low) / span);
      return `rgb(${rgb})`;
    };
    return { low, high, colour };
  }
  function paint(canvas, rows, columns, count, colour, overlay) {
    const room = 340, cell = Math.max(1, Math.min(26, Math.floor(room / Math.max(columns, rows / 1.5))));
    canvas.width = columns * cell + 1;
    canvas.height = rows * cell + 1;
    const pen = canvas.getContext("2d");
    for (let i = 0; i < count; i++) {
      const x = (i % columns) * cell, y = Math.floor(i / columns) * cell;
      pen.fillStyle = colour(i);
      pen.fillRect(x, y, cell, cell);
      if (cell > 4) { pen.strokeStyle = "#d0d0d0"; pen.lineWidth = 1; pen.strokeRect(x + 0.5, y + 0.5, cell, cell); }
    }
    for (let i = 0; overlay && i < count; i++) {
      overlay(pen, i, (i % columns) * cell, Math.floor(i / columns) * cell, cell);
    }
    canvas.dataset.cell = cell;
  }
  function unitAt(canvas, event, columns, count) {
    const box = canvas.getBoundingClientRect();
    const cell = Number(canvas.dataset.cell) * box.width / canvas.width;
    const column = Math.floor((event.clientX - box.x) / cell);
    const i = Math.floor((event.clientY - box.y) / cell) * columns + column;
    return column >= 0 && column < columns && i >= 0 && i < count ? i : null;
  }
  const unitRange = (v, i) => placeOf(v, i).map((k) => [k, k + 1]);
  function unitMark(v, t, i) {
    const place = placeOf(v, i);
    const of = (node) => node !== null && node[0] === v && node[1] === t && isIn(place, node[2]);
    const flipped = state.flipped.has(`${v},${t}`);
    const inside = windowsAt(v, t).some((window) => isIn(place, window[3]));
    return { held: flipped ? holds(v, t) : inside, nudged: of(state.n), measured: of(state.m) };
  }
  function drawLayer() {
    if (!data.units || opened === null) return;
    const [v, t] = opened, { columns, rows, count } = gridOf(v);
    const values = data.units.values[`${v},${t}`] || null;
    const shown = count <= 131072;
    const shape = dimsOf(v).map(([dim, n]) => `${dim} ${n}`).join(" × ") || "a number";
    byId("units-title").textContent = `${nameOf(v, t)}: ${shape}`;
    byId("units-note").textContent = shown ? data.units.note : "Too many units to draw.";
    const scale = scaleOf(values || []);
    byId("units-scale").textContent = values
      ? `values in W from ${scale.low} to ${scale.high}` : "no values: this step is not drawn, or W is not known";
    byId("cells").hidden = !shown;
    if (shown) {
      paint(byId("cells"), rows, columns, count, (i) => (values ? scale.colour(values[i]) : "#e8e8e8"),
        (pen, i, x, y, cell) => {
          const mark = unitMark(v, t, i);
          if (mark.held) {
            pen.strokeStyle = "#b07d00";
            pen.lineWidth = Math.max(1, cell / 9);
            pen.beginPath();
            pen.moveTo(x + 1, y + cell - 1);
            pen.lineTo(x + cell - 1, y + 1);
            pen.stroke();
          }
          if (mark.nudged || mark.measured) {
            pen.strokeStyle = "#1a1a1a";
            pen.lineWidth = Math.max(1, cell / 8);
            pen.setLineDash(mark.nudged ? [] : [3, 2]);
            pen.strokeRect(x + 1, y + 1, cell - 1, cell - 1);
            pen.setLineDash([]);
          }
        });
    }
    drawWeights();
  }
  function chosenSlope() {
    const select = byId("connection");
    return select.options.length ? data.units.slopes[Number(select.value)] : null;
  }
  function drawWeights() {
    const slope = chosenSlope();
    if (slope === null) return;
    const columns = sizeOf(slope.parent), rows = sizeOf(slope.child), scale = scaleOf(slope.values);
    paint(byId("weights"), rows, columns, rows * columns, (i) => scale.colour(slope.values[i]));
    byId("weights-scale").textContent =
      `slopes from ${scale.low} to ${scale.high}: a row for each unit of ` +
      `${nameOf(slope.child, slope.t)}, a column for each of ${nameOf(slope.parent, slope.t - slope.lag)}`;
  }
  if (data.units) {
    const cells = byId("cells"), weights = byId("weights");
    cells.addEventListener("mousemove", (event) => {
      const [v, t] = opened, { columns, count } = gridOf(v), i = unitAt(cells, event, columns, count);
      const values = data.units.values[`${v},${t}`];
      if (i === null) return;
      const mark = unitMark(v, t, i);
      const words = [values ? `= ${values[i]}` : "", mark.held ? "in A" : "in B",
        mark.nudged ? "nudged" : "", mark.measured ? "measured" : ""].filter(Boolean);
      byId("units-cell").textContent = `${nameOf(v, t, unitRange(v, i))} ${words.join(", ")}`;
    });
    cells.addEventListener("click", (event) => {
      const [v, t] = opened, { columns, count } = gridOf(v), i = unitAt(cells, event, columns, count);
      if (i === null || state.mode === "open") return;
      const elements = dimsOf(v).length ? unitRange(v, i) : null;
      if (state.mode === "A" && elements === null) flip(v, t);
      else ({ n: chooseN, m: chooseM, A: flipElements })[state.mode](v, t, elements);
    });
    weights.addEventListener("mousemove", (event) => {
      const slope = chosenSlope(), columns = sizeOf(slope.parent);
      const i = unitAt(weights, event, columns, slope.values.length);
      if (i === null) return;
      const to = nameOf(slope.child, slope.t, unitRange(slope.child, Math.floor(i / columns)));
      const from = nameOf(slope.parent, slope.t - slope.lag, unitRange(slope.parent, i % columns));
      byId("weights-cell").textContent = `∂ ${to} / ∂ ${from} = ${slope.values[i]}`;
    });
    byId("connection").addEventListener("change", drawWeights);
    byId("close").addEventListener("click", () => openLayer(...opened));
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
  window.causalopt = { cy, markOf, state, openLayer, unitMark };
})();
