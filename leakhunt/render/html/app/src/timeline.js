// RSS, USS, traced and tasks over time: of one process, or the RSS of all.
import uPlot from "uplot";
import { byId, el, redrawn, selectOf, tone, widthOf } from "./dom.js";
import { count, moment, size } from "./units.js";

const COLORS = 4;
const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];
const TASKS_DASH = [3, 3];

// No two of sixteen lines have both the colour and the dashes in common.
const dashes = (index) => DASHES[(index + Math.floor(index / COLORS)) % DASHES.length];

// Moments on the axis, in UTC and in one order; the day below where it changes.
const MOMENTS = [
  [86400 * 360, "{YYYY}", null, null, null, null, null, null, 1],
  [86400 * 28, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

// Steps of that axis in seconds: whole ones, or two ticks would read alike.
const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, ...[1, 2, 3, 5, 7, 10, 15, 30, 60, 90, 180, 360, 720, 1440, 3600].map((days) => 86400 * days)];

export function timeline(processes) {
  const place = byId("timeline-plot");
  const usable = processes.filter((each) => each.t.some((at) => at !== null) && each.t.length > 1);
  if (!usable.length) {
    place.append(el("p", { class: "hint" }, "One snapshot is one moment: there is no line to draw. Its figures are below."));
    return;
  }
  const state = { of: "0", plot: null };
  const controls = byId("timeline-controls");
  if (processes.length > 1) {
    const named = processes.map((each, index) => [String(index), `${each.name}${each.node ? `, ${each.node}` : ""}`]);
    controls.append(selectOf("Process", [...named, ["all", `RSS of all ${processes.length}`]], (value) => {
      state.of = value;
      draw();
    }));
  }
  const reset = el("button", { type: "button", class: "quiet", onclick: () => draw() }, "Whole time");
  controls.append(reset);
  byId("timeline-help").textContent =
    "Drag to zoom in, double-click or “Whole time” to zoom out. Dots are snapshots" +
    (processes.length > 1 ? "; with the RSS of all, a dotted upright line is where a process began." : ".");

  function draw() {
    if (state.plot) state.plot.destroy();
    const chosen = state.of === "all" ? all(processes) : one(processes[Number(state.of)]);
    state.plot = new uPlot(options(place, chosen), chosen.columns, place);
  }
  redrawn(draw);
}

function one(process) {
  const at = process.t.map((value, index) => (value === null ? null : index)).filter((value) => value !== null);
  const pick = (name) => at.map((index) => process[name][index]);
  const lines = [
    ["RSS", pick("rss"), "line-1", "y"],
    ["USS", pick("uss"), "line-2", "y"],
    ["traced", pick("traced"), "line-3", "y"],
    [`${process.unit}s`, pick("tasks"), "quiet", "tasks"],
  ].filter(([, values, , scale]) => values.some((value) => (scale === "tasks" ? value : value !== null)));
  return { lines, columns: [pick("t"), ...lines.map((line) => line[1])], starts: [process.started], of: process.name };
}

function all(processes) {
  const tables = processes.map((each) => {
    const at = each.t.map((value, index) => [value, index]).filter(([value]) => value !== null);
    return [at.map(([value]) => value), at.map(([, index]) => each.rss[index])];
  });
  const columns = uPlot.join(tables);
  const lines = processes.map((each, index) => [each.name, columns[index + 1], `line-${1 + (index % COLORS)}`, "y"]);
  return { lines, columns, starts: processes.map((each) => each.started), of: "all processes" };
}

function options(place, { lines, starts, of }) {
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { font, stroke: tone("text-2"), grid: { stroke: tone("line"), width: 1 }, ticks: { stroke: tone("line") } };
  const hasTasks = lines.some((line) => line[3] === "tasks");
  return {
    width: widthOf(place, 280),
    height: 260,
    // Half of the last moment may stand right of its tick, where no axis has room for it.
    padding: [null, hasTasks ? null : 40, null, null],
    tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1e3), "Etc/UTC"),
    cursor: { drag: { x: true, y: false } },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, (high || 1) * 1.08] }, tasks: { range: (_, low, high) => [0, (high || 1) * 1.08] } },
    axes: [
      { ...axis, space: 70, values: MOMENTS, incrs: SPANS },
      { ...axis, size: 82, values: (_, ticks) => ticks.map((value) => size(value)), incrs: powers() },
      ...(hasTasks ? [{ ...axis, scale: "tasks", side: 1, size: (_, ticks) => 24 + 7.5 * Math.max(5, ...(ticks ?? []).map((each) => each.length)), grid: { show: false }, values: (_, ticks) => ticks.map(count), incrs: wholes() }] : []),
    ],
    series: [
      { label: "when (UTC)", value: (_, at) => (at === null || at === undefined ? "–" : moment(at)) },
      ...lines.map(([label, , color, scale], index) => ({
        label,
        scale,
        stroke: tone(color),
        width: scale === "tasks" ? 1 : 2,
        dash: scale === "tasks" ? TASKS_DASH : dashes(index),
        points: { show: scale !== "tasks", size: 5 },
        spanGaps: true,
        value: (_, value) => (value === null || value === undefined ? "–" : scale === "tasks" ? count(value) : size(value)),
      })),
    ],
    hooks: {
      draw: [(plot) => begins(plot, starts)],
      ready: [(plot) => {
        marked(plot);
        plot.setLegend({ idx: plot.data[0].length - 1 }, false);
        plot.over.parentElement.setAttribute("role", "img");
        plot.over.parentElement.setAttribute("aria-label", `Memory of ${of} over time; the figures are in the table below`);
      }],
    },
  };
}

// The legend shows each line as it is drawn: colours alone are not told apart by everybody.
function marked(plot) {
  plot.root.querySelectorAll(".u-legend .u-marker").forEach((marker, index) => {
    if (!index) return; // the time's
    const series = plot.series[index];
    const [svg, line] = ["svg", "line"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
    const drawn = { x1: 0, x2: "100%", y1: "50%", y2: "50%", stroke: series.stroke(plot, index), "stroke-width": series.width, "stroke-dasharray": (series.dash ?? []).join(" ") };
    for (const [name, value] of Object.entries(drawn)) line.setAttribute(name, value);
    svg.append(line);
    marker.replaceChildren(svg);
  });
}

// Steps of an axis of bytes: powers of two, so that it reads 0, 16 MiB, 32 MiB.
function powers() {
  return Array.from({ length: 50 }, (_, power) => 2 ** power);
}

// Steps of an axis of tasks, of which there are no halves.
function wholes() {
  return Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
}

function begins(plot, starts) {
  const { ctx, bbox } = plot;
  for (const start of starts) {
    if (start === null || start === undefined) continue;
    const x = plot.valToPos(start, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.save();
    ctx.strokeStyle = tone("text-2");
    ctx.setLineDash([2, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }
}

export { powers };
