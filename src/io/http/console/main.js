// Owns the page's frame: the head with navigation, language and live state, the routes, and where focus goes.

import { get, Live } from './api.js';
import { h, put } from './dom.js';
import { count, instant, useCurrency } from './format.js';
import { LANGUAGES, chooseLanguage, language, named, startLanguage, t } from './i18n.js';
import { every, problemNote, throttled } from './parts.js';
import { Decisions } from './decisions.js';
import { portfolio } from './views/portfolio.js';
import { buyers } from './views/buyers.js';
import { buyer } from './views/buyer.js';
import { alerts } from './views/alerts.js';
import { proposals } from './views/proposals.js';
import { orderCheck } from './views/order-check.js';

const ROUTES = [
  [/^$/, 'portfolio', portfolio],
  [/^buyers$/, 'buyers', buyers],
  [/^buyers\/(.+)$/, 'buyers', buyer],
  [/^alerts$/, 'alerts', alerts],
  [/^proposals$/, 'proposals', proposals],
  [/^order-check$/, 'order-check', orderCheck],
];
const PLACES = [['', 'portfolio'], ['buyers', 'buyers'], ['alerts', 'alerts'], ['proposals', 'proposals'], ['order-check', 'order-check']];
const COUNTED = { alerts: 'open_alerts', proposals: 'open_proposals' };
const HEAD_MS = 10000;
const ANNOUNCE_MS = 8000;

const main = document.getElementById('main');
const live = new Live();
const app = { me: null, totals: null, live, say, decisions: null };
let leaving = new AbortController();

function say(words) {
  document.getElementById('announcer').textContent = words;
}

/** The route that the address names: its place in the navigation, its view, its parameter and its query. */
function routed() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  for (const [pattern, place, view] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return { place, view, param: found[1] && decodeURIComponent(found[1]), query: new URLSearchParams(query) };
  }
  return { place: 'portfolio', view: portfolio, query: new URLSearchParams() };
}

/** Shows the view of the address. After a navigation focus goes to its heading, so that a screen reader begins there. */
async function show({ focus }) {
  leaving.abort();
  leaving = new AbortController();
  const route = routed();
  head(route.place);
  const { title, heading = title, children } = route.view({ ...route, app, signal: leaving.signal });
  document.title = `${title} · vigie`;
  put(main, h('h1', { tabindex: '-1', id: 'heading' }, heading), ...children);
  if (focus) {
    document.getElementById('heading').focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

/** Changes the query of the address without a new entry in the history and without a new view. */
app.remember = (query) => {
  const path = location.hash.split('?')[0] || '#/';
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  history.replaceState(null, '', text ? `${path}?${text}` : path);
};

app.can = (scope) => !app.me?.scopes || app.me.scopes.includes(scope);

function head(place) {
  const links = PLACES.map(([path, name]) => {
    const open = app.totals?.[COUNTED[name]];
    return h('li', {}, h('a', { href: `#/${path}`, 'aria-current': name === place ? 'page' : null },
      t(`place.${name}`), open != null && h('span', { class: 'count', 'data-count': name }, count(open), h('span', { class: 'unseen' }, ` ${t('open_ones')}`))));
  });
  const languages = h('div', { class: 'languages', role: 'group', 'aria-label': t('language') }, LANGUAGES.map(([name, words]) =>
    h('button', { type: 'button', lang: name, title: words, 'aria-pressed': String(language() === name), 'data-k': `language-${name}`, onclick: () => changeLanguage(name) },
      h('span', { 'aria-hidden': 'true' }, name.toUpperCase()), h('span', { class: 'unseen' }, words))));
  put(document.getElementById('top'),
    h('a', { class: 'brand', href: '#/' }, h('img', { src: '/assets/icon.svg', alt: '', width: 26, height: 26 }), 'vigie'),
    h('nav', { 'aria-label': t('navigation') }, h('ul', {}, links)),
    h('div', { class: 'state' }, h('span', { id: 'live', class: 'live', role: 'status' }), languages));
  document.getElementById('skip').textContent = t('skip');
  put(document.getElementById('foot'), h('p', { id: 'about' }));
  state();
}

/** What changes in the frame while the view stays. */
function state() {
  put(document.getElementById('live'), h('span', { class: live.isLive ? 'dot on' : 'dot', 'aria-hidden': 'true' }), t(live.isLive ? 'live' : 'reconnecting'));
  if (app.me) put(document.getElementById('about'), t('about', { version: app.me.version, clock: instant(app.me.clock), name: app.me.name ?? '–' }));
  for (const [name, total] of Object.entries(COUNTED)) {
    const shown = document.querySelector(`[data-count="${name}"]`);
    if (shown && app.totals) shown.firstChild.data = count(app.totals[total]);
  }
}

async function refreshHead() {
  try {
    const [me, portfolioNow] = await Promise.all([get('/v1/me'), get('/v1/portfolio')]);
    const isFirst = app.totals === null;
    app.me = me;
    app.totals = portfolioNow.totals;
    useCurrency(me.base_currency);
    if (isFirst) head(routed().place);
    else state();
  } catch (error) {
    // The stream's state in the head says that the server is away; the next round tries again.
    if (!app.me) throw error;
  }
}

async function changeLanguage(name) {
  chooseLanguage(name);
  await show({ focus: false });
  app.decisions.draw();
  document.querySelector(`[data-k="language-${name}"]`)?.focus();
}

/** Tells a screen reader of new alerts, a few at a time and not at each. */
function announceAlerts() {
  const waiting = [];
  const tell = throttled(() => {
    const [worst] = waiting.filter((alert) => alert.severity === 'critical').concat(waiting);
    if (worst) say(t('news.alerts', { n: waiting.length, severity: named('severity', worst.severity), kind: named('kind', worst.kind), buyer: worst.buyer_name ?? worst.buyer_id }));
    waiting.length = 0;
  }, ANNOUNCE_MS);
  live.addEventListener('alert', ({ detail }) => {
    if (detail.state !== 'open') return;
    waiting.push(detail);
    tell();
  });
}

async function start() {
  startLanguage();
  document.getElementById('skip').addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
  app.decisions = new Decisions(app, document.getElementById('news'));
  head(routed().place);
  try {
    await refreshHead();
  } catch (error) {
    return put(main, h('h1', {}, 'vigie'), problemNote(error, () => location.reload()));
  }
  addEventListener('hashchange', () => show({ focus: true }));
  await show({ focus: false });
  const renewHead = throttled(refreshHead, 3000);
  live.addEventListener('state', state);
  for (const kind of ['alert', 'proposal', 'gap']) live.addEventListener(kind, renewHead);
  announceAlerts();
  live.start();
  every(HEAD_MS, renewHead, new AbortController().signal);
}

start();
