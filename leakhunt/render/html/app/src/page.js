import "uplot/dist/uPlot.min.css";
import "./page.css";
import { byId, paper, redraw } from "./dom.js";
import { findings } from "./findings.js";
import { flame, knowKinds } from "./flame.js";
import { table } from "./table.js";
import { timeline } from "./timeline.js";

const data = JSON.parse(byId("data").textContent);
const page = document.documentElement;
page.classList.add("scripted");

knowKinds(data);
timeline(data.processes);
findings(data.findings);
flame(data);
table(data);

// -- dark and light -------------------------------------------------------------------
const dark = matchMedia("(prefers-color-scheme: dark)");
const button = byId("theme");
button.hidden = false;
const isDark = () => (page.dataset.theme ? page.dataset.theme === "dark" : dark.matches);
button.addEventListener("click", () => {
  page.dataset.theme = isDark() ? "light" : "dark";
  redraw();
});
dark.addEventListener("change", redraw);

// -- another width --------------------------------------------------------------------
let width = innerWidth;
let waiting;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (innerWidth === width) return;
    width = innerWidth;
    redraw();
  }, 150);
});

// -- paper: light, and everything that is folded open ---------------------------------
let before = null;
function toPaper() {
  if (before) return;
  const folded = [...document.querySelectorAll("main details:not([open])")];
  before = { theme: page.dataset.theme, folded };
  page.dataset.theme = "light";
  for (const each of folded) each.open = true;
  paper(true);
  redraw();
}
function fromPaper() {
  if (!before) return;
  if (before.theme) page.dataset.theme = before.theme;
  else delete page.dataset.theme;
  for (const each of before.folded) each.open = false;
  before = null;
  paper(false);
  redraw();
}
addEventListener("beforeprint", toPaper);
addEventListener("afterprint", fromPaper);
matchMedia("print").addEventListener("change", (event) => (event.matches ? toPaper() : fromPaper()));

page.dataset.ready = "yes";
