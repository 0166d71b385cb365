// The flame graph: d3-flame-graph draws it, this gives it trees, colours, a keyboard and a line of details.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { byId, check, choice, el, isOnPaper, redrawn, searchField, selectOf, widthOf } from "./dom.js";
import { functions } from "./functions.js";
import { Stacks } from "./tree.js";
import { plural, share, signedPlural, signedSize, size } from "./units.js";

const CELL = 20;
// CSS pixels from which on a box has room for its size.
const ROOMY = 260;

export function flame(data) {
  const stacks = new Stacks(data);
  const place = byId("flame-graph");
  const compares = data.processes.some((each) => each.compared);
  const state = { what: compares ? "changed" : "alive", process: "all", inverted: false, own: false, packages: false, every: false, words: "" };
  const total = data.tree.ends.flat().length;
  if (!total) {
    place.append(el("p", { class: "hint" }, "Nothing is alive here that was traced."));
    byId("functions-of").textContent = "Nothing is alive here that was traced.";
    return;
  }
  const controls = byId("flame-controls");
  const change = (name) => (value) => {
    state[name] = value;
    below(options(), said());
    draw();
  };
  if (compares) controls.append(choice("flame-what", "Width is", [["changed", "what changed"], ["alive", "what is alive"]], state.what, change("what")));
  if (data.processes.length > 1) {
    controls.append(selectOf("Process", [["all", `all ${data.processes.length} together`],
      ...data.processes.map((each, index) => [String(index), `${each.name}${each.node ? `, ${each.node}` : ""}`])], change("process")));
  }
  controls.append(
    choice("flame-by", "By", [["line", "line"], ["package", "package"]], "line", (value) => change("packages")(value === "package")),
    check("Own code only", change("own")),
    check("Callers below", change("inverted")),
    check("Every frame", change("every")),
  );
  const search = searchField("Search function, file, code", (value) => {
    state.words = value;
    find();
  });
  const found = el("output", { class: "found", "aria-live": "polite" });
  const reset = el("button", { type: "button", class: "quiet", onclick: () => zoomOut() }, "Zoom out");
  controls.append(search, found, reset);
  byId("flame-help").textContent =
    "Each box is a line; the boxes below it are what it calls. Click a box to zoom in; bold is your own code. With the keyboard: Tab to the graph, arrow keys to walk, Enter to zoom in, Escape to zoom out.";
  const legend = el("p", { class: "legend" });
  const box = el("div", { class: "graph", tabindex: "0", role: "group", "aria-label": "Flame graph; the table below has the same figures", "aria-describedby": "flame-help" });
  const details = el("p", { class: "details", "aria-live": "polite" });
  place.append(legend, box, details);

  let chart = null;
  let wide = 0;
  let root = null;
  let walked = null;

  const below = functions(stacks, (sought) => {
    search.value = sought;
    state.words = sought;
    find();
    box.scrollIntoView({ block: "center" });
    search.focus({ preventScroll: true });
  });

  function options() {
    return { ...state, process: state.process === "all" ? "all" : Number(state.process), changed: state.what === "changed" };
  }

  // What is chosen above, for who reads the table below it.
  function said() {
    const of = data.processes[state.process === "all" ? 0 : Number(state.process)];
    const process = state.process === "all" && data.processes.length > 1 ? `all ${data.processes.length} processes` : of.name;
    const what = state.what === "changed" ? "Bytes that changed, net" : "Bytes alive";
    return `${what}, of ${process}${state.own ? ", your own code only" : ""}, as chosen at the flame graph. Self: allocated in the ${state.packages ? "package" : "function"} itself; total: with what it calls.`;
  }

  function draw() {
    const changed = state.what === "changed";
    const tree = stacks.tree(options());
    tree.name = changed ? `${signedSize(tree.grown - tree.shrunk)} in all` : `${size(tree.now)} in all`;
    if (chart) chart.destroy();
    box.replaceChildren();
    legend.replaceChildren(...legendOf(changed));
    walked = null;
    if (!tree.value) {
      box.append(el("p", { class: "hint" }, "Nothing changed here."));
      details.textContent = "";
      return;
    }
    wide = widthOf(box, 280);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    chart = flamegraph()
      .width(wide)
      .cellHeight(CELL)
      .transitionDuration(still ? 0 : 250)
      .minFrameSize(1)
      .inverted(true)
      .selfValue(false)
      .sort(false)
      .tooltip(tip)
      .getName((each) => label(each, changed))
      .setColorMapper((each) => color(each, changed))
      .setSearchMatch((each, words) => matches(each.data, words))
      .onClick((each) => {
        mine();
        tell(each);
      });
    select(box).datum(tree).call(chart);
    const svg = box.querySelector("svg");
    svg?.setAttribute("aria-hidden", "true");
    // A sheet may be narrower than most: what is drawn shrinks with it (see the style).
    if (isOnPaper()) svg?.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    root = select(box).datum();
    whole();
    mine();
    tell(root);
    find();
  }

  const tip = Object.assign(() => {}, { show: (event, each) => tell(each), hide: () => tell(walked ?? root), destroy: () => {} });

  // Its place, and its size where there is room: on paper and in a picture nobody can point at it.
  function label({ data: each, x0, x1 }, changed) {
    if (each.frame === null) return each.name;
    const marked = changed ? `${mark(each)} ${each.name}` : each.name;
    if ((x1 - x0) * wide < ROOMY) return marked;
    const [place, ...rest] = marked.split("  ");
    return [place, changed ? signedSize(each.grown - each.shrunk) : size(each.now), ...rest].join("  ");
  }

  function spelled(number) {
    const [file, line, name, code] = data.frames[number];
    return `${name} ${data.files[file][0]}:${line} ${code}`;
  }

  function matches(each, words) {
    if (!words || each.frame === null) return false;
    const text = state.packages ? each.name : [...each.through, each.frame].map(spelled).join("\n");
    return text.toLowerCase().includes(words.toLowerCase());
  }

  // The library gives boxes their width and name a moment later, as a movement: paper does not wait for it.
  function whole() {
    const scale = wide / (root.x1 - root.x0);
    const boxes = select(box).selectAll("g.frame");
    boxes.select("rect").attr("width", (each) => (each.x1 - each.x0) * scale);
    boxes.select("div").text((each) => label(each, state.what === "changed"));
  }

  // Your own code stands out. The library writes the class anew whenever it draws.
  function mine() {
    select(box).selectAll("g.frame").classed("own", (each) => !state.packages && each.data.frame !== null && stacks.isOwn(each.data.frame));
    ring();
  }

  function find() {
    if (!chart || !root) return;
    if (!state.words.trim()) {
      if (found.textContent) chart.clear();
      found.textContent = "";
      mine();
      return;
    }
    chart.search(state.words.trim());
    mine();
    let sum = 0;
    let number = 0;
    const todo = [[root, false]];
    while (todo.length) {
      const [at, within] = todo.pop();
      const is = matches(at.data, state.words.trim());
      number += is;
      if (is && !within) sum += at.data.value;
      for (const child of at.children ?? []) todo.push([child, within || is]);
    }
    found.textContent = number ? `${plural(number, "box").replace("boxs", "boxes")}, ${share(sum / root.data.value)}` : "nothing found";
  }

  function zoomOut() {
    if (!chart) return;
    chart.resetZoom();
    walked = null;
    tell(root);
  }

  function tell(each) {
    if (!each) return;
    const { frame, now, grown, shrunk, blocks, moreBlocks, smaller, value } = each.data;
    const parts = [];
    if (frame === null) parts.push(el("strong", {}, each.data.name));
    else if (state.packages) parts.push(el("strong", {}, each.data.name));
    else {
      const [file, line, name, code] = data.frames[frame];
      parts.push(el("strong", {}, name || "unknown function"), ` ${data.files[file][0]}:${line}`);
      if (code) parts.push(el("code", {}, code));
    }
    const figures = [`${size(now)} alive in ${plural(blocks, "block")}`];
    if (compares && state.what === "changed") figures.push(`grown ${signedSize(grown)}, shrunk ${signedSize(-shrunk)}, ${signedPlural(moreBlocks, "block")}`);
    figures.push(`${share(value / root.data.value)} of the width`);
    if (each.data.through.length) figures.push(`${plural(each.data.through.length, "frame")} that only lead here folded in`);
    if (smaller) figures.push(`${plural(smaller, "stack")} drawn together`);
    details.replaceChildren(...parts, el("span", { class: "numbers" }, figures.join("; ")));
  }

  // -- the keyboard -------------------------------------------------------------------
  box.addEventListener("keydown", (event) => {
    if (!root) return;
    const at = walked ?? root;
    const siblings = (at.parent?.children ?? [at]).filter((each) => each.x1 > each.x0);
    const index = siblings.indexOf(at);
    const to = {
      ArrowDown: () => at.children?.find((each) => each.x1 > each.x0) ?? at,
      ArrowUp: () => at.parent ?? at,
      ArrowRight: () => siblings[Math.min(siblings.length - 1, index + 1)],
      ArrowLeft: () => siblings[Math.max(0, index - 1)],
      Home: () => root,
    }[event.key];
    if (to) {
      walked = to();
      ring();
      tell(walked);
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      chart.zoomTo(at);
      ring();
      event.preventDefault();
    } else if (event.key === "Escape") {
      zoomOut();
      ring();
    }
  });
  box.addEventListener("blur", () => {
    walked = null;
    ring();
  });

  function ring() {
    select(box).selectAll("g.frame").classed("walked", (each) => each === walked);
  }

  below(options(), said());
  redrawn(draw);
}

