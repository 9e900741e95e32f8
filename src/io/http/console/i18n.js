// Owns the choice of language and the look-up of words.

import { en } from './words-en.js';
import { fr } from './words-fr.js';
import { count, useLocale } from './format.js';

const WORDS = { en, fr };
const KEPT_AS = 'vigie.language';
let lang = 'en';

/** The chosen language: en or fr. */
export const language = () => lang;

/** The languages, by their own names. */
export const LANGUAGES = [['en', 'English'], ['fr', 'Français']];

/** Takes the language chosen before, or else the browser's. */
export function startLanguage() {
  const asked = [kept(), ...(navigator.languages ?? [navigator.language])].map((name) => (name ?? '').split('-')[0]);
  use(asked.find((name) => name in WORDS) ?? 'en');
}

/** Chooses a language and remembers it. */
export function chooseLanguage(name) {
  try {
    localStorage.setItem(KEPT_AS, name);
  } catch {
    // A browser that keeps nothing still shows the language until the page is left.
  }
  use(name);
}

function kept() {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

function use(name) {
  lang = name;
  document.documentElement.lang = name;
  useLocale(name);
}

/** Whether there are words for a key. */
export const has = (key) => key in WORDS[lang];

/** The words of a key with `{name}` filled in; of several forms, the one for the number `n`, which is written as a count. */
export function t(key, values = {}) {
  let words = WORDS[lang][key] ?? WORDS.en[key] ?? key;
  if (typeof words === 'object') {
    const form = new Intl.PluralRules(lang).select(Number(values.n ?? 0));
    words = words[form] ?? words.other;
  }
  return spaced(words.replace(/\{(\w+)\}/g, (_, name) => (name === 'n' ? count(values.n) : values[name] ?? '')));
}

/** French sets off these marks by a space at which no line breaks. */
export function spaced(text) {
  return lang === 'fr' ? text.replace(/ ([:;?!%»→])/g, '\u00a0$1').replace(/« /g, '«\u00a0') : text;
}

// Where a family has no words of its own for a code, it takes those of another.
const ELSE = { obstacle: 'reason', reason: 'kind', remedy: 'layer' };

/** The words of a code in a family (`kind`, `reason`, …), or the code itself made readable. */
export function named(family, code) {
  const key = `${family}.${code}`;
  if (has(key)) return t(key);
  return ELSE[family] ? named(ELSE[family], code) : String(code ?? '').replaceAll('_', ' ');
}
