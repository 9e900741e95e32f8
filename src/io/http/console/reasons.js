// Owns how reasons are said: a name, a sentence in the chosen language (the engine's own English one where there is no other), the points.

import { quiet, faint } from './parts.js';
import { h } from './dom.js';
import { decimal } from './format.js';
import { language, named, spaced, t } from './i18n.js';
import { inFrench } from './reasons-fr.js';

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A reason as a sentence. */
export function said(reason) {
  const french = language() === 'fr' && inFrench(reason);
  return h('span', { lang: french ? null : 'en' }, french ? spaced(sentence(french)) : sentence(reason.detail));
}

/** The first reason as a sentence, for lists. */
export function headline(reasons) {
  return reasons?.length ? said(reasons[0]) : '';
}

/** What rules say: the score's own reasons have points, or say what is not known. */
export const ofRules = (reasons) => reasons.filter(({ points, code }) => points === 0 && !/_unknown$|^altman/.test(code));

/** What rules say, as sentences; what the score is made of stands elsewhere on the page. */
export function ruleSentences(reasons) {
  return ofRules(reasons).map((reason) => h('p', {}, said(reason)));
}

/** All reasons, the weightiest first as they come: name, sentence, points, documents. */
export function reasonList(reasons, { withPoints = false } = {}) {
  if (!reasons?.length) return quiet(t('nothing_here'));
  const most = Math.max(...reasons.map((reason) => reason.points), 1);
  return h('ul', { class: 'reasons' }, reasons.map((reason) => {
    const hasPoints = reason.points > 0;
    return h('li', {},
      withPoints && h('span', { class: 'points' }, hasPoints
        ? [h('span', { class: 'number' }, `+${decimal(reason.points)}`), h('span', { class: 'unseen' }, ` ${t('points')}`), h('span', { class: 'meter', 'aria-hidden': 'true' }, h('span', { style: { width: `${(reason.points / most) * 100}%` } }))]
        : faint('–')),
      h('div', { class: 'grow' }, h('strong', {}, named('reason', reason.code)), h('p', {}, said(reason)),
        reason.documents?.length > 0 && h('p', { class: 'note' }, `${t('documents')} ${reason.documents.join(', ')}`)));
  }));
}
