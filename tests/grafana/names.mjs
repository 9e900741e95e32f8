// Checks that every metric that dashboards, rules and documents name is on the page /metrics: node names.mjs PAGE...
// where each PAGE is an address or a file. Pages of several processes count together.
import { readFileSync } from 'node:fs';
import { dashboardQueries, metricsNamed, read } from './sources.mjs';

const TEXTS = ['grafana/alerts.yml', 'README.md', 'OPERATIONS.md'];
const SUFFIXES = ['_bucket', '_sum', '_count'];

const known = new Set();
for (const page of process.argv.slice(2)) {
    for (const [, name, kind] of (await read(page)).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
        known.add(name);
        if (kind === 'histogram') SUFFIXES.forEach((suffix) => known.add(name + suffix));
    }
}

const named = dashboardQueries();
TEXTS.forEach((file) => named.push({ where: file, expression: readFileSync(file, 'utf8') }));
const missing = named.flatMap(({ where, expression }) =>
    [...metricsNamed(expression)].filter((name) => !known.has(name)).map((name) => `${where}: ${name}`),
);

if (known.size === 0) missing.push('the pages have no metrics at all');
missing.forEach((line) => console.error(`not on the page: ${line}`));
const count = new Set(named.flatMap(({ expression }) => [...metricsNamed(expression)])).size;
console.log(`${count} metrics are named, ${missing.length} times one that is not on the page`);
process.exitCode = missing.length === 0 ? 0 : 1;
