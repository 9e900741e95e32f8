// Checks that every metric that dashboards, rules and documents name is on the page /metrics: node names.mjs SECONDS PAGE...
// where each PAGE is an address or a file, and SECONDS how long they may take to show them all: a metric is on the page from its
// first series on. Pages of several processes count together.
import { readFileSync } from 'node:fs';
import { dashboardQueries, metricsNamed, read } from './sources.mjs';

const TEXTS = ['grafana/alerts.yml', 'README.md', 'OPERATIONS.md'];
const SUFFIXES = ['_bucket', '_sum', '_count'];

const [seconds, ...pages] = process.argv.slice(2);
const named = dashboardQueries();
TEXTS.forEach((file) => named.push({ where: file, expression: readFileSync(file, 'utf8') }));

/** The metrics that the pages have. */
async function knownNow() {
    const known = new Set();
    for (const page of pages) {
        for (const [, name, kind] of (await read(page)).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
            known.add(name);
            if (kind === 'histogram') SUFFIXES.forEach((suffix) => known.add(name + suffix));
        }
    }
    return known;
}

const end = Date.now() + Number(seconds) * 1000;
let missing;
for (;;) {
    const known = await knownNow();
    missing = named.flatMap(({ where, expression }) =>
        [...metricsNamed(expression)].filter((name) => !known.has(name)).map((name) => `${where}: ${name}`),
    );
    if (known.size === 0) missing.push('the pages have no metrics at all');
    if (missing.length === 0 || Date.now() > end) break;
    await new Promise((later) => setTimeout(later, 1000));
}
missing.forEach((line) => console.error(`not on the page: ${line}`));
const count = new Set(named.flatMap(({ expression }) => [...metricsNamed(expression)])).size;
console.log(`${count} metrics are named, ${missing.length} times one that is not on the page`);
process.exitCode = missing.length === 0 ? 0 : 1;
