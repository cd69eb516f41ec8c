"use strict";
/* The page from top to bottom. */
function showSummary() {
  const { name, state: ended, figures: told, facts, notes, description } = data.summary;
  const made = el("section", { id: "summary", "aria-label": "Summary" },
    el("div", { class: "title" }, el("h1", {}, name), el("span", { class: `state ${/^\w+$/.test(ended) ? ended : ""}` }, ended)),
    description && el("p", { class: "said" }, description),
    notes.map((text) => el("p", { class: "note" }, text)),
    el("div", { class: "figures" }, told.map(([label, text, note]) =>
      el("div", { class: "figure" }, el("div", {}, label), el("b", {}, text), el("div", {}, note)))),
    el("details", {}, el("summary", {}, "The run"), el("dl", {}, facts.map(([label, text]) => [el("dt", {}, label), el("dd", {}, text)]))));
  document.getElementById("main").append(made);
}

function showRecipes() {
  const several = Array.isArray(data.recipes) && data.recipes.length > 1;
  const made = section("recipes", "Reproduce");
  if (!made) return;
  made.querySelector("h2").textContent = several ? "How to train the trials of the front again" : "How to train the best trial again";
  for (const one of data.recipes) {
    const parts = [el("div", {}, el("h3", {}, "Configuration, as YAML"), code(one.yaml, "configuration"))];
    const right = el("div", {}, el("h3", {}, "Command line"));
    if (one.command) right.append(code(one.command, "command line", words));
    else right.append(el("p", { class: "why" }, one.no_command));
    if (one.cwd && one.command) right.append(el("p", { class: "said" }, `to be run in ${one.cwd}`));
    if (one.schedule) {
      right.append(el("h3", {}, "Its schedule"), el("p", { class: "said" }, "Its configuration changed while it trained; this prints what it went through, for hpo run --replay."), code(one.schedule, "schedule"));
    }
    parts.push(right);
    const block = el("div", { class: "pair" }, parts);
    made.append(several ? el("details", { open: one === data.recipes[0] }, el("summary", {}, `trial ${one.trial}`), block) : block);
  }
}

/* A command line that is broken between its words alone. */
function words(text) {
  return text.split(/(?<= )(?=-)/).map((word) => el("span", { class: "word" }, word));
}

function showBest() {
  const made = section("best", "Best so far");
  if (!made) return;
  const { reference, sampled, unit, each } = data.best;
  const more = el("p", { class: "said" });
  const about = typeof reference === "string" ? `${reference[0].toUpperCase()}${reference.slice(1)}.` :
    `The grey band is what the same trials would have given in random order in the same slots (${reference.shuffles} shuffles): a search that learns lies below it if less is better, else above; random search lies within.`;
  made.append(el("p", { class: "said" }, `${about} A trial has ${number(each)} ${unit}${each === 1 ? "" : "s"}.${sampled ? ` ${sampled}.` : ""}`), more);
  const tell = () => {
    const beyond = outside(data.best.dots.map((dot) => dot[2]), bestAxis(data.best, typeof reference === "object" ? reference : null));
    more.textContent = beyond ? `${number(beyond)} trials lie beyond the vertical axis, which shows the best ones.` : "";
  };
  tell();
  watchers.push(tell);
  figure(made, "best", "Best value so far against wall clock and against computing time", bestSoFar);
}

function showTrials() {
  if (!columns.number.length) { leftOut.push(["Trials", "none has begun"]); return; }
  const made = bare("coordinates-and-table", "Trials", null);
  const legend = el("span", { class: "legend legend-text" });
  const paintLegend = () => {
    legend.replaceChildren("best", el("i", {}), "worst");
    legend.querySelector("i").style.background = `linear-gradient(90deg, ${[0, 0.3, 0.6, 1].map(ramp).join(",")})`;
  };
  paintLegend();
  watchers.push(paintLegend);
  made.append(el("div", { class: "controls" },
    el("span", { class: "said" }, "A line is a trial. Drag along an axis to keep some of them, also on several axes; by keyboard, Tab to an axis and use the arrow keys."), rankShares.some((share) => share !== null) && legend));
  const plot = coordinates(made);
  const checks = el("div", { class: "checks" });
  let again = () => {};
  for (const axis of plot.axes) {
    const box = el("input", { type: "checkbox", checked: axis.on });
    box.addEventListener("change", () => { axis.on = box.checked; axis.brush = null; plot.lay(); plot.brushed(); again(); });
    checks.append(el("label", {}, box, axis.name));
  }
  const hidden = plot.axes.filter((axis) => !axis.on).length;
  made.append(el("details", { class: "axes-choice" }, el("summary", {}, `Axes and columns${hidden ? ` (${hidden} not shown)` : ""}`), checks));
  again = trialTable(made, plot);
}

