// Owns a demo of a test's own: a process started, its address, and its end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const VIGIE = process.env.VIGIE ?? path.resolve(import.meta.dirname, '../../target/release/vigie');
const ADDRESS = /^https?:\/\/\S+\/$/m;

/** Starts `vigie demo` at a free port, with further arguments, and waits until it has told its address. */
export async function startDemo(...more) {
  const demo = spawn(VIGIE, ['demo', '--port', '0', ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const ended = once(demo, 'exit');
  const address = new Promise((found, fail) => {
    for (const stream of [demo.stdout, demo.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        const [url] = ADDRESS.exec(said) ?? [];
        if (url) found(url);
      });
    }
    demo.on('error', fail);
    ended.then(([code]) => fail(new Error(`the demo ended with ${code} before it told its address: ${said}`)), fail);
  });
  const stop = async () => {
    demo.kill();
    await ended;
  };
  return { url: await address, stop };
}

const TODAY = new Date().toISOString().slice(0, 10);
const LIMIT_MS = 120_000;

/** Waits until a demo has come to today: before, alerts and proposals of its past come and go. */
export async function pastTold(url, headers = {}) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
    const answer = await fetch(new URL('v1/me', url), { headers });
    const { clock } = answer.ok ? await answer.json() : {};
    if (clock >= TODAY) return;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error('the demo has not told its past');
}

/** Runs `vigie` with arguments and gives what it prints. */
export async function vigie(...words) {
  const run = spawn(VIGIE, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  run.stdout.setEncoding('utf8').on('data', (text) => { printed += text; });
  const [code] = await once(run, 'close');
  if (code !== 0) throw new Error(`vigie ${words.join(' ')} ended with ${code}`);
  return printed;
}