// How much of what changed here grew, from -1 (all shrank) to 1 (all grew).
function lean({ grown, shrunk }) {
  return grown + shrunk ? (grown - shrunk) / (grown + shrunk) : 0;
}

// Colours are not enough: the sign is told as well.
function mark(each) {
  const by = lean(each);
  return by > 0.02 ? "+" : by < -0.02 ? "−" : "±";
}

const KINDS = { app: "own", site: "library", stdlib: "python", leakhunt: "library" };
let kinds = null;

function color(each, changed) {
  const style = getComputedStyle(document.documentElement);
  const tone = (name) => style.getPropertyValue(`--${name}`).trim();
  if (each.highlight) return tone("found");
  if (each.data.frame === null) return tone("box-none");
  if (changed) {
    // Orange and blue differ for every kind of colour blindness; grown is darker than shrunk, which grey shows.
    const by = lean(each.data);
    const step = Math.min(3, Math.ceil(Math.abs(by) * 3));
    return by > 0.02 ? tone(`grown-${step}`) : by < -0.02 ? tone(`shrunk-${step}`) : tone("box-none");
  }
  return tone(`box-${KINDS[kinds(each.data.frame)] ?? "library"}`);
}

export function knowKinds(data) {
  kinds = (frame) => data.files[data.frames[frame][0]][3];
}

function legendOf(changed) {
  const key = (name, text) => el("span", { class: "entry" }, el("span", { class: `key ${name}`, "aria-hidden": "true" }), text);
  return changed
    ? [key("grown", "+ grown (darker)"), key("shrunk", "− shrunk (lighter)"), key("none", "± both alike"), "Width: bytes grown and shrunk, added up."]
    : [key("own", "your code"), key("library", "libraries"), key("python", "Python's own"), "Width: bytes alive."];
}
