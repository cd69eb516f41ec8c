"use strict";
/* What all sections share: the data, elements made from plain text, themes, figures that wait to be seen.

   Text of the user's never becomes markup: elements get it as text nodes, plotly gets it through `plain`. */
const data = JSON.parse(document.getElementById("data").textContent);
const watchers = [];   // called when the theme, the scale of the objective or the width changes
const figures = [];
const state = { theme: "light", logObjective: false };

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) made.append(child);
  }
  return made;
}

/* Plotly reads some HTML in its labels. */
function plain(text, longest = 60) {
  const cut = [...String(text)];
  const short = cut.length > longest ? cut.slice(0, longest - 1).join("") + "…" : cut.join("");
  return short.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function number(value, digits = 5) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 2).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(value.toPrecision(digits)));
}

function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = 100 * share;
  return (value > 0 && value < 1 ? value.toFixed(1) : Math.round(value)) + " %";
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 60) return number(value, 3) + " s";
  if (value < 3600) return number(value / 60, 3) + " min";
  return number(value / 3600, 3) + " h";
}

/* The unit in which so many seconds are best told. */
function unitOf(most) {
  if (most < 240) return { name: "s", of: 1 };
  if (most < 4 * 3600) return { name: "min", of: 60 };
  return most < 4 * 86400 ? { name: "h", of: 3600 } : { name: "days", of: 86400 };
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

const RAMPS = {
  light: [[0, [59, 15, 112]], [0.3, [140, 41, 129]], [0.6, [222, 95, 101]], [1, [250, 198, 140]]],
  dark: [[0, [252, 244, 170]], [0.3, [251, 160, 99]], [0.6, [200, 62, 115]], [1, [84, 36, 120]]],
};

/* From the best (0) to the worst (1). */
function ramp(share) {
  const stops = RAMPS[state.theme];
  const at = Math.max(1, stops.findIndex(([place]) => place >= share));
  const [[low, from], [high, to]] = [stops[at - 1], stops[at]];
  const part = (share - low) / (high - low);
  return `rgb(${from.map((value, k) => Math.round(value + part * (to[k] - value))).join(",")})`;
}

function quantile(sorted, share) {
  if (!sorted.length) return 0;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/* Ends of an axis that a few far values do not stretch; how many lie beyond. */
function fence(values) {
  const sorted = values.filter((value) => value !== null && Number.isFinite(value)).sort((a, b) => a - b);
  if (!sorted.length) return { low: 0, high: 1, beyond: 0 };
  const [q1, q9] = [quantile(sorted, 0.05), quantile(sorted, 0.95)];
  const reach = 1.5 * (q9 - q1);
  let [low, high] = [sorted[0], sorted[sorted.length - 1]];
  if (reach > 0 && !state.logObjective) {
    if (data.trials.goal === "maximize" && low < q1 - 2 * reach) low = q1 - reach;
    if (data.trials.goal !== "maximize" && high > q9 + 2 * reach) high = q9 + reach;
  }
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  return { low, high, beyond: sorted.filter((value) => value < low || value > high).length };
}

function objectiveValues() {
  return (data.trials.columns.value || []).filter((value, k) => value !== null && !isFailed(k));
}

function isFailed(k) {
  return data.trials.states[data.trials.columns.state[k]] === "failed";
}

function objectiveAxis(values, title) {
  const { low, high } = fence(values);
  const axis = { title: { text: plain(title) }, zeroline: false };
  if (state.logObjective) {
    const positive = values.filter((value) => value > 0);
    const [a, b] = [Math.min(...positive), Math.max(...positive)].map(Math.log10);
    const pad = (b - a || 1) * 0.06;
    return { ...axis, type: "log", range: [a - pad, b + pad], dtick: b - a > 1.2 ? 1 : undefined };
  }
  const pad = (high - low) * 0.06;
  return { ...axis, range: [low - pad, high + pad] };
}

function outside(values, axis) {
  const [low, high] = axis.type === "log" ? axis.range.map((end) => 10 ** end) : axis.range;
  return values.filter((value) => value !== null && (value < low || value > high)).length;
}

/* Where a trial ranks among those with a value: 0 for the best, 1 for the worst, null for none. */
const rankShares = (() => {
  const values = data.trials.columns.value || [];
  const sign = data.trials.goal === "maximize" ? -1 : 1;
  const order = values.map((_, k) => k).filter((k) => values[k] !== null && !isFailed(k));
  order.sort((a, b) => sign * (values[a] - values[b]) || a - b);
  const shares = new Array(data.trials.columns.number.length).fill(null);
  order.forEach((k, place) => { shares[k] = order.length > 1 ? place / (order.length - 1) : 0; });
  return shares;
})();

/* A figure of plotly's: drawn when it comes into sight, drawn again when the theme changes. */
function figure(parent, name, label, make) {
  const place = el("div", { class: "plot", id: `plot-${name}`, role: "img", "aria-label": label });
  parent.append(place);
  const one = { place, make, drawn: false };
  place.style.height = `${make().layout.height}px`;
  figures.push(one);
  seen.observe(place);
  return () => one.drawn && draw(one);
}

function draw(one) {
  const { data: traces, layout } = one.make();
  one.drawn = true;
  one.place.style.height = `${layout.height}px`;
  Plotly.react(one.place, traces, themed(layout), { displaylogo: false, responsive: true,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] });
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const one = figures.find((other) => other.place === entry.target);
    if (entry.isIntersecting && one && !one.drawn) draw(one);
  }
}, { rootMargin: "600px 0px" });

