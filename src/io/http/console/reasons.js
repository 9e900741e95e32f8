// Owns how reasons are said: a name, a sentence in the chosen language, the points, and the engine's own English sentence where they differ.

import { quiet, faint } from './parts.js';
import { h } from './dom.js';
import { decimal } from './format.js';
import { language, named, spaced, t } from './i18n.js';
import { inFrench } from './reasons-fr.js';

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A reason as a sentence, and the engine's own where that is another. */
function said(reason) {
  if (language() !== 'fr') return { main: sentence(reason.detail), engine: null };
  const french = inFrench(reason);
  return { main: french ? spaced(sentence(french)) : named('reason', reason.code), engine: sentence(reason.detail) };
}

/** The first reason as a sentence, for lists. */
export function headline(reasons) {
  return reasons?.length ? said(reasons[0]).main : '';
}

/** What rules say, as sentences; what the score is made of stands elsewhere on the page. */
export function ruleSentences(reasons) {
  return reasons.filter((reason) => reason.points === 0).map((reason) => {
    const { main, engine } = said(reason);
    return [h('p', {}, main), engine && h('p', { class: 'note', lang: 'en' }, engine)];
  });
}

/** All reasons, the weightiest first as they come: name, sentence, points, documents. */
export function reasonList(reasons, { withPoints = false } = {}) {
  if (!reasons?.length) return quiet(t('nothing_here'));
  const most = Math.max(...reasons.map((reason) => reason.points), 1);
  return h('ul', { class: 'reasons' }, reasons.map((reason) => {
    const { main, engine } = said(reason);
    const hasPoints = reason.points > 0;
    return h('li', {},
      withPoints && h('span', { class: 'points' }, hasPoints
        ? [h('span', { class: 'number' }, `+${decimal(reason.points)}`), h('span', { class: 'unseen' }, ` ${t('points')}`), h('span', { class: 'meter', 'aria-hidden': 'true' }, h('span', { style: { width: `${(reason.points / most) * 100}%` } }))]
        : faint('–')),
      h('div', { class: 'grow' }, h('strong', {}, named('reason', reason.code)), h('p', {}, main),
        engine && h('p', { class: 'note', lang: 'en' }, engine),
        reason.documents?.length > 0 && h('p', { class: 'note' }, `${t('documents')} ${reason.documents.join(', ')}`)));
  }));
}
