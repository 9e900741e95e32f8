// Owns the browser: Debian's Chromium, a page that notes what goes wrong, the look for what a screen reader could not use.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const EXECUTABLE = process.env.VIGIE_BROWSER ?? '/usr/bin/chromium';
const SHOTS = path.resolve(process.env.VIGIE_SHOTS ?? path.join(import.meta.dirname, '../../target/browser'));
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/** How long a condition may take. It says when a test gives up, not how fast the product is. */
export const LIMIT_MS = 120_000;

/** Where the console is tried. */
export const URL_OF_CONSOLE = process.env.VIGIE_URL;

/** Starts the browser. */
export async function launch() {
  if (!URL_OF_CONSOLE) throw new Error('VIGIE_URL is not set: it is the address that vigie demo prints; tests/browser/run sets it');
  if (!existsSync(EXECUTABLE)) throw new Error(`there is no ${EXECUTABLE}: apt-get install chromium, or name another in VIGIE_BROWSER`);
  mkdirSync(SHOTS, { recursive: true });
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

/** Opens a page of its own; `wrongs` gathers what the browser's log, the page and its requests have against it. */
export async function open(browser, { host = new URL(URL_OF_CONSOLE).host, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', colorScheme: 'light', viewport: { width: 1360, height: 900 }, ...options });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  const wrongs = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrongs.push(`log: ${message.text()}`));
  page.on('pageerror', (error) => wrongs.push(`page: ${error.stack ?? error}`));
  page.on('response', (response) => response.status() >= 400 && wrongs.push(`${response.status()} ${response.url()}`));
  page.on('request', (request) => new URL(request.url()).host !== host && wrongs.push(`a request to elsewhere: ${request.url()}`));
  // What a page asked for and left is no failure.
  page.on('requestfailed', (request) => request.failure()?.errorText !== 'net::ERR_ABORTED' && wrongs.push(`${request.failure()?.errorText} ${request.url()}`));
  return { page, wrongs, context };
}

/** Goes to a view and waits until all of it is there. */
export async function visit(page, hash) {
  await page.goto(new URL(hash, URL_OF_CONSOLE).href);
  await settled(page);
}

/** Waits until each part of the view has loaded. */
export async function settled(page) {
  await page.waitForSelector('#heading');
  await page.waitForFunction(() => !document.querySelector('.region[aria-busy=true]'));
}

/** Keeps the whole page as build output. */
export async function shoot(page, name) {
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
}

/** Keeps what is in the window as build output: what lies above the page belongs there. */
export async function shootWindow(page, name) {
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
}

/** What axe finds that is serious or critical, a line each. */
export async function seriousFindings(page) {
  // Through the debugger, so that the page's policy of content does not stand in the way.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter((found) => ['serious', 'critical'].includes(found.impact))
    .map((found) => `${found.id} (${found.impact}): ${found.help}: ${found.nodes.slice(0, 3).map((node) => `${node.target}: ${node.any.map((check) => check.message).join('; ')}`).join(' | ')}`);
}
