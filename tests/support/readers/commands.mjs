// Workflow commands as GitHub's own toolkit writes them: a JSON list of [command, properties, message] on standard input.
import fs from "node:fs";
import { issueCommand } from "./node_modules/@actions/core/lib/command.js";

for (const [command, properties, message] of JSON.parse(fs.readFileSync(0, "utf-8"))) issueCommand(command, properties, message);
