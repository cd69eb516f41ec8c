"use strict";
/* The figures of plotly's: each function gives traces and a layout from the data as they are. */
const columns = data.trials.columns;
const placeOf = new Map(columns.number.map((trial, k) => [trial, k]));

function alpha(name, share) {
  const hex = colour(name).slice(1);
  const parts = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${parts.join(",")},${share})`;
}

function stateColour(name) {
  const dark = state.theme === "dark";
  return { finished: dark ? "#6f9bff" : "#2f5bd0", stopped: dark ? "#5b6b86" : "#a9b8d6", failed: colour("bad"),
    running: dark ? "#6fcf97" : "#2f9e64", paused: dark ? "#8d7bb8" : "#c3b6e0",
    interrupted: dark ? "#c39b4a" : "#dfb35e" }[name] || colour("soft");
}

/* The best values fall fast at first: from where a fiftieth of the time is over they fill the figure. */
function bestAxis(best, reference) {
  const axis = objectiveAxis(best.dots.map((dot) => dot[2]), data.trials.metric);
  const early = best.steps[0][0] + (best.end[0] - best.steps[0][0]) / 50;
  const after = best.steps.filter((step, k) => k === best.steps.length - 1 || best.steps[k + 1][0] > early).map((step) => step[2]);
  const near = reference ? [...reference.high, ...reference.low].filter((_, k) => reference.time[k % reference.time.length] >= early) : [];
  const values = [...after, ...near];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (high === low || state.logObjective) return axis;
  const [small, large] = [0.08, 0.5].map((share) => share * (high - low));
  return { ...axis, range: data.trials.goal === "maximize" ? [low - large, high + small] : [low - small, high + large] };
}

/* Best so far against time (left) and against CPU or GPU time (right). */
function bestSoFar() {
  const best = data.best;
  const time = unitOf(best.end[0]);
  const cost = unitOf(best.end[1] * 3600);
  const traces = [];
  const reference = typeof best.reference === "object" ? best.reference : null;
  [0, 1].forEach((side) => {
    const axes = side ? { xaxis: "x2", yaxis: "y" } : { xaxis: "x", yaxis: "y" };
    const scale = (value) => side ? value * 3600 / cost.of : value / time.of;
    const shown = { ...axes, showlegend: side === 0 };
    if (reference) {
      const x = (side ? reference.hours : reference.time).map(scale);
      const line = { mode: "lines", hoverinfo: "skip", ...shown };
      traces.push({ ...line, x, y: reference.high, line: { width: 0 }, showlegend: false });
      traces.push({ ...line, x, y: reference.low, line: { width: 0 }, fill: "tonexty", fillcolor: alpha("soft", 0.2),
        name: "random order, 5–95 %" });
      traces.push({ ...line, x, y: reference.middle, line: { width: 1.5, dash: "dot", color: colour("soft") },
        name: "random order, median" });
    }
    traces.push({ ...shown, mode: "markers", name: "trials", x: best.dots.map((dot) => scale(dot[side])),
      y: best.dots.map((dot) => dot[2]), text: best.dots.map((dot) => `trial ${dot[3]}: ${number(dot[2])}`),
      hovertemplate: "%{text}<extra></extra>", marker: { size: 4.5, color: alpha("soft", 0.45) } });
    const last = best.steps[best.steps.length - 1];
    traces.push({ ...shown, mode: "lines+markers", name: "best so far",
      x: [...best.steps.map((step) => scale(step[side])), scale(best.end[side])], y: [...best.steps.map((step) => step[2]), last[2]],
      text: [...best.steps.map((step) => `trial ${step[3]}: ${number(step[2])}`), ""],
      hovertemplate: "%{text}<extra></extra>", line: { shape: "hv", width: 2.5, color: colour("accent") },
      marker: { size: [...best.steps.map(() => 6), 0] } });
  });
  const unit = best.unit === "GPU" ? "GPU" : "CPU";
  return { data: traces, layout: { height: 400, legend: { orientation: "h", y: 1.12, x: 0 },
    xaxis: { domain: [0, 0.48], title: { text: `wall clock (${time.name})` }, rangemode: "tozero" },
    xaxis2: { domain: [0.52, 1], title: { text: `${unit} time (${unit}-${cost.name})` }, rangemode: "tozero", anchor: "y" },
    yaxis: bestAxis(best, reference), hovermode: "closest" } };
}

/* A grid of small figures: axes of place k. */
function cell(k, across, down, gap = 0.045) {
  const [column, row] = [k % across, Math.floor(k / across)];
  const width = (1 - gap * (across - 1)) / across;
  const drop = 0.27 / down;
  const height = (1 - drop * (down - 1)) / down;
  const left = column * (width + gap);
  const top = 1 - row * (height + drop);
  const n = k ? String(k + 1) : "";
  return { x: `x${n}`, y: `y${n}`, xkey: `xaxis${n}`, ykey: `yaxis${n}`, xdomain: [left, left + width],
    ydomain: [Math.max(0, top - height), top], first: column === 0 };
}

/* Between the ticks of a logarithmic axis: a decade where it spans some. */
function decade(values) {
  const known = values.filter((value) => value > 0);
  return Math.max(...known) / Math.min(...known) > 30 ? 1 : undefined;
}

/* An axis of a parameter: choices stand at even places, numbers on their own scale. */
function parameterAxis(parameter) {
  const axis = { title: { text: plain(parameter.name, 34), font: { size: 12.5 } } };
  if (parameter.labels) {
    const step = Math.max(1, Math.ceil(parameter.labels.length / 8));
    const places = parameter.labels.map((_, k) => k).filter((k) => k % step === 0);
    return { ...axis, tickvals: places, ticktext: places.map((k) => plain(parameter.labels[k], 14)),
      range: [-0.6, parameter.labels.length - 0.4], showgrid: false };
  }
  if (parameter.log) return { ...axis, type: "log", exponentformat: "power", nticks: 6, dtick: decade(parameter.values) };
  return { ...axis, nticks: 6 };
}

const SLICED = 1500;
let slicedBudget = 0;

/* The parameters in the order of their importance, where that is known. */
function byImportance(budget) {
  const tables = typeof data.importance === "object" ? data.importance.tables : [];
  const rows = (tables[Math.min(budget, tables.length - 1)] || { rows: [] }).rows;
  const order = new Map(rows.map((row, k) => [row.name, k]));
  return [...data.trials.parameters].sort((a, b) => (order.get(a.name) ?? 999) - (order.get(b.name) ?? 999));
}

function slices() {
  const budget = data.slices.budgets[slicedBudget];
  const shown = byImportance(slicedBudget).slice(0, 12);
  const sign = data.trials.goal === "maximize" ? -1 : 1;
  let places = budget.of.map((_, k) => k);
  const best = places.reduce((a, b) => (sign * budget.values[b] < sign * budget.values[a] ? b : a), places[0]);
  const step = Math.ceil(places.length / SLICED);
  places = places.filter((k) => k % step === 0 || k === best);
  const across = shown.length === 5 || shown.length === 6 ? 3 : Math.min(4, shown.length);
  const down = Math.ceil(shown.length / across);
  const layout = { height: 60 + 235 * down, showlegend: false, hovermode: "closest", margin: { l: 60, r: 16, t: 10, b: 46 } };
  const traces = [];
  const count = data.trials.columns.number.length;
  shown.forEach((parameter, n) => {
    const at = cell(n, across, down);
    const there = places.filter((k) => parameter.values[budget.of[k]] !== null);
    // Choices are spread a little, always alike, so that trials do not hide each other.
    const x = there.map((k) => parameter.values[budget.of[k]] + (parameter.labels ? ((budget.of[k] * 0.618034) % 1 - 0.5) * 0.5 : 0));
    traces.push({ type: "scatter", mode: "markers", x, y: there.map((k) => budget.values[k]), xaxis: at.x, yaxis: at.y,
      text: there.map((k) => `trial ${columns.number[budget.of[k]]}: ${number(budget.values[k])}<br>${plain(parameter.name)} ${plain(cellText(parameter, budget.of[k]))}`),
      hovertemplate: "%{text}<extra></extra>",
      marker: { size: there.length > 400 ? 4 : 5.5, opacity: 0.75, color: there.map((k) => 1 - budget.of[k] / Math.max(1, count - 1)),
        colorscale: [0, 0.3, 0.6, 1].map((share) => [share, ramp(share)]), cmin: 0, cmax: 1,
        line: { width: 0 } } });
    const bestX = parameter.values[budget.of[best]];
    if (bestX !== null) {
      traces.push({ mode: "markers", x: [bestX], y: [budget.values[best]], xaxis: at.x, yaxis: at.y, hoverinfo: "skip",
        marker: { size: 13, symbol: "circle-open", color: colour("accent"), line: { width: 2.5 } } });
    }
    layout[at.xkey] = { ...parameterAxis(parameter), domain: at.xdomain, anchor: at.y };
    layout[at.ykey] = { ...objectiveAxis(budget.values, data.trials.metric), domain: at.ydomain, anchor: at.x,
      matches: n ? "y" : undefined, showticklabels: at.first, title: at.first ? { text: plain(data.trials.metric, 28) } : undefined };
  });
  return { data: traces, layout };
}

function cellText(parameter, k) {
  const value = parameter.values[k];
  if (value === null || value === undefined) return "–";
  return parameter.labels ? parameter.labels[value] : number(value, 5);
}

let logIterations = false;

function learningCurves() {
  const lines = [...data.curves.lines];
  const share = (line) => rankShares[placeOf.get(line.trial)];
  lines.sort((a, b) => (share(b) ?? 2) - (share(a) ?? 2));
  const first = lines.length > 24;
  const traces = lines.map((line) => {
    const rank = share(line);
    const top = lines.length <= 8 || line === lines[lines.length - 1];
    return { mode: line.x.length > 1 ? "lines" : "markers", x: line.x, y: line.y, showlegend: false,
      text: line.x.map((x, k) => `trial ${line.trial}, iteration ${number(x)}: ${number(line.y[k])}`),
      hovertemplate: "%{text}<extra></extra>", opacity: top ? 1 : first ? 0.6 : 0.85, marker: { size: 4, color: rank === null ? colour("soft") : ramp(rank) },
      line: { width: top ? 2.4 : 1.1, color: rank === null ? colour("soft") : ramp(rank) } };
  });
  const rungs = data.curves.rungs.length <= 12 ? data.curves.rungs : [];
  const longest = Math.max(...lines.map((line) => line.x[line.x.length - 1]));
  const least = Math.min(...lines.map((line) => line.x[0]));
  const at = (x) => (logIterations ? Math.log10(x) : x);
  return { data: traces, layout: { height: 430, hovermode: "closest",
    xaxis: { title: { text: "iteration" }, type: logIterations ? "log" : "linear",
      range: logIterations ? [Math.log10(least) - 0.03, Math.log10(longest) + 0.03] : [0, longest * 1.02] },
    yaxis: objectiveAxis(lines.flatMap((line) => line.y), data.trials.metric),
    shapes: rungs.map((x) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", layer: "below",
      line: { width: 1.2, dash: "dash", color: colour("soft") } })),
    annotations: rungs.map((x) => ({ x: at(x), y: 1, yref: "paper", yanchor: "bottom", showarrow: false,
      text: number(x), font: { size: 11.5, color: colour("soft") } })) } };
}

function survivalBars() {
  const { rungs, reached, on, waiting, promoted, trials } = data.survival;
  const labels = ["started", ...rungs.map((rung) => `iteration ${number(rung)}`)];
  const places = labels.map((_, k) => k);
  const tooMany = labels.length > 12;
  const bar = (name, values, fill) => ({ type: "bar", name, x: places, y: values, marker: { color: fill },
    hovertemplate: `%{y} ${name}<extra></extra>` });
  const stopped = rungs.map((_, k) => reached[k] - on[k] - waiting[k]);
  const early = trials - (reached[0] ?? 0);
  return { data: [bar("went on", [reached[0] ?? 0, ...on], stateColour("finished")),
    ...(waiting.some(Boolean) ? [bar("running or paused there", [0, ...waiting], stateColour("running"))] : []),
    bar("ended there", [early, ...stopped], stateColour("stopped"))],
  layout: { height: 330, barmode: "stack", bargap: 0.35, legend: { orientation: "h", y: 1.17, x: 0 },
    xaxis: { tickvals: places, ticktext: tooMany ? ["start", ...rungs.map((rung) => number(rung))] : labels, showgrid: false },
    yaxis: { title: { text: "trials" } },
    annotations: tooMany ? [] : [trials, ...reached].map((count, k) => ({ x: k, y: count, yanchor: "bottom", showarrow: false,
      text: k ? `${number(count)} <span style="color:${colour("soft")}">(${percent(count / trials)})</span>` : number(count) })) } };
}

function workerBars() {
  const told = data.workers;
  const time = unitOf(told.whole);
  const lanes = told.lanes.length;
  const height = Math.min(900, Math.max(110, 26 * lanes));
  const bins = told.busy.map((_, k) => (k + 0.5) * told.whole / told.busy.length / time.of);
  const split = height / (height + 130);
  const traces = [{ x: bins, y: told.busy.map((share) => 100 * share), xaxis: "x", yaxis: "y2", mode: "lines", fill: "tozeroy",
    line: { width: 1.2, color: colour("accent"), shape: "hvh" }, fillcolor: alpha("accent", 0.25), showlegend: false,
    hovertemplate: "%{y:.0f} % busy<extra></extra>" }];
  if (told.map) {
    traces.push({ type: "heatmap", x: bins, y: told.lanes.map((_, k) => k), z: told.map, zmin: 0, zmax: 100, xaxis: "x", yaxis: "y",
      colorscale: [[0, colour("faint")], [1, stateColour("finished")]], hovertemplate: "%{z} % busy<extra></extra>",
      colorbar: { title: { text: "% busy" }, len: split, y: split / 2, thickness: 12, outlinewidth: 0 } });
  } else {
    for (const name of [...new Set(told.bars.map((bar) => bar[4]))]) {
      const bars = told.bars.filter((bar) => bar[4] === name);
      traces.push({ type: "bar", orientation: "h", name: name, y: bars.map((bar) => bar[1]), base: bars.map((bar) => bar[2] / time.of),
        x: bars.map((bar) => bar[3] / time.of), text: bars.map((bar) => `trial ${bar[0]}, ${name}: ${seconds(bar[3])}`),
        textposition: "none", hovertemplate: "%{text}<extra></extra>", xaxis: "x", yaxis: "y",
        marker: { color: stateColour(name), line: { width: told.bars.length > 600 ? 0 : told.bars.length > 300 ? 0.3 : 1, color: colour("card") } } });
    }
  }
  const step = Math.ceil(lanes / 32);
  const ticks = told.lanes.map((_, k) => k).filter((k) => k % step === 0);
  return { data: traces, layout: { height: height + 190, barmode: "overlay", bargap: 0.15, hovermode: "closest",
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, showlegend: !told.map,
    xaxis: { title: { text: `wall clock (${time.name})` }, range: [0, told.whole / time.of], anchor: "y" },
    yaxis: { domain: [0, split], tickvals: ticks, ticktext: ticks.map((k) => plain(told.lanes[k], 24)), range: [lanes - 0.4, -0.6], showgrid: false },
    yaxis2: { domain: [split + 0.05, 1], range: [0, 105], ticksuffix: " %", nticks: 4 } } };
}

/* The schedule of each hyperparameter that changed; the way to the best value stands out. */
function schedules() {
  const shown = data.family.parameters.slice(0, 12);
  const across = Math.min(shown.length <= 4 ? 2 : 3, shown.length);
  const down = Math.ceil(shown.length / across);
  const layout = { height: 60 + 250 * down, hovermode: "closest", showlegend: false, margin: { l: 64, r: 16, t: 26, b: 46 }, annotations: [] };
  const traces = [];
  shown.forEach((parameter, n) => {
    const at = cell(n, across, down, 0.07);
    const shape = { shape: "hv" };
    for (const line of parameter.lines) {
      traces.push({ mode: "lines", x: line.points.map((point) => point[0]), y: line.points.map((point) => point[1]), xaxis: at.x, yaxis: at.y,
        line: { ...shape, width: 1.1, color: alpha("soft", 0.55) }, hovertemplate: `trial ${line.trial}, iteration %{x}: %{y}<extra></extra>` });
    }
    traces.push({ mode: "lines", x: parameter.best.map((point) => point[0]), y: parameter.best.map((point) => point[1]), xaxis: at.x, yaxis: at.y,
      line: { ...shape, width: 3, color: colour("accent") }, hovertemplate: "way to the best: iteration %{x}: %{y}<extra></extra>" });
    const scale = parameterAxis({ ...parameter, values: parameter.lines.flatMap((line) => line.points.map((point) => point[1])) });
    layout[at.xkey] = { domain: at.xdomain, anchor: at.y, title: { text: "iteration" } };
    layout[at.ykey] = { ...scale, domain: at.ydomain, anchor: at.x };
  });
  return { data: traces, layout };
}

function familyTree() {
  const { members, exploits, way } = data.family;
  const row = new Map(members.map(([trial], k) => [trial, k]));
  const traces = members.map(([trial, iterations, value]) => ({ mode: "lines", x: [0, iterations], y: [row.get(trial), row.get(trial)],
    line: { width: 2, color: alpha("soft", 0.4) }, hovertemplate: `trial ${trial}: ${number(value)}<extra></extra>`, showlegend: false }));
  const jumps = { x: [], y: [] };
  for (const [iteration, clone, donor, begun] of exploits) {
    if (!row.has(clone) || !row.has(donor)) continue;
    jumps.x.push(begun, iteration, null);
    jumps.y.push(row.get(donor), row.get(clone), null);
  }
  traces.push({ mode: "lines", ...jumps, name: "goes on from another's state", line: { width: 1, dash: "dot", color: colour("soft") }, hoverinfo: "skip" });
  const clones = exploits.filter(([, clone, donor]) => row.has(clone) && row.has(donor));
  traces.push({ mode: "markers", x: clones.map((one) => one[0]), y: clones.map((one) => row.get(one[1])), name: "changed configuration",
    text: clones.map(([iteration, clone, donor]) => `iteration ${number(iteration)}: trial ${clone} goes on from trial ${donor}`),
    hovertemplate: "%{text}<extra></extra>", marker: { size: 7, color: colour("card"), line: { width: 1.6, color: colour("soft") } } });
  const line = { x: [], y: [] };
  for (const [trial, begin, end] of way) {
    if (!row.has(trial)) continue;
    line.x.push(begin, end);
    line.y.push(row.get(trial), row.get(trial));
  }
  traces.push({ mode: "lines", ...line, name: "way to the best value", line: { width: 4, color: colour("accent") }, hoverinfo: "skip" });
  const step = Math.ceil(members.length / 30);
  const ticks = members.map((_, k) => k).filter((k) => k % step === 0);
  return { data: traces, layout: { height: Math.min(820, 130 + 26 * members.length), hovermode: "closest", legend: { orientation: "h", y: 1.01, yanchor: "bottom", x: 0 },
    xaxis: { title: { text: "iteration" }, rangemode: "tozero" },
    yaxis: { tickvals: ticks, ticktext: ticks.map((k) => `trial ${members[k][0]}`), range: [members.length - 0.4, -0.6], showgrid: false } } };
}

const FRONT_DOTS = 2000;
const frontAxes = [0, 1];

function paretoFront() {
  const [a, b] = frontAxes.map((k) => data.trials.objectives[k]);
  const first = new Set(data.trials.front);
  const there = columns.number.map((_, k) => k).filter((k) => a.values[k] !== null && b.values[k] !== null);
  const others = there.filter((k) => !first.has(k));
  const step = Math.ceil(others.length / FRONT_DOTS) || 1;
  const text = (k) => `trial ${columns.number[k]}<br>${plain(a.name)} ${number(a.values[k])}<br>${plain(b.name)} ${number(b.values[k])}`;
  const dots = (places, marker, name) => ({ mode: "markers", name, x: places.map((k) => a.values[k]), y: places.map((k) => b.values[k]),
    text: places.map(text), hovertemplate: "%{text}<extra></extra>", marker });
  const best = there.filter((k) => first.has(k)).sort((one, two) => a.values[one] - a.values[two]);
  const turn = a.goal === "maximize" ? "vh" : "hv";
  const traces = [dots(others.filter((_, k) => k % step === 0), { size: 5, color: alpha("soft", 0.5) }, "other trials")];
  if (data.trials.objectives.length === 2) {
    traces.push({ mode: "lines", x: best.map((k) => a.values[k]), y: best.map((k) => b.values[k]), hoverinfo: "skip", showlegend: false,
      line: { shape: turn, width: 1.6, color: colour("accent") } });
  }
  traces.push(dots(best, { size: 9, color: colour("accent") }, "Pareto front"));
  const axis = (one) => ({ title: { text: `${plain(one.name)} (${one.goal})` }, zeroline: false });
  return { data: traces, layout: { height: 430, hovermode: "closest", xaxis: axis(a), yaxis: axis(b), legend: { orientation: "h", y: 1.1, x: 0 } } };
}
