// What a JSON schema has against documents: node validate.cjs SCHEMA DOCUMENT… prints a list of errors for each.
const fs = require("node:fs");
const Ajv = require("ajv");

const read = (path) => JSON.parse(fs.readFileSync(path, "utf-8"));
const [schema, ...documents] = process.argv.slice(2);
// Strict: a keyword or format that it does not know would hold for everything.
const ajv = new Ajv({ allErrors: true, schemaId: "auto", strictKeywords: true });
ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-04.json"));
const holds = ajv.compile(read(schema));
const found = documents.map((path) => (holds(read(path)) ? [] : holds.errors.map((error) => `${error.dataPath}: ${error.message}`)));
process.stdout.write(JSON.stringify(found));
