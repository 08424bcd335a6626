"use strict";
// The film's own script: a frame is chosen by the slider, by play or by a click into a curve.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const state = { frame: 0, network: 0, timer: null };
  const finite = (values) => values.flat(Infinity).filter((v) => v !== null);

  // ---- Drawing: an SVG as wide as its place on the page.
  function element(parent, name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.appendChild(made);
    return made;
  }
  function range(values, pad) {
    const sorted = Float64Array.from(values).sort();
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    let low = sorted.length ? at(pad) : 0, high = sorted.length ? at(1 - pad) : 1;
    if (!(high > low)) { low -= 1; high += 1; }
    const room = 0.06 * (high - low);
    return [low - room, high + room];
  }
  function ticks(low, high, most) {
    const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) found.push(k * step);
    return found;
  }
  const shown = (v) => String(Number(v.toPrecision(4)));

  function plot(id, height, xs, ys, xName) {
    const svg = byId(id), width = Math.max(240, svg.parentElement.clientWidth);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const box = { left: 46, right: width - 14, top: 8, bottom: height - 32 };
    const x = (v) => box.left + (v - xs[0]) / (xs[1] - xs[0]) * (box.right - box.left);
    const y = (v) => box.bottom - (v - ys[0]) / (ys[1] - ys[0]) * (box.bottom - box.top);
    for (const v of ticks(...ys, 5)) {
      element(svg, "line", { class: "grid", x1: box.left, x2: box.right, y1: y(v), y2: y(v) });
      element(svg, "text", { x: box.left - 5, y: y(v) + 4, "text-anchor": "end" }, shown(v));
    }
    for (const v of ticks(...xs, width > 600 ? 10 : 5)) {
      element(svg, "text", { x: x(v), y: box.bottom + 14, "text-anchor": "middle" }, shown(v));
    }
    const middle = (box.left + box.right) / 2;
    element(svg, "text", { x: middle, y: height - 4, "text-anchor": "middle" }, xName);
    element(svg, "path", { class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` });
    const clip = element(svg, "clipPath", { id: `${id}-clip` });
    element(clip, "rect", { x: box.left, y: box.top, width: box.right - box.left,
      height: box.bottom - box.top });
    const inside = element(svg, "g", { "clip-path": `url(#${id}-clip)` });
    return { svg, inside, x, y, box, width };
  }
  function line(to, xValues, yValues, kind) {
    let path = "", open = false;
    yValues.forEach((v, i) => {
      if (v === null) { open = false; return; }
      path += `${open ? "L" : "M"}${to.x(xValues[i]).toFixed(2)} ${to.y(v).toFixed(2)}`;
      open = true;
    });
    return element(to.inside, "path", { class: kind, d: path });
  }
  function area(to, xValues, lower, upper, kind) {
    const places = xValues.map((_, i) => i).filter((i) => lower[i] !== null && upper[i] !== null);
    if (places.length < 2) return;
    const point = (i, v) => `${to.x(xValues[i]).toFixed(2)} ${to.y(v).toFixed(2)}`;
    const there = places.map((i) => point(i, lower[i]));
    const back = places.map((i) => point(i, upper[i])).reverse();
    element(to.inside, "path", { class: kind, d: `M${[...there, ...back].join("L")}Z` });
  }
  const column = (rows, k) => rows.map((row) => row[k]);

  // ---- The curves over training.
  const last = data.frames[data.frames.length - 1];
  const opRange = range([...finite(data.op), ...finite(data.low), ...finite(data.high), 0], 0);
  const scoreRange = data.isShare ? [-0.04, 1.04] : range(finite(data.score), 0);
  function curve(id, height, values, mean, ys, low, high) {
    const to = plot(id, height, [0, last], ys, "updates");
    if (low) area(to, data.frames, low, high, "band");
    data.seeds.forEach((_, k) => {
      line(to, data.frames, column(values, k), k === state.network ? "chosen" : "thin");
    });
    line(to, data.frames, mean, "bold");
    const place = to.x(data.frames[state.frame]);
    element(to.svg, "line", { class: "cursor", x1: place, x2: place, y1: to.box.top,
      y2: to.box.bottom });
    to.svg.classList.add("pick");
    to.svg.onclick = (event) => {
      const frame = to.svg.getBoundingClientRect();
      const at = (event.clientX - frame.left) / frame.width * to.width;
      const update = (at - to.box.left) / (to.box.right - to.box.left) * last;
      const off = data.frames.map((f) => Math.abs(f - update));
      show(off.indexOf(Math.min(...off)));
    };
  }

  // ---- The chosen network in the chosen frame.
  const times = [data.time[0], data.time[data.time.length - 1]];
  const isRun = data.time.length > 1;
  const courseRange = range(finite(data.course), 0.04);
  const growthRange = range([...finite(data.total), ...finite(data.direct)], 0.01);
  const shareRange = range([...finite(data.shares), 0], 0);
  function course() {
    if (!isRun) return;
    const to = plot("course", 230, times, courseRange, data.timeName);
    for (const run of data.course[state.frame][state.network]) line(to, data.time, run, "run");
  }
  function growth() {
    if (!isRun) return;
    const to = plot("growth", 230, times, growthRange, data.timeName);
    const total = data.total[state.frame][state.network];
    const direct = data.direct[state.frame][state.network];
    area(to, data.time, total, direct, "gap");
    line(to, data.time, total, "x");
    line(to, data.time, direct, "y");
  }
  function shares() {
    if (data.parts === null) return;
    const title = byId("shares-title");
    if (!data.parts.length) {
      title.textContent = `Op is not shared among parts: ${data.unshared}`;
      byId("shares").remove();
      data.parts = null;
      return;
    }
    title.textContent = "Shapley values of the parts of A [nats]";
    const values = data.shares[state.frame][state.network];
    const errors = data.errors[state.frame][state.network];
    const rows = values.length, height = Math.max(230, 14 * rows + 40);
    const to = plot("shares", height, shareRange, [rows - 0.4, -0.6], "");
    to.svg.querySelectorAll(".grid, text").forEach((old) => old.remove());
    const zero = to.x(0), thick = Math.min(16, 0.7 * (to.box.bottom - to.box.top) / rows);
    for (const v of ticks(...shareRange, 5)) {
      element(to.svg, "text", { x: to.x(v), y: to.box.bottom + 14, "text-anchor": "middle" },
        shown(v));
    }
    element(to.svg, "line", { class: "axis", x1: zero, x2: zero, y1: to.box.top,
      y2: to.box.bottom });
    values.forEach((v, i) => {
      const end = to.x(v), middle = to.y(i);
      element(to.inside, "rect", { class: v < 0 ? "takes" : "adds", x: Math.min(zero, end),
        y: middle - thick / 2, width: Math.abs(end - zero), height: thick });
      element(to.inside, "line", { class: "error", x1: to.x(v - errors[i]),
        x2: to.x(v + errors[i]), y1: middle, y2: middle });
      const name = /=(\d+)\]$/.exec(data.parts[i]);
      element(to.svg, "text", { x: to.box.left - 5, y: middle + 4, "text-anchor": "end" },
        name ? name[1] : data.parts[i]);
    });
  }

  const number = (v, digits) => (v === null ? "undefined" : v.toFixed(digits));
  function show(frame) {
    state.frame = frame;
    byId("frame").value = frame;
    byId("update").textContent = `${data.frames[frame]} of ${last}`;
    curve("op", 250, data.op, data.mean, opRange, data.low, data.high);
    curve("performance", 130, data.score, data.scoreMean, scoreRange);
    course();
    growth();
    shares();
    const interval = data.low[frame] === null ? "" :
      `, 95 % interval ${number(data.low[frame], 2)} to ${number(data.high[frame], 2)}`;
    const status = data.status[frame][state.network];
    byId("verdict").textContent = `After ${data.frames[frame]} updates ${data.question} is ` +
      `${number(data.mean[frame], 2)} nats in the mean over ${data.seeds.length} seeds${interval}; ` +
      `of seed ${data.seeds[state.network]} ${number(data.op[frame][state.network], 2)}` +
      `${status === "ok" ? "" : ` (${status})`}, ` +
      `${data.scoreName} ${number(data.score[frame][state.network], 3)}.`;
  }

  // ---- Controls.
  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    byId("play").textContent = "play";
  }
  byId("play").onclick = () => {
    if (state.timer !== null) { pause(); return; }
    if (state.frame === data.frames.length - 1) show(0);
    byId("play").textContent = "pause";
    state.timer = setInterval(() => {
      if (state.frame === data.frames.length - 1) pause();
      else show(state.frame + 1);
    }, 450);
  };
  byId("frame").oninput = (event) => { pause(); show(Number(event.target.value)); };
  data.seeds.forEach((seed, k) => byId("network").add(new Option(seed, k)));
  byId("network").onchange = (event) => {
    state.network = Number(event.target.value);
    show(state.frame);
  };
  byId("how-well").querySelector("figcaption").textContent = data.scoreName;
  for (const id of ["course", "growth"]) byId(id).parentElement.hidden = !isRun;
  window.onresize = () => show(state.frame);
  show(0);
  window.causalopt = { state, show };
})();
