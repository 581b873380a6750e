// What an interop run needs of a lattice: servers and hosts as child processes, control messages,
// calls over wRPC, and checks that print a line each.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { connect, headers, createInbox } from '@nats-io/transport-node';

const PATIENCE_MS = 20_000;
const children = new Set();

/** Starts a program whose output goes to FOLDER/NAME.log; it ends with this process at the latest. */
export async function start(folder, name, program, args, env = {}) {
  await mkdir(folder, { recursive: true });
  const log = createWriteStream(path.join(folder, `${name}.log`));
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      child.output += chunk;
      log.write(chunk);
    });
  }
  child.over = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  child.on('error', (error) => console.error(`${name}: ${error.message}`));
  children.add(child);
  child.over.then(() => children.delete(child));
  return child;
}

export async function stopAll() {
  for (const child of [...children].reverse()) {
    child.kill('SIGTERM');
    await Promise.race([child.over, pause(3_000)]);
    child.kill('SIGKILL');
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `probe` gives something; fails, saying `what`, when it never does. */
export async function until(what, probe, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (let error; ; await pause(50)) {
    try {
      const found = await probe();
      if (found) return found;
    } catch (caught) {
      error = caught;
    }
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain: ${what}${error ? ` (${error.message})` : ''}`);
  }
}

export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export async function natsServer(folder) {
  const port = await freePort();
  await start(folder, 'nats-server', 'nats-server', ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', path.join(folder, 'jetstream')]);
  const connection = await until('nats-server accepts clients', () => connect({ servers: `127.0.0.1:${port}`, reconnect: false }));
  return { port, connection };
}

/** Notes every message of the lattice, to tell afterwards what was said in which order. */
export function record(connection) {
  const messages = [];
  connection.subscribe('>', {
    callback: (_, m) => {
      messages.push({ subject: m.subject, reply: m.reply, headers: m.headers ? [...m.headers].map(([k, v]) => [k, v[0]]) : [], data: m.data, at: Date.now() });
    },
  });
  return messages;
}

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

// ------------------------------------------------------------------ wRPC, as a caller

class Writer {
  bytes = [];
  u(value) {
    let rest = BigInt(value);
    for (; rest > 127n; rest >>= 7n) this.bytes.push(Number(rest & 127n) | 128);
    this.bytes.push(Number(rest));
    return this;
  }
  raw(bytes) {
    this.u(bytes.length);
    this.chunks = (this.chunks ?? []).concat([Uint8Array.from(this.bytes), bytes]);
    this.bytes = [];
    return this;
  }
  string(text) {
    return this.raw(new TextEncoder().encode(text));
  }
  get all() {
    return Buffer.concat([...(this.chunks ?? []), Uint8Array.from(this.bytes)]);
  }
}

export const writer = () => new Writer();

export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  u() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const b = this.bytes[this.at++];
      value |= BigInt(b & 127) << shift;
      if (b < 128) return Number(value);
    }
  }
  raw() {
    const length = this.u();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  string() {
    return new TextDecoder().decode(this.raw());
  }
}

/** Calls a function; gives the result's bytes. Params longer than a message go in several. */
export async function callWrpc(connection, prefix, instance, name, params, head = {}) {
  const most = 512 * 1024;
  const inbox = createInbox();
  const results = [];
  let settle;
  const over = new Promise((resolve, reject) => (settle = { resolve, reject }));
  const timer = setTimeout(() => settle.reject(new Error(`no answer from ${name}`)), PATIENCE_MS);
  const subscription = connection.subscribe(`${inbox}.>`, {
    callback: (_, m) => {
      if (m.data.length) results.push(m.data);
      else settle.resolve(Buffer.concat(results));
    },
  });
  const handshake = connection.subscribe(inbox, {
    callback: (_, m) => {
      if (m.headers?.code === 503) return settle.reject(new Error(`nobody serves ${name}`));
      for (let at = most; at < params.length; at += most) {
        connection.publish(`${m.reply}.params`, params.subarray(at, at + most));
      }
      connection.publish(`${m.reply}.params`);
    },
  });
  const h = headers();
  for (const [key, value] of Object.entries(head)) h.set(key, value);
  connection.publish(`${prefix}.wrpc.0.0.1.${instance}.${name}`, params.subarray(0, most), { reply: inbox, headers: h });
  try {
    return await over;
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
    handshake.unsubscribe();
  }
}
