// Beside each finding: its series with the line through it, and when what lives was born.
import uPlot from "uplot";
import { el, redraw, redrawn, tone, widthOf } from "./dom.js";
import { powers } from "./timeline.js";
import { count, plural, size, signedSize } from "./units.js";

export function findings(all) {
  for (const place of document.querySelectorAll("[data-finding]")) {
    const finding = all[Number(place.dataset.finding)];
    if (finding.x.length > 1) series(place, finding);
    if (finding.born) births(place, finding);
  }
  // What was folded away had no width when it was drawn.
  for (const folded of document.querySelectorAll("#findings .others")) folded.addEventListener("toggle", redraw, { once: true });
}

const rate = (value, unit) => `${signedSize(value)} per ${unit}`;

function series(place, finding) {
  const { x, y, fit, unit } = finding;
  const end = x[x.length - 1];
  const at = (value, slope) => (fit && value >= fit.start ? Math.max(0, fit.at + slope * (value - fit.start)) : null);
  const columns = [x, y];
  if (fit) columns.push(x.map((value) => at(value, fit.rate)), x.map((value) => at(value, fit.low)), x.map((value) => at(value, fit.high)));
  const what = finding.lived ? `Bytes alive, by the ${unit} they were born in` : `Bytes at each snapshot, over ${unit}s`;
  const said = `${what}: from ${size(y[0])} to ${size(y[y.length - 1])} over ${plural(Math.round(end - x[0]), unit)}` +
    (fit ? `; the line is ${rate(fit.rate, unit)}, 95 % between ${rate(fit.low, unit)} and ${rate(fit.high, unit)}` : "");
  const box = el("div", { class: "small-plot", role: "img", "aria-label": said });
  place.append(el("figure", {}, box, el("figcaption", {}, `${what}${fit ? "; line and band: the rate and its 95 % interval" : ""}.`)));
  let plot = null;
  redrawn(() => {
    if (plot) plot.destroy();
    plot = new uPlot({ ...frame(place, unit, end), ...lines(fit, unit) }, columns, box);
  });
}

function frame(place, unit, end) {
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { font, stroke: tone("text-2"), grid: { stroke: tone("line"), width: 1 }, ticks: { show: false } };
  const near = (value) => (Number.isInteger(value) ? count(value) : "");
  return {
    width: Math.min(460, widthOf(place, 220, 0.4)),
    height: 150,
    // Half of the last label, which tells the unit as well, may stand right of its tick.
    padding: [8, Math.max(30, 3.5 * `${near(Math.round(end))} ${unit}s`.length), 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(0, low), (high || 1) * 1.08] } },
    axes: [
      { ...axis, space: 60, size: 26, values: (_, ticks) => ticks.map((value, index) => (index === ticks.length - 1 ? `${near(value)} ${unit}s` : near(value))) },
      { ...axis, size: 64, space: 34, values: (_, ticks) => ticks.map((value) => size(value)), incrs: powers() },
    ],
  };
}

function lines(fit, unit) {
  const band = tone("fit-band");
  return {
    series: [
      { label: unit },
      { label: "bytes", stroke: tone("line-1"), width: fit ? 0 : 2, points: { show: true, size: 5, fill: tone("line-1") } },
      ...(fit ? [
        { label: "fit", stroke: tone("fit"), width: 2, points: { show: false } },
        { label: "low", width: 0, points: { show: false } },
        { label: "high", width: 0, points: { show: false } },
      ] : []),
    ],
    bands: fit ? [{ series: [4, 3], fill: band }] : [],
  };
}

function births(place, finding) {
  const { edges, bytes } = finding.born;
  const unit = finding.born_unit ?? finding.unit;
  const high = Math.max(...bytes, 1);
  const from = edges[0];
  const span = edges[edges.length - 1] - from || 1;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const said = `When what is alive was born, over ${plural(Math.round(span), unit)}`;
  for (const [name, value] of Object.entries({ viewBox: "0 0 300 40", preserveAspectRatio: "none", role: "img", "aria-label": said, class: "births" })) svg.setAttribute(name, value);
  bytes.forEach((value, index) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    const left = (300 * (edges[index] - from)) / span;
    const right = (300 * (edges[index + 1] - from)) / span;
    const tall = (40 * value) / high;
    title.textContent = `${unit} ${count(edges[index])} to ${count(edges[index + 1])}: ${size(value)}`;
    const box = { x: left + 0.4, y: 40 - tall, width: Math.max(0.4, right - left - 0.8), height: tall };
    for (const [name, number] of Object.entries(box)) bar.setAttribute(name, number.toFixed(2));
    bar.append(title);
    svg.append(bar);
  });
  place.append(el("figure", {}, svg, el("figcaption", {}, `${said}: a leak is even, a cache is old, what turns over is young.`)));
}