function showFront() {
  const { objectives } = data.trials;
  if (!objectives.length) return;
  const made = bare("front", "Pareto front", "Trials that no other one beats in all objectives. Values are the last ones of each trial.");
  if (objectives.length > 2) {
    const choice = frontAxes.map((start, side) => {
      const list = el("select", { "aria-label": side ? "vertical" : "horizontal" }, objectives.map((one, k) => el("option", { value: k, selected: k === start }, one.name)));
      list.addEventListener("change", () => { frontAxes[side] = Number(list.value); again(); });
      return list;
    });
    made.append(el("div", { class: "controls" }, "axes", choice));
  }
  const again = figure(made, "front", "Pareto front", paretoFront);
}

const ROWS = 15;

function importanceTable(table) {
  const shown = table.rows.slice(0, ROWS);
  const rest = table.rows.slice(ROWS);
  const track = (left, width, both) => {
    const bar = el("i", {});
    bar.style.left = `${left}%`;
    bar.style.width = `${width}%`;
    return el("div", { class: both ? "track both" : "track" }, bar);
  };
  const rows = shown.map((row) => {
    const width = row.r === null ? 0 : 50 * Math.abs(row.r);
    const sign = row.eta ? "" : row.r > 0 ? "+" : row.r < 0 ? "−" : "";
    return el("tr", {}, el("td", { class: "name", title: row.name }, row.name), el("td", { class: "amount" }, percent(row.share)),
      el("td", {}, track(0, 100 * row.share, false)),
      el("td", { class: "amount", title: row.eta ? "correlation ratio, which has no sign" : null }, row.r === null ? "–" : `${row.eta ? "η " : ""}${sign}${Math.abs(row.r).toFixed(2)}`),
      el("td", {}, row.eta ? track(0, 0, true) : track(row.r > 0 ? 50 : 50 - width, width, true)));
  });
  const widths = ["34%", "11%", "23%", "14%", "18%"].map((width) => { const one = el("col", {}); one.style.width = width; return one; });
  return el("div", { class: table.grey ? "grey" : "" },
    el("h3", {}, `${table.label}, n = ${number(table.n)}${table.grey ? ": too few to rely on" : ""}`),
    table.rows.length ? el("table", { class: "bars" }, el("colgroup", {}, widths),
      el("thead", {}, el("tr", {}, el("th", {}, "parameter"), el("th", { colspan: "2" }, "importance"), el("th", { colspan: "2" }, "linear correlation"))),
      el("tbody", {}, rows)) : el("p", { class: "why" }, "nothing can be said"),
    rest.length > 0 && el("p", { class: "said" }, `${rest.length} more, ${percent(rest.reduce((sum, row) => sum + row.share, 0))} in total`));
}

function showImportance() {
  const said = data.importance.of === "gain" ?
    "PED-ANOVA of what a stretch of training between two milestones gained, less the median gain of all in the same iterations: final values would credit a configuration with what its ancestors had learnt." :
    "PED-ANOVA: how far the values among the best tenth differ from those of all trials with the same training. The lowest rung has seen all trials; those at higher ones have survived, so what ended the others looks less important there. A linear correlation misses whatever is best in the middle; of log-scaled parameters it is that of the logarithm, of choices the correlation ratio η.";
  const made = section("importance", "Importance", said);
  if (made) made.append(el("div", { class: "panels" }, data.importance.tables.map(importanceTable)));
}

function showSlices() {
  const made = section("slices", "Slices");
  if (!made) return;
  const { budgets } = data.slices;
  const said = el("p", { class: "said" });
  const list = el("select", { id: "budget", "aria-label": "Values at" }, budgets.map((one, k) => el("option", { value: k }, one.label)));
  const tell = () => {
    const one = budgets[slicedBudget];
    const hidden = data.trials.parameters.length - 12;
    const beyond = fence(one.values).beyond;
    said.textContent = `${number(one.of.length)} values: ${one.label}; ${state.theme === "dark" ? "brighter" : "darker"} is later in the run, a ring marks the best.` +
      (one.of.length > SLICED ? ` One in ${Math.ceil(one.of.length / SLICED)} is shown.` : "") +
      (beyond ? ` ${beyond} lie beyond the axis.` : "") + (hidden > 0 ? ` The 12 most important parameters of ${hidden + 12}.` : "");
  };
  list.addEventListener("change", () => { slicedBudget = Number(list.value); tell(); again(); });
  made.append(el("div", { class: "controls" }, el("label", {}, "value at", list)), said);
  const again = figure(made, "slices", "Value against each parameter", slices);
  tell();
  watchers.push(tell);
}

