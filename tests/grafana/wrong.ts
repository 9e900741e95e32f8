// Owns what must not pass as a dashboard: where one of these lines does, tsc says that an error was expected.
import type { AnyDashboard, OurDashboard, OurLegend } from './dashboard';

// @ts-expect-error Every dashboard names the version of its schema.
export const noVersion: AnyDashboard = { title: 'a' };
// @ts-expect-error Grafana knows no such field.
export const stranger: AnyDashboard = { schemaVersion: 41, titel: 'a' };
// @ts-expect-error There is no such sorting.
export const sorting: AnyDashboard = { schemaVersion: 41, templating: { list: [{ name: 'a', type: 'query', sort: 99 }] } };

const rest = {
    id: 1,
    title: 'a',
    description: 'b',
    targets: [],
    fieldConfig: { defaults: {}, overrides: [] },
};
const legend: OurLegend = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] };
const board = { schemaVersion: 41, uid: 'a', title: 'a' } as const;

export const right: OurDashboard = {
    ...board,
    panels: [{ ...rest, type: 'timeseries', options: { legend, tooltip: { mode: 'multi', sort: 'desc' } } }],
};
export const tooltip: OurDashboard = {
    ...board,
    // @ts-expect-error A tooltip shows one, several or none.
    panels: [{ ...rest, type: 'timeseries', options: { legend, tooltip: { mode: 'many', sort: 'desc' } } }],
};
export const kind: OurDashboard = {
    ...board,
    // @ts-expect-error A panel of a kind that we do not use has options that nobody checks.
    panels: [{ ...rest, type: 'geomap', options: {} }],
};
