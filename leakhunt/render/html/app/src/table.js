// The table: what diff or top says of the main process.
import { el } from "./dom.js";
import { numbers, rowsOf, words } from "./rows.js";
import { count, share, signedCount, signedSize, size } from "./units.js";

export function table(data) {
  const { compared, tasks, unit, rows, remainder, dropped, totals } = data.table;
  const grown = ([was, now]) => now - was;
  const frame = (number) => {
    const [file, line, name, code] = data.frames[number];
    return { where: `${data.files[file][1]}:${line}`, path: `${data.files[file][0]}:${line}`, name, code };
  };
  const lines = rows.map((row) => ({ ...row, ...(row.frame >= 0 ? frame(row.frame) : { where: "unknown", path: "", name: "", code: "" }) }));
  const rank = numbers("rank", "#", (row) => row.rank, (row) => String(row.rank), true);
  const columns = [
    { ...rank, sortDescFirst: false },
    ...(compared
      ? [
          numbers("growth", "growth", (row) => grown(row.sizes), (row) => signedSize(grown(row.sizes))),
          numbers("blocks", "blocks", (row) => row.sizes[3] - row.sizes[2], (row) => signedCount(row.sizes[3] - row.sizes[2]), true),
          ...(tasks ? [numbers("per-task", `per ${unit}`, (row) => grown(row.sizes) / tasks, (row) => signedSize(grown(row.sizes) / tasks))] : []),
          numbers("alive", "alive", (row) => row.sizes[1], (row) => size(row.sizes[1]), true),
        ]
      : [
          numbers("alive", "size", (row) => row.sizes[1], (row) => size(row.sizes[1])),
          numbers("blocks", "blocks", (row) => row.sizes[3], (row) => count(row.sizes[3]), true),
          numbers("share", "share", (row) => row.sizes[1] / (totals[1] || 1), (row) => share(row.sizes[1] / (totals[1] || 1)), true),
        ]),
    words("where", "where", (row) => `${row.path} ${row.name} ${row.code}`, ({ where, name, code }) => ({
      title: [el("span", { class: "where" }, where), name ? ` in ${name}` : ""],
      below: code ? el("code", {}, code) : null,
    })),
  ];

  function stackOf(row) {
    if (!row.stack.length) return el("p", { class: "hint" }, "No stack was recorded.");
    return el("ol", { class: "stack" }, ...row.stack.map((number, index) => {
      const { path, name, code } = frame(number);
      return el("li", { class: index === row.at ? "site" : null }, el("span", { class: "where" }, path), name ? ` in ${name}` : "", code ? el("code", {}, code) : null);
    }));
  }

  // What is put together may have shrunk while rows grew: the name says so, not the sign alone.
  const line = (name, [was, now, blocksWas, blocksNow], sites) => ({
    growth: signedSize(now - was),
    blocks: compared ? signedCount(blocksNow - blocksWas) : count(blocksNow),
    "per-task": tasks ? signedSize((now - was) / tasks) : "",
    alive: size(now),
    share: share(now / (totals[1] || 1)),
    where: sites === undefined ? name : `${name}: ${count(sites)} ${sites === 1 ? "line" : "lines"}${now < was && compared ? ", shrunk together" : ""}`,
  });
  const foot = () => [
    ...(remainder[4] ? [line("smaller", remainder.slice(0, 4), remainder[4])] : []),
    ...(dropped[4] ? [line("left out (tracing, imports)", dropped.slice(0, 4), dropped[4])] : []),
    line("total", totals),
  ];
  rowsOf({ name: "table", label: "Rows of the table", search: "Search the table", columns, lines, opened: stackOf, foot });
}
