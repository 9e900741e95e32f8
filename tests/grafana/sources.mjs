// Owns what the checks of dashboards and rules look at: expressions with where they stand, and the metrics that they name.
import { readFileSync, readdirSync } from 'node:fs';

const DASHBOARDS = 'grafana/dashboards';
const METRIC = /\b(?:vigie|process)_[a-z0-9_]+/g;

/** Every query of every panel and variable of the dashboards: { where, expression }. */
export function dashboardQueries() {
    return readdirSync(DASHBOARDS).flatMap((file) => {
        const dashboard = JSON.parse(readFileSync(`${DASHBOARDS}/${file}`, 'utf8'));
        const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
        const ofPanels = panels.flatMap((panel) =>
            (panel.targets ?? []).map((target) => ({
                where: `${file}: ${panel.title} (${target.refId})`,
                expression: target.expr,
            })),
        );
        const ofVariables = dashboard.templating.list
            .filter((variable) => variable.type === 'query')
            .map((variable) => ({ where: `${file}: variable ${variable.name}`, expression: variable.query.query }));
        return [...ofPanels, ...ofVariables];
    });
}

/** The metrics that a text names. */
export const metricsNamed = (text) => new Set(text.match(METRIC) ?? []);

/** The text behind an address or in a file. */
export async function read(source) {
    if (!/^https?:/.test(source)) return readFileSync(source, 'utf8');
    const answer = await fetch(source);
    if (!answer.ok) throw new Error(`${source} answered ${answer.status}`);
    return answer.text();
}
