// The table: TanStack Table sorts, searches and opens rows; this makes elements of what it says.
import { createTable, getCoreRowModel, getExpandedRowModel, getFilteredRowModel, getSortedRowModel } from "@tanstack/table-core";
import { byId, el, searchField } from "./dom.js";
import { count, share, signedCount, signedSize, size } from "./units.js";

const FIRST = 25;

// Minor columns give way on a narrow page.
const classOf = ({ number, minor }) => (number ? `number${minor ? " minor" : ""}` : null);

export function table(data) {
  const { compared, tasks, unit, rows, remainder, dropped, totals } = data.table;
  const grown = ([was, now]) => now - was;
  const frame = (number) => {
    const [file, line, name, code] = data.frames[number];
    return { where: `${data.files[file][1]}:${line}`, path: `${data.files[file][0]}:${line}`, name, code };
  };
  const lines = rows.map((row) => ({ ...row, ...(row.frame >= 0 ? frame(row.frame) : { where: "unknown", path: "", name: "", code: "" }) }));
  const number = (id, header, value, text) => ({ id, header, accessorFn: value, meta: { text, number: true, minor: ["rank", "blocks", "share", "alive"].includes(id) && !(id === "alive" && !compared) }, sortDescFirst: true, enableGlobalFilter: false });
  const columns = [
    number("rank", "#", (row) => row.rank, (row) => String(row.rank)),
    ...(compared
      ? [
          number("growth", "growth", (row) => grown(row.sizes), (row) => signedSize(grown(row.sizes))),
          number("blocks", "blocks", (row) => row.sizes[3] - row.sizes[2], (row) => signedCount(row.sizes[3] - row.sizes[2])),
          ...(tasks ? [number("per-task", `per ${unit}`, (row) => grown(row.sizes) / tasks, (row) => signedSize(grown(row.sizes) / tasks))] : []),
          number("alive", "alive", (row) => row.sizes[1], (row) => size(row.sizes[1])),
        ]
      : [
          number("alive", "size", (row) => row.sizes[1], (row) => size(row.sizes[1])),
          number("blocks", "blocks", (row) => row.sizes[3], (row) => count(row.sizes[3])),
          number("share", "share", (row) => row.sizes[1] / (totals[1] || 1), (row) => share(row.sizes[1] / (totals[1] || 1))),
        ]),
    { id: "where", header: "where", accessorFn: (row) => `${row.path} ${row.name} ${row.code}`, meta: { number: false }, sortDescFirst: false },
  ];
  columns[0].sortDescFirst = false;

  let state = { sorting: [], globalFilter: "", expanded: {} };
  let shown = FIRST;
  const made = createTable({
    data: lines,
    columns,
    state: {},
    onStateChange: () => {},
    renderFallbackValue: null,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    getRowCanExpand: () => true,
    globalFilterFn: "includesString",
    getColumnCanGlobalFilter: (column) => column.id === "where",
  });
  const update = () => {
    made.setOptions((options) => ({
      ...options,
      state: { ...made.initialState, ...state },
      onStateChange: (change) => {
        state = typeof change === "function" ? change(made.getState()) : change;
        update();
      },
    }));
    draw();
  };

  const found = el("output", { class: "found", "aria-live": "polite" });
  byId("table-controls").append(searchField("Search the table", (words) => {
    shown = FIRST;
    made.setGlobalFilter(words);
  }), found);
  const head = el("thead");
  const body = el("tbody");
  const foot = el("tfoot");
  const more = el("p");
  const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows of the table" }, el("table", { class: "rows" }, head, body, foot));
  byId("table-body").append(scroll, more);

  function draw() {
    const focused = document.activeElement?.dataset?.key;
    const found_rows = made.getRowModel().rows;
    head.replaceChildren(el("tr", {}, ...made.getFlatHeaders().map(headOf)));
    body.replaceChildren(...found_rows.slice(0, shown).flatMap(rowOf));
    const words = state.globalFilter;
    found.textContent = words ? `${count(found_rows.length)} of ${count(lines.length)} rows` : "";
    foot.replaceChildren(...(words ? [] : footOf()));
    const left = found_rows.length - shown;
    more.replaceChildren(...(left > 0 ? [el("button", { type: "button", class: "quiet no-print", "data-key": "more", onclick: () => {
      shown += 100;
      draw();
    } }, `${count(left)} more rows`)] : []));
    if (focused) scroll.parentElement.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  function headOf(header) {
    const sorted = header.column.getIsSorted();
    const order = sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : "none";
    const arrow = sorted === "asc" ? " ▲" : sorted === "desc" ? " ▼" : "";
    const button = el("button", { type: "button", "data-key": `sort-${header.id}`, onclick: header.column.getToggleSortingHandler() },
      header.column.columnDef.header, el("span", { "aria-hidden": "true" }, arrow));
    return el("th", { scope: "col", "aria-sort": order, class: classOf(header.column.columnDef.meta) }, button);
  }

  function rowOf(row) {
    const open = row.getIsExpanded();
    const cells = row.getVisibleCells().map((cell) => {
      const { meta } = cell.column.columnDef;
      if (meta.number) return el("td", { class: classOf(meta) }, meta.text(row.original));
      return el("td", {}, whereOf(row, open));
    });
    const line = el("tr", {}, ...cells);
    if (!open) return [line];
    return [line, el("tr", { class: "opened" }, el("td", { colspan: String(cells.length) }, stackOf(row.original)))];
  }

  function whereOf(row, open) {
    const { where, name, code } = row.original;
    return el("div", { class: "place" },
      el("button", { type: "button", class: "open", "aria-expanded": String(open), "data-key": `row-${row.id}`, onclick: row.getToggleExpandedHandler() },
        el("span", { class: "where" }, where), name ? ` in ${name}` : ""),
      code ? el("code", {}, code) : null);
  }

  function stackOf(row) {
    if (!row.stack.length) return el("p", { class: "hint" }, "No stack was recorded.");
    return el("ol", { class: "stack" }, ...row.stack.map((number, index) => {
      const { path, name, code } = frame(number);
      return el("li", { class: index === row.at ? "site" : null }, el("span", { class: "where" }, path), name ? ` in ${name}` : "", code ? el("code", {}, code) : null);
    }));
  }

  function footOf() {
    const line = (name, [was, now, blocksWas, blocksNow], sites) => {
      const cells = columns.map((column) => {
        const text = {
          growth: () => signedSize(now - was),
          blocks: () => (compared ? signedCount(blocksNow - blocksWas) : count(blocksNow)),
          "per-task": () => signedSize((now - was) / tasks),
          alive: () => size(now),
          share: () => share(now / (totals[1] || 1)),
          where: () => (sites === undefined ? name : `${name}: ${count(sites)} ${sites === 1 ? "line" : "lines"}`),
          rank: () => "",
        }[column.id]();
        return el("td", { class: classOf(column.meta) }, text);
      });
      return el("tr", {}, ...cells);
    };
    return [
      ...(remainder[4] ? [line("smaller", remainder.slice(0, 4), remainder[4])] : []),
      ...(dropped[4] ? [line("left out (tracing, imports)", dropped.slice(0, 4), dropped[4])] : []),
      line("total", totals),
    ];
  }

  update();
  return { all: () => { shown = Infinity; draw(); } };
}
