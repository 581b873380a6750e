// Calls over wRPC, as a caller outside of any host.
import { createInbox, headers } from '@nats-io/transport-node';

const PATIENCE_MS = 20_000;
const CHUNK_BYTES = 512 * 1024;

/** Builds params: `writer().string('a').u(3).bytes`. */
class Writer {
  #parts = [];

  u(value) {
    const leb = [];
    let rest = BigInt(value);
    for (; rest > 127n; rest >>= 7n) leb.push(Number(rest & 127n) | 128);
    leb.push(Number(rest));
    this.#parts.push(Uint8Array.from(leb));
    return this;
  }

  raw(bytes) {
    this.u(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  string(text) {
    return this.raw(new TextEncoder().encode(text));
  }

  get bytes() {
    return Buffer.concat(this.#parts);
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

/**
 * Calls a function; gives a reader of its result. Params longer than a message go in several. A result of no bytes means
 * that the component was ended while it ran.
 */
export async function callWrpc(connection, prefix, instance, name, params) {
  const inbox = createInbox();
  const results = [];
  let settle;
  const over = new Promise((resolve, reject) => (settle = { resolve, reject }));
  const timer = setTimeout(() => settle.reject(new Error(`no answer from ${name}`)), PATIENCE_MS);
  const subscriptions = [
    connection.subscribe(`${inbox}.>`, {
      callback: (_, m) => {
        if (m.data.length) results.push(m.data);
        else settle.resolve(new Reader(Buffer.concat(results)));
      },
    }),
    connection.subscribe(inbox, {
      callback: (_, m) => {
        if (m.headers?.code === 503) return settle.reject(new Error(`nobody serves ${name}`));
        for (let at = CHUNK_BYTES; at < params.length; at += CHUNK_BYTES) {
          connection.publish(`${m.reply}.params`, params.subarray(at, at + CHUNK_BYTES));
        }
        connection.publish(`${m.reply}.params`);
      },
    }),
  ];
  connection.publish(`${prefix}.wrpc.0.0.1.${instance}.${name}`, params.subarray(0, CHUNK_BYTES), { reply: inbox, headers: headers() });
  try {
    const reader = await over;
    if (reader.bytes.length === 0) throw new Error(`the component was ended while it ran ${name}`);
    return reader;
  } finally {
    clearTimeout(timer);
    subscriptions.forEach((each) => each.unsubscribe());
  }
}
