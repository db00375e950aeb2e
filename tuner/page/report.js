"use strict";
// Plotly, the figures and the curves lie packed in the page: unpacked they would be three times as large.
const dark = matchMedia("(prefers-color-scheme: dark)");
const PAPER = 680;  // pixels of a printed line
const ink = printing => dark.matches && !printing ? "#c9d1d9" : "#3b434b";
const config = {displaylogo: false, responsive: true, modeBarButtons: [["toImage", "resetScale2d"]]};
const figures = {};
let curves = {trials: []};

async function unpacked(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = Uint8Array.from({length: text.length}, (_, k) => text.charCodeAt(k));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

async function start() {
  const [code, drawn] = await Promise.all([unpacked("plotly"), unpacked("figures")]);
  const script = document.createElement("script");
  script.textContent = code;
  document.head.append(script);
  Object.assign(figures, JSON.parse(drawn));
  for (const id of Object.keys(figures)) {
    const figure = figures[id];
    figure.layout.font.color = ink(false);
    await Plotly.newPlot(id, figure.data, figure.layout, config);
    await new Promise(resume => setTimeout(resume));  // so that the page can be read meanwhile
  }
  curves = JSON.parse(await unpacked("curves"));
  offer();
  document.body.dataset.drawn = "all";
}

function paint(change) {
  for (const id of Object.keys(figures)) if (document.getElementById(id).layout) Plotly.relayout(id, change);
}

// Any trial: the curves of the one that is chosen.

function offer() {
  const select = document.getElementById("trial");
  if (!select) return;
  select.disabled = false;
  select.addEventListener("change", () => choose(Number(select.value)));
}

function choose(number) {
  const trial = curves.trials.find(one => one.n === number);
  const x = sums(trial.epochs), seconds = sums(trial.seconds).map(tenths => tenths / 10);
  const lines = (names, of) => names.map((name, k) => ({name, ...curve(of[k]), style: style(name)}))
    .filter(line => line.middle.some(value => value !== null));
  const error = [{name: "error", ...curve(trial.error), style: {color: "#2185C5", dash: "solid"}}];
  redraw("losses", "losses", number, x, lines(curves.losses, trial.losses));
  redraw("weights", "weights", number, x, lines(curves.weights, trial.weights));
  redraw("error", "error", number, x, error);
  redraw("error-seconds", "error", number, seconds, error);
}

function redraw(id, what, number, x, lines) {
  if (!figures[id]) return;
  const data = lines.flatMap(line => [band(x, line), {x, y: line.middle, name: escaped(line.name),
    legendgroup: line.name, mode: x.length > 1 ? "lines" : "markers",
    line: {color: line.style.color, width: 2, dash: line.style.dash}}]);
  const layout = document.getElementById(id).layout;
  layout.title.text = `Trial ${number}: ${what}`;
  const positive = lines.every(line => line.middle.every(value => value === null || value > 0));
  layout.yaxis.type = what === "weights" && !positive ? "linear" : "log";
  for (const axis of [layout.xaxis, layout.yaxis]) axis.autorange = true;
  delete layout.xaxis.dtick;
  figures[id].data = data;
  Plotly.react(id, data, layout, config);
}

function band(x, line) {
  const area = {x: [], y: []};
  for (let from = 0; from < x.length; from++) {
    let to = from;
    while (to < x.length && line.low[to] !== null && line.high[to] !== null) to++;
    if (to === from) continue;
    area.x.push(...x.slice(from, to), ...x.slice(from, to).reverse(), null);
    area.y.push(...line.high.slice(from, to), ...line.low.slice(from, to).reverse(), null);
    from = to;
  }
  return {...area, fill: "toself", mode: "none", fillcolor: line.style.color + "33", hoverinfo: "skip",
    showlegend: false, name: escaped(line.name), legendgroup: line.name};
}

function curve([middle, below, above, size]) {  // as tuner/curves.py packs it
  const m = sums(middle), l = sums(below), h = sums(above);
  const log = size === undefined;
  const at = (k, distance, sign) => m[k] === null || distance && distance[k] === null ? null
    : log ? 10 ** (m[k] / 500 + (distance ? sign * distance[k] / 100 : 0))
    : size * (m[k] + (distance ? sign * distance[k] : 0)) / 2000;
  return {middle: m.map((_, k) => at(k)), low: m.map((_, k) => at(k, l, -1)), high: m.map((_, k) => at(k, h, 1))};
}

function sums(differences) {
  let last = 0;
  return differences.map(step => step === null ? null : last += step);
}

function style(name) {
  const palette = ["#2185C5", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"];
  const dashes = ["solid", "dash", "dot", "dashdot"];
  const names = [...new Set([...curves.losses, ...curves.weights])], k = names.indexOf(name);
  return {color: palette[k % 6], dash: dashes[Math.floor(k / 6) % 4]};
}

const escaped = text => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

dark.addEventListener("change", () => paint({"font.color": ink(false)}));
addEventListener("beforeprint", () => paint({"font.color": ink(true), width: PAPER}));
addEventListener("afterprint", () => paint({"font.color": ink(false), width: null, autosize: true}));
start().catch(fault => {
  const told = document.createElement("p");
  told.className = "trouble";
  told.textContent = `The pictures cannot be drawn (${fault.message}). They need a browser of 2023 or later.`;
  document.querySelector("h1").after(told);
});
