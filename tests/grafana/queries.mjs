// Asks a Prometheus every question of the dashboards and rules, until each has been answered with data or the wait is over:
// node queries.mjs http://127.0.0.1:PORT SECONDS
import { dashboardQueries } from './sources.mjs';

const [prometheus, seconds] = process.argv.slice(2);

// A demo is seconds old, and everything of it is chosen.
const VARIABLES = { top: '10', __rate_interval: '15s', __range: '60s' };
const EVERYTHING = '.*';

const ask = async (path, parameters) => {
    const answer = await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = await answer.json();
    if (status !== 'success') throw new Error(error);
    return data;
};

/** An expression of a dashboard as Prometheus takes it. */
function ofDashboard({ where, expression }) {
    const filled = expression.replace(/\$\{?(\w+)\}?/g, (_, name) => VARIABLES[name] ?? EVERYTHING);
    const [, series, label] = /^label_values\((.*), (\w+)\)$/.exec(filled) ?? [];
    return { where, expression: series === undefined ? filled : `count by (${label}) (${series})` };
}

/** What a rule measures: its expression without what it is compared with, and with a past that a demo has. */
function ofRule({ name, query }) {
    const measure = query.replace(/ (==|!=|>=|<=|>|<) [0-9.e+-]+$/, '');
    if (measure === query) throw new Error(`${name}: its expression does not end in a comparison with a number: ${query}`);
    return { where: `alerts.yml: ${name}`, expression: measure.replace(/ offset \w+/g, ' offset 5s') };
}

/** Whether it is answered as it should be; an expression that Prometheus refuses ends everything. */
async function isAnswered({ where, expression }) {
    const data = await ask('query', { query: expression }).catch((error) => {
        throw new Error(`${where}: ${error.message}\n    ${expression}`);
    });
    return data.result.length > 0;
}

const rules = (await ask('rules', { type: 'alert' })).groups.flatMap((group) => group.rules);
if (rules.length === 0) throw new Error('Prometheus has read no rules');
let open = [...dashboardQueries().map(ofDashboard), ...rules.map(ofRule)];
const total = open.length;
const end = Date.now() + Number(seconds) * 1000;
for (;;) {
    const unanswered = [];
    for (const question of open) if (!(await isAnswered(question))) unanswered.push(question);
    open = unanswered;
    if (open.length === 0 || Date.now() > end) break;
    await new Promise((later) => setTimeout(later, 1000));
}
open.forEach(({ where, expression }) => console.error(`no data: ${where}\n    ${expression.replaceAll('\n', '\n    ')}`));

const failed = (await ask('rules', { type: 'alert' })).groups
    .flatMap((group) => group.rules)
    .filter((rule) => rule.health !== 'ok' || rule.lastError);
failed.forEach((rule) => console.error(`alerts.yml: ${rule.name} is ${rule.health}: ${rule.lastError}`));
console.log(`${total} questions to Prometheus, ${open.length} without data; ${rules.length} rules, ${failed.length} that fail`);
process.exitCode = open.length + failed.length === 0 ? 0 : 1;
