"use strict";
/* The table of all trials: sorted by a click or Enter on a heading, filtered by the brushes, a page at a time. */
const PAGE = 50;

function tableColumns(axes) {
  const { states, nodes, metric, objectives, parameters, front } = data.trials;
  const first = new Set(front);
  const text = (name, values) => ({ name, cell: (k) => values(k), key: (k) => values(k) });
  const figures = (name, values, show = number) => ({ name, right: true, cell: (k) => show(values[k]), key: (k) => values[k] });
  const found = [{ name: "trial", right: true, cell: (k) => String(columns.number[k]), key: (k) => columns.number[k] }];
  if (objectives.length) {
    found.push({ name: "front", cell: (k) => (first.has(k) ? "★" : ""), key: (k) => (first.has(k) ? 0 : 1) });
    for (const one of objectives) found.push({ ...figures(one.name, one.values), goal: one.goal });
  } else if (metric !== null) {
    found.push({ ...figures(metric, columns.value), goal: data.trials.goal, place: (k) => rankShares[k] }, figures("last", columns.last));
  }
  const named = new Set(axes.filter((axis) => axis.on).map((axis) => axis.name));
  found.push(figures("iterations", columns.iterations), { ...text("state", (k) => states[columns.state[k]]), state: true });
  for (const one of parameters.filter((other) => named.has(other.name))) {
    found.push({ name: one.name, right: !one.labels, cell: (k) => (one.values[k] === null ? "" : cellText(one, k)), key: (k) => one.values[k] });
  }
  found.push(figures("seconds", columns.seconds, (value) => number(value, 4)));
  if (nodes.length > 1) found.push(text("node", (k) => nodes[columns.node[k]]));
  return found;
}

function trialTable(parent, plot) {
  const { objectives } = data.trials;
  let all = tableColumns(plot.axes);
  const objective = all.findIndex((column) => column.goal);
  let by = objectives.length ? "front" : objective < 0 ? "trial" : all[objective].name;
  let down = !objectives.length && objective >= 0 && all[objective].goal === "maximize";
  let page = 0;
  const said = el("strong", { "aria-live": "polite", id: "selection" });
  const where = el("span", {});
  const previous = el("button", { type: "button", onclick: () => turn(-1) }, "Previous");
  const next = el("button", { type: "button", onclick: () => turn(1) }, "Next");
  const clear = el("button", { type: "button", id: "clear", onclick: plot.clear }, "Clear brushes");
  const copy = el("button", { type: "button", id: "csv", onclick: copyRows }, "Copy as CSV");
  const head = el("tr", {});
  const body = el("tbody", {});
  const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Trials" },
    el("table", { class: "rows", id: "trials" }, el("thead", {}, head), body));
  parent.append(el("div", { class: "controls" }, said, clear, copy, previous, next, where), scroll);

  function chosen() {
    const column = all.find((one) => one.name === by) || all[0];
    const places = columns.number.map((_, k) => k).filter((k) => !selected || selected[k]);
    const key = column.key;
    const last = (k) => key(k) === null || key(k) === undefined || (column.place && column.place(k) === null);
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    // What has no value comes last, whichever way it is sorted; failed trials never look like the best ones.
    return places.sort((a, b) => last(a) - last(b) || (last(a) ? 0 : (down ? -1 : 1) * compare(key(a), key(b))) || (rankShares[a] ?? 2) - (rankShares[b] ?? 2) || a - b);
  }

  function fill() {
    const places = chosen();
    page = Math.min(page, Math.max(0, Math.ceil(places.length / PAGE) - 1));
    const from = page * PAGE;
    const total = columns.number.length;
    said.textContent = selected ? `${number(places.length)} of ${number(total)} trials` : `${number(total)} trials`;
    where.textContent = places.length > PAGE ? `${from + 1}–${Math.min(from + PAGE, places.length)}` : "";
    previous.disabled = page === 0;
    next.disabled = from + PAGE >= places.length;
    clear.disabled = !selected;
    head.replaceChildren(...all.map(heading));
    body.replaceChildren(...places.slice(from, from + PAGE).map(row));
  }

  function heading(column) {
    const on = column.name === by;
    const button = el("button", { type: "button", title: `Sort by ${column.name}` }, column.name, on ? (down ? " ▾" : " ▴") : "");
    button.addEventListener("click", () => {
      down = on ? !down : column.goal === "maximize";
      by = column.name;
      page = 0;
      fill();
      [...head.querySelectorAll("th")][all.findIndex((one) => one.name === by)].querySelector("button").focus();
    });
    return el("th", { scope: "col", class: column.right ? "number" : "", "aria-sort": on ? (down ? "descending" : "ascending") : "none" }, button);
  }

  function row(k) {
    const made = el("tr", { tabindex: "-1", class: rankShares[k] === 0 ? "first" : "", "data-trial": columns.number[k] }, all.map((column) => {
      const text = column.cell(k);
      return el("td", { class: column.right ? "number" : column.state ? `s-${text}` : "", title: text.length > 24 ? text : null }, text);
    }));
    made.addEventListener("mouseenter", () => plot.highlight(k));
    made.addEventListener("mouseleave", () => plot.highlight(null));
    made.addEventListener("focus", () => plot.highlight(k));
    return made;
  }

  /* The rows can be walked through with the arrow keys, each is shown among the lines. */
  scroll.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...body.children];
    const at = rows.indexOf(document.activeElement);
    const to = rows[at + (event.key === "ArrowDown" ? 1 : -1)] || (at < 0 ? rows[0] : null);
    if (!to) return;
    event.preventDefault();
    to.focus();
  });

  function turn(way) {
    page += way;
    fill();
    scroll.scrollTop = 0;
  }

  async function copyRows() {
    const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    // A spreadsheet takes what begins so for a formula.
    const safe = (text) => quoted(/^[=+@\t]|^-(?![\d.])/.test(text) ? `'${text}` : text);
    const value = (column, k) => (column.right ? column.key(k) ?? "" : column.cell(k));
    const lines = [all.map((column) => column.name), ...chosen().map((k) => all.map((column) => value(column, k)))];
    try {
      await navigator.clipboard.writeText(lines.map((line) => line.map((one) => safe(String(one))).join(",")).join("\n") + "\n");
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Not copied";
    }
    setTimeout(() => { copy.textContent = "Copy as CSV"; }, 1500);
  }

  const again = () => { all = tableColumns(plot.axes); fill(); };
  selectionWatchers.push(() => { page = 0; fill(); });
  fill();
  return again;
}
