"use strict";
/* Parallel coordinates on a canvas, without WebGL, which many a cluster's desktop lacks. Every axis has a
   brush, by pointer or by keys; what is brushed on all axes is the selection that the table shows. */
const AXES = 10;
const TOP = 34, BOTTOM = 16, GAP = 34;
let selected = null;   // null: all; else one boolean a trial
const selectionWatchers = [];

/* What can be an axis: parameters, and what came of the trials. */
function possibleAxes() {
  const found = byImportance(0).map((parameter) => ({ ...parameter, on: false }));
  const order = new Map(data.trials.parameters.map((parameter, k) => [parameter.name, k]));
  found.slice(0, AXES).forEach((axis) => { axis.on = true; });
  found.sort((a, b) => order.get(a.name) - order.get(b.name));
  const states = { name: "state", labels: data.trials.states, values: columns.state, on: false };
  const distinct = (values) => new Set(values).size > 1;
  const iterations = { name: "iterations", values: columns.iterations, low: Math.min(...columns.iterations),
    high: Math.max(...columns.iterations), whole: true, on: distinct(columns.iterations) };
  iterations.log = iterations.low > 0 && iterations.high / iterations.low > 30;
  const tail = distinct(columns.iterations) ? [iterations] : [];
  const objectives = data.trials.objectives.map((one) => ({ ...one, objective: true, on: true }));
  const metric = { name: data.trials.metric, values: columns.value, objective: true, on: true };
  const last = objectives.length ? objectives : data.trials.metric === null ? [] : [metric];
  return [...(distinct(columns.state) ? [states] : []), ...found, ...tail, ...last];
}

/* Places 0 (bottom) … 1 (top) of an axis; null for a value that is missing. */
function scaleOf(axis) {
  if (axis.labels) {
    const used = axis.name === "state" ? [...new Set(axis.values)].sort((a, b) => a - b) : axis.labels.map((_, k) => k);
    const at = new Map(used.map((k, place) => [k, used.length > 1 ? place / (used.length - 1) : 0.5]));
    const step = Math.ceil(used.length / 14);
    return { place: (value) => at.get(value) ?? null,
      ticks: used.filter((_, k) => k % step === 0).map((k) => [at.get(k), axis.labels[k]]) };
  }
  let { low, high, log } = axis;
  if (axis.objective) {
    log = state.logObjective && axis.values.every((value) => value === null || value > 0);
    const known = axis.values.filter((value, k) => value !== null && !isFailed(k));
    if (!known.length) return { place: () => null, ticks: [] };
    ({ low, high } = log ? { low: Math.min(...known), high: Math.max(...known) } : fence(known));
  }
  const turn = log ? Math.log10 : (value) => value;
  const [from, to] = [turn(low), turn(high)];
  const place = (value) => (value === null ? null : to > from ? Math.min(1, Math.max(0, (turn(value) - from) / (to - from))) : 0.5);
  const ticks = (log ? logTicks(low, high) : evenTicks(low, high, axis.whole)).map((value) => [place(value), number(value, 4)]);
  return { place, ticks };
}

