// What an interop run needs of a lattice: servers and hosts as child processes, control messages,
// events, and checks that print a line each.
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';

const PATIENCE_MS = 20_000;
const children = new Set();

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `probe` gives something; fails, saying `what`, when it never does. */
export async function until(what, probe, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (let error; ; await pause(20)) {
    try {
      const found = await probe();
      if (found) return found;
    } catch (caught) {
      error = caught;
    }
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain: ${what}${error ? ` (${error.message})` : ''}`);
  }
}

// ------------------------------------------------------------------ processes

let ending = false;

/** What we started has ended by itself: nothing that follows can pass, so the run ends, too. */
async function died(name, child, how) {
  if (ending) return;
  ending = true;
  try {
    process.kill(-child.pid, 'SIGKILL'); // what it started, which no longer names it as its parent
  } catch {
    // it started nothing
  }
  const last = child.output.trim().split('\n').at(-1);
  console.log(`FAIL ${name} ended by itself: ${how}${last ? `; its last line: ${last}` : ''}`);
  await stopAll();
  process.exit(1);
}

/** Starts a program whose output goes to FOLDER/NAME.log; `stopAll` ends it at the latest. If it ends before, the run fails at once. */
async function start(folder, name, program, args, env) {
  const log = createWriteStream(path.join(folder, `${name}.log`));
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      child.output += chunk;
      log.write(chunk);
    });
  }
  child.over = new Promise((resolve) => child.on('close', resolve));
  // 'close' waits for those that inherited its output, too: a host's providers
  child.on('exit', (code, signal) => died(name, child, signal ?? `exit code ${code}`));
  child.on('error', (error) => died(name, child, error.message));
  children.add(child);
  child.over.then(() => children.delete(child));
  return child;
}

/** The processes that a process started and that still run. */
export function childrenOf(pid) {
  try {
    return execFileSync('pgrep', ['-P', `${pid}`]).toString().trim().split('\n').map(Number);
  } catch {
    return []; // how pgrep says that there are none
  }
}

/** A run that is interrupted ends what it started, too. */
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stopAll().finally(() => process.exit(1)));

/** Ends every process; those that a host leaves behind are ended as well, and make the run fail. */
export async function stopAll() {
  ending = true;
  const providers = [...children].flatMap((child) => childrenOf(child.pid));
  for (const child of [...children].reverse()) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await Promise.race([child.over, pause(60_000)]);
    }
    child.kill('SIGKILL');
  }
  await check('no process is left behind', async () => {
    const alive = (pid) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    try {
      await until('providers ended with their hosts', () => !providers.some(alive), 3_000);
    } finally {
      providers.filter(alive).forEach((pid) => process.kill(pid, 'SIGKILL'));
    }
  });
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** A server with JetStream, on a free port; `users` is what its configuration says of them. */
export async function natsServer(folder, name, users = '', credentials = {}) {
  const port = await freePort();
  const file = path.join(folder, `${name}.conf`);
  await writeFile(file, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}/${name}-jetstream" }\n${users}\n`);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
  await start(folder, name, 'nats-server', ['-c', file], env);
  const servers = `127.0.0.1:${port}`;
  const connection = await until(`${name} accepts clients`, () => connect({ servers, reconnect: false, ...credentials }));
  return { url: `nats://${servers}`, port, connection };
}

// ------------------------------------------------------------------ a lattice

export const jsonOf = (message) => JSON.parse(new TextDecoder().decode(message.data));

export class Lattice {
  /** Events; with INTEROP_TRAFFIC=all every message, which hides from callers that nobody listens. */
  traffic = [];
  #started = new Set();

  constructor(name, folder, server) {
    Object.assign(this, { name, folder, server });
    const heard = process.env.INTEROP_TRAFFIC === 'all' ? '>' : `wasmbus.evt.${name}.>`;
    server.connection.subscribe(heard, { callback: (_, m) => this.traffic.push({ subject: m.subject, reply: m.reply, headers: m.headers, data: m.data, at: Date.now() }) });
  }

  /** Starts a host and waits until it says that it is up. What it writes to temporary folders stays in ours. */
  async host(name, program, args = []) {
    const own = path.join(this.folder, name);
    await mkdir(own, { recursive: true });
    const at = ['--nats-host', '127.0.0.1', '--nats-port', `${this.server.port}`, '-x', this.name, '--allow-file-load'];
    const child = await start(this.folder, name, program, [...at, ...args], { PATH: process.env.PATH, HOME: own, TMPDIR: own, RUST_LOG: 'info' });
    const up = await until(`${name} is up`, () => this.events('host_started').find((e) => !this.#started.has(e.source)), 60_000);
    this.#started.add(up.source);
    return { id: up.source, version: up.data.version, child, says: (text) => child.output.includes(text), count: (text) => child.output.split(text).length - 1 };
  }

  /** Events of a kind so far, in order. */
  events(kind) {
    return this.traffic.filter((m) => m.subject === `wasmbus.evt.${this.name}.${kind}`).map((m) => ({ ...jsonOf(m), at: m.at }));
  }

  /** Asks on a subject, with JSON both ways. */
  async ask(subject, body) {
    return jsonOf(await this.server.connection.request(subject, JSON.stringify(body ?? {}), { timeout: 15_000 }));
  }

  async save() {
    const line = (m) => `${m.subject}${m.reply ? ` reply=${m.reply}` : ''}${m.headers ? ` headers=${[...m.headers].map(([k, v]) => `${k}:${v}`)}` : ''} bytes=${m.data.length}`;
    await writeFile(path.join(this.folder, 'traffic.txt'), this.traffic.map(line).join('\n'));
  }
}

// ------------------------------------------------------------------ checks

let passed = 0;
const failures = [];

/** Runs one check and prints a line; a failed one does not end the run. */
export async function check(name, action) {
  try {
    const detail = await action();
    passed++;
    console.log(`ok   ${name}${detail === undefined ? '' : `: ${detail}`}`);
  } catch (error) {
    failures.push(name);
    console.log(`FAIL ${name}: ${error.message}`);
  }
}

/** Prints the verdict and returns the exit code. */
export function verdict(what) {
  const wrong = failures.length;
  console.log(`${wrong === 0 ? 'PASSED' : 'FAILED'} ${what}: ${passed} passed, ${wrong} failed${wrong ? ` (${failures.join('; ')})` : ''}`);
  return wrong === 0 ? 0 : 1;
}

export function same(expected, actual) {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(actual)];
  if (a !== b) throw new Error(`expected ${a}, got ${b}`);
  return b;
}

/** Demands a failure, and gives its message. */
export async function refused(action) {
  let done;
  try {
    done = await action();
  } catch (error) {
    return error.message;
  }
  throw new Error(`it was not refused, but gave ${JSON.stringify(done)}`);
}

/** The largest number from `low`, which fits, to `high`, which does not, for which `fits` is true. */
export async function largest(low, high, fits) {
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
