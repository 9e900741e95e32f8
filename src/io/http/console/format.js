// Owns numbers, money, days and instants as a person of the chosen language writes them. Money stays a decimal string.

const NONE = '–';
let locale = 'en-GB';
let currency = 'EUR';
let made = new Map();

/** Chooses the language. The browser's own variant of it (en-US, fr-CH) is kept. */
export function useLocale(lang) {
  const own = (navigator.languages ?? []).find((name) => name.split('-')[0] === lang);
  locale = own ?? (lang === 'fr' ? 'fr-FR' : 'en-GB');
  made = new Map();
}

/** Chooses the base currency. */
export function useCurrency(code) {
  currency = code;
  made = new Map();
}

/** The base currency. */
export const baseCurrency = () => currency;

function number(name, options) {
  if (!made.has(name)) made.set(name, new Intl.NumberFormat(locale, options));
  return made.get(name);
}

/** Money without its currency, in whole units: for tables. */
export const whole = (amount) =>
  amount == null ? NONE : number('whole', { maximumFractionDigits: 0 }).format(amount);

/** Money with its currency, in whole units. */
export const money = (amount, code = currency) =>
  amount == null
    ? NONE
    : number(`money ${code}`, { style: 'currency', currency: code, currencyDisplay: 'code', maximumFractionDigits: 0 })
        .format(amount);

/** Money to the cent. */
export const exact = (amount, code = currency) =>
  amount == null
    ? NONE
    : number(`exact ${code}`, { style: 'currency', currency: code, currencyDisplay: 'code' }).format(amount);

/** Money in a few characters: 12.4M. */
export const short = (amount) =>
  amount == null ? NONE : number('short', { notation: 'compact', maximumSignificantDigits: 4 }).format(amount);

/** A count. */
export const count = (n) => (n == null ? NONE : number('count', {}).format(n));

/** A decimal as it was measured, with its own number of places at most. */
export const decimal = (text, places = 2) =>
  text == null ? NONE : number(`decimal ${places}`, { maximumFractionDigits: places }).format(text);

/** A share of 1 as per cent. */
export const percent = (share, places = 0) =>
  share == null || Number.isNaN(share)
    ? NONE
    : number(`percent ${places}`, { style: 'percent', maximumFractionDigits: places }).format(share);

/** A day: 15 Dec 2026. */
export function day(text) {
  return text ? dates('day', { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(`${text.slice(0, 10)}T00:00Z`)) : NONE;
}

/** A month: Dec 2026. */
export function month(seconds) {
  return dates('month', { month: 'short', year: '2-digit', timeZone: 'UTC' }).format(new Date(seconds * 1000));
}

/** An instant, in UTC as the engine's days are. */
export function instant(text) {
  return text ? dates('instant', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(text)) : NONE;
}

function dates(name, options) {
  if (!made.has(name)) made.set(name, new Intl.DateTimeFormat(locale, options));
  return made.get(name);
}

/** The name of a country by its code. */
export function country(code) {
  if (!code) return NONE;
  if (!made.has('country')) made.set('country', new Intl.DisplayNames([locale], { type: 'region', fallback: 'code' }));
  return made.get('country').of(code);
}

/** A day so many days later. */
export function daysLater(text, days) {
  const at = new Date(`${text.slice(0, 10)}T00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** What a person typed as money ("300 000,50", "300,000.50", "300'000") as a decimal string, or null. */
export function readMoney(text) {
  const bare = text.replace(/[\s\u00a0\u202f'’]/g, '').replace(/[A-Z]{3}$/i, '');
  const parts = /^([0-9][0-9.,]*?)(?:[.,]([0-9]{1,2}))?$/.exec(bare);
  if (!parts) return null;
  const groups = parts[1].split(/[.,]/);
  if (groups.slice(1).some((group) => group.length !== 3)) return null;
  const digits = groups.join('').replace(/^0+(?=[0-9])/, '');
  return digits.length > 15 ? null : `${digits}.${(parts[2] ?? '').padEnd(2, '0')}`;
}
