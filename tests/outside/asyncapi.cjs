// Asks AsyncAPI's own parser what it thinks of schemas/asyncapi.yaml and all that it refers to; run by tests/outside/run.
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { resolve } = require('node:path');

const [packages, file] = process.argv.slice(2).map((path) => resolve(path));
const { Parser, DiagnosticSeverity } = createRequire(`${packages}/`)('@asyncapi/parser');

async function main() {
    const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'), { source: file });
    const bad = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);
    for (const { code, message, path } of diagnostics) console.error(`${code} at ${path.join('/')}: ${message}`);
    const payloads = document ? document.allMessages().all().filter((message) => message.hasPayload()) : [];
    if (payloads.length === 0) bad.push('no message has a payload');
    console.log(`asyncapi.yaml: ${payloads.length} messages, ${bad.length} errors and warnings`);
    process.exitCode = bad.length === 0 ? 0 : 1;
}

main();