function evenTicks(low, high, whole) {
  if (!(high > low)) return [low];
  const raw = (high - low) / 5;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(whole ? 1 : 0, [1, 2, 5, 10].map((k) => k * size).find((k) => k >= raw));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

function logTicks(low, high) {
  const found = [];
  const [a, b] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const steps = b - a <= 2 ? [1, 2, 5] : [1];
  const every = Math.ceil((b - a) / 8);
  for (let k = a; k <= b; k += every) for (const step of steps) found.push(step * 10 ** k);
  const inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  return inside.length ? inside : [low, high];
}

function coordinates(parent) {
  const axes = possibleAxes();
  const count = columns.number.length;
  const height = 440;
  const back = el("canvas", { "aria-hidden": "true" });
  const front = el("canvas", { "aria-hidden": "true" });
  const box = el("div", { class: "coordinates", id: "coordinates", role: "group",
    "aria-label": "Parallel coordinates. Each axis can be brushed: arrow keys set and move a range, with Shift they change its size, Escape clears it." });
  box.style.height = `${height}px`;
  box.append(back, front);
  parent.append(box);
  const order = columns.number.map((_, k) => k).sort((a, b) => (rankShares[b] ?? 2) - (rankShares[a] ?? 2));
  let shown = [];
  let places = [];

  for (const axis of axes) axis.missing = axis.values.some((value) => value === null);
  const bottom = (axis) => height - BOTTOM - (axis.missing ? GAP : 0);
  const y = (axis, share) => (share === null ? height - BOTTOM : bottom(axis) - share * (bottom(axis) - TOP));

  function lay() {
    shown = axes.filter((axis) => axis.on);
    const width = box.clientWidth;
    places = shown.map((_, k) => (shown.length > 1 ? 46 + k * (width - 150) / (shown.length - 1) : width / 2));
    for (const old of box.querySelectorAll(".axis, .axis-name")) old.remove();
    const room = shown.length > 1 ? places[1] - places[0] - 10 : width;
    shown.forEach((axis, k) => {
      axis.scale = scaleOf(axis);
      axis.ys = axis.values.map((value, trial) => y(axis, axis.objective && isFailed(trial) && value === null ? null : axis.scale.place(value)));
      const name = el("div", { class: "axis-name", title: axis.name }, axis.name);
      name.style.maxWidth = `${Math.max(60, room)}px`;
      box.append(name, handle(axis, places[k]));
      const half = name.offsetWidth / 2;
      name.style.left = `${Math.min(width - half, Math.max(half, places[k]))}px`;
    });
    paint();
  }

  function handle(axis, left) {
    const made = el("div", { class: "axis", tabindex: "0", role: "group", "aria-label": `${axis.name}: brush` });
    made.style.left = `${left}px`;
    made.style.top = `${TOP - 8}px`;
    made.style.height = `${height - TOP - BOTTOM + 16}px`;
    axis.handle = made;
    const at = (event) => Math.min(height - BOTTOM + 8, Math.max(TOP - 8, event.clientY - box.getBoundingClientRect().top));
    let from = null, moved = null;
    made.addEventListener("pointerdown", (event) => {
      made.setPointerCapture(event.pointerId);
      from = at(event);
      moved = axis.brush && from >= axis.brush[0] && from <= axis.brush[1] ? [...axis.brush] : null;
    });
    made.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const way = at(event) - from;
      if (Math.abs(way) < 3) return;
      axis.brush = moved ? moved.map((edge) => edge + way) : [Math.min(from, from + way), Math.max(from, from + way)];
      brushed();
    });
    made.addEventListener("pointerup", (event) => {
      if (from !== null && Math.abs(at(event) - from) < 3) { axis.brush = null; brushed(); }
      from = null;
    });
    made.addEventListener("keydown", (event) => {
      if (byKey(axis, event)) { event.preventDefault(); brushed(); }
    });
    mark(axis);
    return made;
  }

  function byKey(axis, event) {
    const middle = (TOP + bottom(axis)) / 2;
    const up = event.key === "ArrowUp", down = event.key === "ArrowDown";
    if (event.key === "Escape" || event.key === "Delete") axis.brush = null;
    else if (!up && !down) return false;
    else if (!axis.brush) axis.brush = up ? [TOP - 6, middle] : [middle, height - BOTTOM + 6];
    else {
      const step = (bottom(axis) - TOP) / 20 * (up ? -1 : 1);
      const [a, b] = axis.brush;
      axis.brush = event.shiftKey ? [Math.min(a + step, b - 4), b] : [a + step, b + step];
      axis.brush = axis.brush.map((edge) => Math.min(height - BOTTOM + 6, Math.max(TOP - 6, edge)));
    }
    return true;
  }

  function mark(axis) {
    axis.handle.replaceChildren();
    if (!axis.brush) return;
    const made = el("div", { class: "brush" });
    made.style.top = `${axis.brush[0] - TOP + 8}px`;
    made.style.height = `${Math.max(3, axis.brush[1] - axis.brush[0])}px`;
    axis.handle.append(made);
  }

  function brushed() {
    const active = shown.filter((axis) => axis.brush);
    shown.forEach(mark);
    selected = active.length ? columns.number.map((_, k) => active.every((axis) => axis.ys[k] >= axis.brush[0] && axis.ys[k] <= axis.brush[1])) : null;
    paint();
    for (const watcher of selectionWatchers) watcher();
  }

  function context(canvas) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(box.clientWidth * ratio);
    canvas.height = Math.round(height * ratio);
    const made = canvas.getContext("2d");
    made.scale(ratio, ratio);
    return made;
  }

  function trace(pen, k) {
    pen.beginPath();
    shown.forEach((axis, n) => (n ? pen.lineTo(places[n], axis.ys[k]) : pen.moveTo(places[n], axis.ys[k])));
    pen.stroke();
  }

  function paint() {
    const pen = context(back);
    const kept = selected ? order.filter((k) => selected[k]) : order;
    pen.lineWidth = 1;
    if (selected) {
      pen.strokeStyle = colour("soft");
      pen.globalAlpha = Math.min(0.25, 40 / count);
      for (const k of order) if (!selected[k]) trace(pen, k);
    }
    pen.lineWidth = kept.length > 300 ? 1 : 1.4;
    const clear = Math.max(0.01, Math.min(0.1, 100 / count));
    kept.forEach((k, place) => {
      const share = rankShares[k];
      // The best ones stay clear however many lines lie below them.
      pen.globalAlpha = share === null ? 0.3 : share < clear ? Math.min(0.9, 90 / kept.length + 0.35) : Math.min(0.75, 60 / kept.length + 0.06);
      pen.strokeStyle = share === null ? colour("soft") : ramp(share);
      if (place === kept.length - 1 && share === 0) { pen.globalAlpha = 1; pen.lineWidth = 2.6; }
      trace(pen, k);
    });
    pen.globalAlpha = 1;
    shown.forEach((axis, n) => paintAxis(pen, axis, places[n], n + 1 < shown.length ? places[n + 1] - places[n] - 16 : 100));
    highlight(null);
  }

  function paintAxis(pen, axis, x, room) {
    pen.strokeStyle = colour("text");
    pen.lineWidth = 1.2;
    pen.beginPath();
    pen.moveTo(x, TOP - 4);
    pen.lineTo(x, bottom(axis) + 2);
    pen.stroke();
    pen.font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    const ticks = axis.missing ? [...axis.scale.ticks, [null, "none"]] : axis.scale.ticks;
    for (const [share, text] of ticks) {
      let short = text;
      while (short.length > 3 && pen.measureText(short).width > room) short = `${short.slice(0, -2)}…`;
      pen.lineWidth = 3.5;
      pen.strokeStyle = colour("card");
      pen.strokeText(short, x + 7, y(axis, share));
      pen.fillStyle = share === null ? colour("soft") : colour("text");
      pen.fillText(short, x + 7, y(axis, share));
      pen.fillRect(x - 3, y(axis, share) - 0.5, 6, 1.2);
    }
  }

  function highlight(k) {
    const pen = context(front);
    if (k === null) return;
    pen.lineWidth = 3;
    pen.strokeStyle = colour("accent");
    trace(pen, k);
  }

  lay();
  watchers.push(lay);
  let width = box.clientWidth;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    lay();
  }).observe(box);
  const clear = () => { axes.forEach((axis) => { axis.brush = null; }); brushed(); };
  return { axes, lay, clear, highlight, brushed };
}