function themed(layout) {
  const axis = { gridcolor: colour("line"), linecolor: colour("line"), zerolinecolor: colour("line"),
    tickcolor: colour("line"), automargin: true };
  const made = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: colour("text") },
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("text") } },
    margin: { l: 60, r: 16, t: 26, b: 46 }, ...layout };
  for (const key of Object.keys(made)) {
    if (/^[xy]axis\d*$/.test(key)) {
      made[key] = { ...axis, ...made[key] };
      if (made[key].title) made[key].title = { standoff: 8, font: { size: 13, color: colour("soft") }, ...made[key].title };
    }
  }
  if (!made.xaxis) made.xaxis = { ...axis };
  return made;
}

function redraw() {
  for (const one of figures) if (one.drawn) draw(one);
  for (const watcher of watchers) watcher();
}

/* Sections. A section whose data are words is left out, with these words at the end. */
const leftOut = [];

function section(id, title, said) {
  if (typeof data[id] === "string") {
    leftOut.push([title, data[id]]);
    return null;
  }
  return bare(id, title, said);
}

function bare(id, title, said) {
  const made = el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title),
    said && el("p", { class: "said" }, said));
  document.getElementById("main").append(made);
  document.getElementById("nav").append(el("a", { href: `#${id}` }, title));
  return made;
}

function copyButton(text, what) {
  const button = el("button", { type: "button", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // an older browser, or a page that may not
      const area = el("textarea", { "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}

function code(text, what, laid = (whole) => whole) {
  return el("div", { class: "code" }, el("pre", { tabindex: "0", "aria-label": what }, laid(text)), copyButton(text, what));
}

function remembered(key, value) {
  try {  // a file's page may not be allowed to remember anything
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function setTheme(name) {
  state.theme = name;
  document.documentElement.dataset.theme = name;
}

(function tools() {
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = remembered("hpo-theme");
  setTheme(chosen || (prefersDark.matches ? "dark" : "light"));
  const button = el("button", { type: "button", id: "theme" });
  const label = () => { button.textContent = state.theme === "dark" ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    const other = state.theme === "dark" ? "light" : "dark";
    remembered("hpo-theme", other);
    setTheme(other);
    label();
    redraw();
  });
  prefersDark.addEventListener("change", (event) => {
    if (remembered("hpo-theme")) return;
    setTheme(event.matches ? "dark" : "light");
    label();
    redraw();
  });
  label();
  const tools = document.getElementById("tools");
  const values = objectiveValues();
  if (values.length > 1 && Math.min(...values) > 0) {
    const sorted = [...values].sort((a, b) => a - b);
    state.logObjective = quantile(sorted, 0.95) / quantile(sorted, 0.05) > 30;
    const box = el("input", { type: "checkbox", id: "log-objective", checked: state.logObjective });
    box.addEventListener("change", () => { state.logObjective = box.checked; redraw(); });
    tools.append(el("label", {}, box, "log objective"));
  }
  tools.append(button);
})();

let before = null;
addEventListener("beforeprint", () => {
  before = state.theme;
  setTheme("light");
  document.body.style.width = "1010px";
  for (const one of figures) draw(one);
  for (const one of figures) Plotly.relayout(one.place, { width: one.place.clientWidth });
  for (const watcher of watchers) watcher();
});
addEventListener("afterprint", () => {
  setTheme(before);
  document.body.style.width = "";
  for (const one of figures) Plotly.relayout(one.place, { width: null, autosize: true });
  redraw();
});
