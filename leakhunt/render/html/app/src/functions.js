// Functions with what they hold themselves and with what they call: the same bytes as the flame graph, added up.
import { byId, el } from "./dom.js";
import { numbers, rowsOf, words } from "./rows.js";
import { share, signedSize, size } from "./units.js";

// What is drawn together or has no frame stands in no function.
const NOWHERE = { smaller: "smaller stacks, not told one by one", none: "no line of your own code", unknown: "unknown" };

// find: called with the words by which the flame graph marks a function. Returns what follows the graph's choices.
export function functions(stacks, find) {
  const state = { changed: false, packages: false };
  let whole = null;
  let rows = null;

  const amount = (sum) => (state.changed ? sum.grown - sum.shrunk : sum.now);
  const shown = (sum) => (state.changed ? signedSize(amount(sum)) : size(amount(sum)));
  const columns = () => [
    numbers("self", "self", (row) => amount(row.self), (row) => shown(row.self)),
    ...(state.changed ? [] : [numbers("self-share", "share", (row) => amount(row.self), (row) => share(amount(row.self) / (amount(whole.sum) || 1)), true)]),
    numbers("total", "total", (row) => amount(row.total), (row) => shown(row.total)),
    ...(state.changed ? [] : [numbers("total-share", "share", (row) => amount(row.total), (row) => share(amount(row.total) / (amount(whole.sum) || 1)), true)]),
    words("where", state.packages ? "package" : "function", (row) => `${row.name} ${row.path}`, (row) => ({
      title: [el("span", { class: row.own ? "where own" : "where" }, row.name), row.short ? ` ${row.short}` : ""],
    })),
  ];

  function opened(row) {
    const { callers, callees } = stacks.around(whole, row.key);
    const list = (title, entries, nothing) => el("div", {}, el("h3", {}, title), entries.length
      ? el("ul", { class: "around" }, ...entries.map(([key, sum]) => el("li", {}, el("span", { class: "number" }, shown(sum)), " ", named(key))))
      : el("p", { class: "hint" }, nothing));
    const more = state.packages ? null : el("button", { type: "button", class: "quiet no-print", onclick: () => find(row.sought) }, "Find in the flame graph");
    return el("div", { class: "sandwich" },
      list("Called from", ordered(callers), "Nothing: stacks begin here."),
      list("Calls", ordered(callees), "Nothing: all of it is held by itself."), more);
  }

  const ordered = (sums) => [...sums].sort(([, one], [, other]) => Math.abs(amount(other)) - Math.abs(amount(one)));

  function named(key) {
    const row = whole.rows.get(key);
    if (!row) return NOWHERE[key];
    return el("button", { type: "button", class: "link", onclick: () => rows.open(key) }, row.name, row.short ? ` ${row.short}` : "");
  }

  function foot() {
    const apart = [...whole.apart].map(([key, sum]) => ({ self: shown(sum), "self-share": share(amount(sum) / (amount(whole.sum) || 1)), where: amount(sum) < 0 ? `${NOWHERE[key]}, shrunk together` : NOWHERE[key] }));
    return [...apart, { self: shown(whole.sum), total: shown(whole.sum), "self-share": "", where: "all" }];
  }

  return (options, said) => {
    state.changed = options.changed;
    state.packages = options.packages;
    whole = stacks.functions(options);
    // Of equal rows, as the many that allocate nothing themselves, the one with the larger total comes first.
    const lines = [...whole.rows.values()].sort((one, other) => amount(other.total) - amount(one.total));
    byId("functions-of").textContent = said;
    if (rows) rows.replace(lines, columns());
    else rows = rowsOf({ name: "functions", label: "Rows of the functions", search: "Search function or file", columns: columns(), lines, opened, foot, keyOf: (row) => row.key, sorting: [{ id: "self", desc: true }] });
  };
}
