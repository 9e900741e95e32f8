// Owns the charts over time: uPlot, in the page's own colours, with the same figures as a table for who does not see them.

import { h } from './dom.js';
import { day, decimal, month, short, whole } from './format.js';
import { t } from './i18n.js';
import { table } from './parts.js';

const HEIGHT_PX = 190;
// Marks of the axis of time stand at months alone, in seconds as uPlot knows them.
const MONTHS = [30, 60, 90, 120, 180, 365, 730].map((days) => days * 86400);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const seconds = (text) => Date.parse(`${text}T00:00Z`) / 1000;

/** Exposure and overdue, and below them the score, at the ends of months and today. */
export function overTime(row, signal) {
  const points = [...row.month_ends, { day: row.as_of, exposure: row.exposure, overdue: row.overdue, score: row.score }];
  const days = points.map((point) => seconds(point.day));
  const span = t('from_to', { from: day(points[0].day), to: day(row.as_of) });
  const sync = { key: 'over-time' };
  const amounts = {
    label: `${t('exposure')}, ${t('overdue')} ${span}`,
    data: [days, points.map((point) => Number(point.exposure)), points.map((point) => Number(point.overdue))],
    series: [{ label: t('exposure'), ink: 'primary', fill: 'primary-soft' }, { label: t('overdue'), ink: 'late', fill: 'late-soft', dash: [6, 4] }],
    format: short, range: (_, min, max) => [0, (max || 1) * 1.08], sync,
  };
  const scores = {
    label: `${t('score_0_100')} ${span}`,
    data: [days, points.map((point) => point.score)],
    series: [{ label: t('score_0_100'), ink: 'score' }],
    format: (value) => decimal(value), range: [0, 100], sync,
  };
  const figures = table({
    caption: t('over_time'), items: [...points].reverse(), columns: [
      { name: t('day'), kind: 'main', cell: (point) => day(point.day) },
      { name: t('exposure'), kind: 'number', cell: (point) => whole(point.exposure) },
      { name: t('overdue'), kind: 'number', cell: (point) => whole(point.overdue) },
      { name: t('score'), kind: 'number', cell: (point) => decimal(point.score) },
    ],
  });
  return [chart(amounts, signal), chart(scores, signal),
    h('details', { 'data-k': 'figures' }, h('summary', {}, t('as_table')), figures)];
}

/** A chart that follows the width of its place and the page's colours. */
function chart(what, signal) {
  const host = h('div', { class: 'chart', role: 'img', 'aria-label': what.label });
  let plot = null;
  const draw = () => {
    plot?.destroy();
    if (host.clientWidth === 0) return;
    plot = new window.uPlot(options(what, host.clientWidth), what.data, host);
    latest(plot);
  };
  const resized = new ResizeObserver(() => (plot ? plot.setSize({ width: host.clientWidth, height: HEIGHT_PX }) : draw()));
  resized.observe(host);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', draw, { signal });
  signal.addEventListener('abort', () => {
    resized.disconnect();
    plot?.destroy();
  });
  return host;
}

/** Without a pointer the legend tells the latest figures. */
function latest(plot) {
  if (plot.cursor.idx == null) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function options({ series, format, range, sync }, width) {
  const axis = {
    stroke: colour('quiet'), font: '12px system-ui, sans-serif', grid: { stroke: colour('line'), width: 1 }, ticks: { show: false },
  };
  return {
    width, height: HEIGHT_PX, tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), 'Etc/UTC'),
    cursor: { sync, drag: { x: false, y: false }, points: { size: 8 } }, legend: { live: true }, hooks: { setLegend: [latest] },
    scales: { y: { range } },
    axes: [
      { ...axis, size: 30, space: 64, incrs: MONTHS, values: (_, splits) => splits.map(month), grid: { show: false } },
      { ...axis, size: 58, values: (_, splits) => splits.map(format) },
    ],
    series: [
      { label: t('day'), value: (_, at) => (at == null ? '–' : day(new Date(at * 1000).toISOString())) },
      ...series.map(({ label, ink, fill, dash }) => ({
        label, stroke: colour(ink), fill: fill && colour(fill), width: 2, dash, points: { size: 5, fill: colour(ink) },
        value: (_, value) => (value == null ? '–' : format(value)),
      })),
    ],
  };
}