function showCurves() {
  const made = section("curves", "Learning curves");
  if (!made) return;
  const { rungs, lines, said, milestones } = data.curves;
  const named = milestones ? "milestones" : "rungs";
  const longest = Math.max(...lines.map((line) => line.x[line.x.length - 1]));
  logIterations = rungs.length > 2 && longest / rungs[0] >= 50;
  const box = el("input", { type: "checkbox", checked: logIterations });
  box.addEventListener("change", () => { logIterations = box.checked; again(); });
  const marks = rungs.length === 0 ? "" : rungs.length <= 12 ? ` Dashed lines are ${named}.` : ` The ${rungs.length} ${named} are not drawn.`;
  made.append(el("p", { class: "said" }, `${said}${marks} Colours go from the best trial to the worst.`),
    el("div", { class: "controls" }, el("label", {}, box, "log iterations")));
  const again = figure(made, "curves", "Learning curves", learningCurves);
}

function showSurvival() {
  const made = section("survival", "Survival");
  if (!made) return;
  const { rungs, reached, on, promoted, expected, brackets, sampled } = data.survival;
  const aim = expected === null ? (brackets ? `Trials are spread over ${brackets} brackets, each with rungs of its own.` : "") :
    `One in ${number(1 / expected, 3)} is meant to go on at a rung (${percent(expected)}).`;
  made.append(el("p", { class: "said" }, `How many trials came to each rung, and what became of them there. ${aim}${sampled ? ` ${sampled}.` : ""}`));
  figure(made, "survival", "Trials at each rung", survivalBars);
  made.append(el("table", { class: "rows survival" }, el("thead", {}, el("tr", {}, ["rung", "came there", "of all", "went on", "promotion rate"].map((name) => el("th", { class: "number", scope: "col" }, el("button", { type: "button", disabled: true }, name))))),
    el("tbody", {}, rungs.map((rung, k) => el("tr", {}, [number(rung), number(reached[k]), percent(reached[k] / data.survival.trials), number(on[k]), percent(promoted[k])].map((text) => el("td", { class: "number" }, text)))))));
}

function showWorkers() {
  const made = section("workers", "Workers");
  if (!made) return;
  const { utilisation, lanes, hours, said } = data.workers;
  made.append(el("p", { class: "said" }, `${number(lanes.length)} slot${lanes.length === 1 ? "" : "s"}, busy ${percent(utilisation)} of the time: ${seconds(hours * 3600)} of trials in all. ${said || "A bar is a trial, or a part of one."}`));
  figure(made, "workers", "Trials over the slots that ran them", workerBars);
}

function showFamily() {
  if (typeof data.family === "string") return;
  const made = section("family", "Population");
  const { count, winner, parameters, sampled } = data.family;
  made.append(el("p", { class: "said" }, `${number(count)} times a trial went on from another's state. ${winner === null ? "No trial has a value yet." : `The thick line is what led to the best value, of trial ${winner}; thin ones are what the other members went through.`}${sampled ? ` ${sampled}.` : ""}${parameters.length > 12 ? " The first 12 of the parameters that changed." : ""}`));
  if (parameters.length) {
    made.append(el("h3", {}, "Schedule of each hyperparameter that changed"));
    figure(made, "schedules", "Schedules of the mutated hyperparameters", schedules);
  } else made.append(el("p", { class: "why" }, "no hyperparameter has changed yet"));
  made.append(el("h3", {}, "Lineage"));
  figure(made, "family", "Which trial went on from which", familyTree);
}

function showFailures() {
  const made = section("failures", "Failures");
  if (!made) return;
  const { failed, trials: total, groups, more } = data.failures;
  made.append(el("p", { class: "said" }, `${number(failed)} of ${number(total)} trials failed (${percent(failed / total)}), by what they failed of; errors that differ in numbers and paths alone are one.`));
  for (const one of groups) {
    made.append(el("div", { class: "group" }, el("b", {}, number(one.count), el("small", {}, one.kind)), el("div", {}, el("code", {}, one.reason),
      el("div", { class: "logs" }, "trial ", one.examples.map((example, k) => [k ? ", " : "", link(example)]), one.count > one.examples.length ? ", …" : "",
        one.nodes.length ? ` on ${one.nodes.join(", ")}` : ""),
      one.tail.length > 0 && el("details", {}, el("summary", {}, `end of the log of trial ${one.examples[0].trial}`), code(one.tail.join("\n"), "end of the log")))));
  }
  if (more) made.append(el("p", { class: "said" }, `${more}.`));
}

function link({ trial, log }) {
  if (log === null) return String(trial);
  return el("a", { href: log.split("/").map(encodeURIComponent).join("/"), title: log }, String(trial));
}

function showRest() {
  if (!leftOut.length) return;
  const made = el("section", { id: "left-out", class: "left-out" }, el("h2", {}, "Not in this report"),
    el("ul", {}, leftOut.map(([title, why]) => el("li", {}, `${title}: ${why}.`))));
  document.getElementById("main").append(made);
}

showSummary();
showRecipes();
showBest();
showFront();
showTrials();
showImportance();
showSlices();
showCurves();
showSurvival();
showFamily();
showWorkers();
showFailures();
showRest();
document.getElementById("footer").append(`Made by hpo ${data.version} from the run's journal and its trials' files.`);
document.body.dataset.ready = "yes";
