// Makes the files that the package ships: one script, one style, the licences of what is in them.
// `npm ci && npm run build` gives the same bytes for the same lock file; `node build.mjs DIR` writes elsewhere.
import { build } from "esbuild";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "shipped");
mkdirSync(out, { recursive: true });

const made = await build({
  absWorkingDir: here,
  entryPoints: { page: "src/page.js" },
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome100", "firefox100", "safari15"],
  charset: "ascii",
  legalComments: "none",
  metafile: true,
  write: false,
  outdir: "out",
  logLevel: "warning",
});

for (const file of made.outputFiles) {
  // Nothing in it may end the element that it stands in.
  const text = file.text.replace(/<\/(script|style)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
  writeFileSync(join(out, file.path.split(sep).pop()), text);
}

// Of every package that gave a byte: its name, version and licence text.
const packages = new Set();
for (const output of Object.values(made.metafile.outputs)) {
  for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
    const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found && bytesInOutput > 0) packages.add(found[0].slice(0, -1));
  }
}
const texts = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
  const file = readdirSync(join(here, folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(join(here, folder, file), "utf8").replace(/\r\n/g, "\n").trim() : "";
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(out, "LICENSES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
