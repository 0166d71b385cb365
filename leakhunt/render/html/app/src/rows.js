// Rows that sort, are searched and open: TanStack Table decides which, this makes elements of what it says.
import { createTable, getCoreRowModel, getExpandedRowModel, getFilteredRowModel, getSortedRowModel } from "@tanstack/table-core";
import { byId, el, searchField } from "./dom.js";
import { count } from "./units.js";

const FIRST = 25;

// Minor columns give way on a narrow page.
const classOf = ({ number, minor }) => (number ? `number${minor ? " minor" : ""}` : null);

// A column of numbers: value is sorted by, text is shown.
export function numbers(id, header, value, text, minor = false) {
  return { id, header, accessorFn: value, meta: { text, number: true, minor }, sortDescFirst: true, enableGlobalFilter: false };
}

// The column that is searched; content makes what stands on the button that opens the row, and below it.
export function words(id, header, value, content) {
  return { id, header, accessorFn: value, meta: { content, number: false }, sortDescFirst: false };
}

// name: id of the section, which has NAME-controls and NAME-body. opened makes what a row opens to;
// foot gives [text of each column by id] a line, of what the rows are of; keyOf tells a row by more than its place.
export function rowsOf({ name, label, search, columns, lines, opened, foot, keyOf, sorting = [] }) {
  let all = lines;
  let state = { sorting, globalFilter: "", expanded: {} };
  let shown = FIRST;
  const made = createTable({
    data: all,
    columns,
    state: {},
    onStateChange: () => {},
    renderFallbackValue: null,
    ...(keyOf ? { getRowId: keyOf } : {}),
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    getRowCanExpand: () => true,
    globalFilterFn: "includesString",
    getColumnCanGlobalFilter: (column) => !column.columnDef.meta.number,
  });
  const update = () => {
    made.setOptions((options) => ({
      ...options,
      data: all,
      columns,
      state: { ...made.initialState, ...state },
      onStateChange: (change) => {
        state = typeof change === "function" ? change(made.getState()) : change;
        update();
      },
    }));
    draw();
  };

  const field = searchField(search, (value) => {
    shown = FIRST;
    made.setGlobalFilter(value);
  });
  const found = el("output", { class: "found", "aria-live": "polite" });
  byId(`${name}-controls`).append(field, found);
  const head = el("thead");
  const body = el("tbody");
  const end = el("tfoot");
  const more = el("p");
  const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, el("table", { class: "rows" }, head, body, end));
  byId(`${name}-body`).append(scroll, more);

  function draw() {
    const focused = document.activeElement?.dataset?.key;
    const rows = made.getRowModel().rows;
    head.replaceChildren(el("tr", {}, ...made.getFlatHeaders().map(headOf)));
    body.replaceChildren(...rows.slice(0, shown).flatMap(rowOf));
    const sought = state.globalFilter;
    found.textContent = sought ? `${count(rows.length)} of ${count(all.length)} rows` : "";
    end.replaceChildren(...(sought ? [] : foot().map(footOf)));
    const left = rows.length - shown;
    // On paper too, where there is no button.
    more.replaceChildren(...(left > 0 ? [el("span", { class: "hint" }, `${count(shown)} of ${count(rows.length)} rows are listed. `), el("button", { type: "button", class: "quiet no-print", "data-key": "more", onclick: () => {
      shown += 100;
      draw();
    } }, `${count(left)} more rows`)] : []));
    if (focused) scroll.parentElement.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
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
      const { title, below } = meta.content(row.original);
      return el("td", {}, el("div", { class: "place" },
        el("button", { type: "button", class: "open", "aria-expanded": String(open), "data-key": `row-${row.id}`, onclick: row.getToggleExpandedHandler() }, ...title),
        below ?? null));
    });
    const line = el("tr", {}, ...cells);
    if (!open) return [line];
    return [line, el("tr", { class: "opened" }, el("td", { colspan: String(cells.length) }, opened(row.original)))];
  }

  function footOf(texts) {
    return el("tr", {}, ...columns.map((column) => el("td", { class: classOf(column.meta) }, texts[column.id] ?? "")));
  }

  update();
  return {
    // Others in their place, and what was sorted and sought stays so; columns too, where they are given.
    replace(others, changed = columns) {
      all = others;
      columns = changed;
      shown = FIRST;
      state = { ...state, expanded: {} };
      update();
    },
    // That row alone, open and in sight, whatever was sought.
    open(key) {
      field.value = "";
      state = { ...state, globalFilter: "", expanded: { [key]: true } };
      const at = made.getSortedRowModel().rows.findIndex((row) => row.id === key);
      shown = Math.max(shown, at + 1);
      update();
      const button = scroll.querySelector(`[data-key="${CSS.escape(`row-${key}`)}"]`);
      button?.focus();
      button?.scrollIntoView({ block: "center" });
    },
  };
}
