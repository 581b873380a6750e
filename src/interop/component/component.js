// The component that the interop run drives: each function is one call of the cache.
import { open } from 'wasi:keyvalue/store@0.2.0-draft';
import { increment } from 'wasi:keyvalue/atomics@0.2.0-draft';
import { getMany, setMany, deleteMany } from 'wasi:keyvalue/batch@0.2.0-draft';
import { CallTargetInterface, setLinkName } from 'wasmcloud:bus/lattice@2.0.0';

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);

const operations = {
  get: (bucket, [key]) => {
    const value = bucket.get(key);
    return value === undefined ? null : decode(value);
  },
  set: (bucket, [key, value]) => bucket.set(key, encode(value)),
  delete: (bucket, [key]) => bucket.delete(key),
  exists: (bucket, [key]) => bucket.exists(key),
  'list-keys': (bucket) => {
    const keys = [];
    let pages = 0;
    let cursor;
    do {
      const page = bucket.listKeys(cursor);
      keys.push(...page.keys);
      cursor = page.cursor;
      pages++;
    } while (cursor !== undefined);
    return { keys: keys.sort(), pages };
  },
  'count-keys': (bucket) => {
    const { keys, pages } = operations['list-keys'](bucket);
    return { keys: keys.length, distinct: new Set(keys).size, pages };
  },
  fill: (bucket, [prefix, count]) => {
    const entries = [];
    for (let i = 0; i < Number(count); i++) entries.push([`${prefix}${i}`, encode(`${i}`)]);
    setMany(bucket, entries);
    return entries.length;
  },
  increment: (bucket, [key, delta]) => increment(bucket, key, BigInt(delta)).toString(),
  'get-many': (bucket, keys) =>
    getMany(bucket, keys).map((slot) => (slot ? [slot[0], decode(slot[1])] : null)),
  'set-many': (bucket, args) => {
    const entries = [];
    for (let i = 0; i < args.length; i += 2) entries.push([args[i], encode(args[i + 1])]);
    return setMany(bucket, entries);
  },
  'delete-many': (bucket, keys) => deleteMany(bucket, keys),
};

// The host keeps the choice for the component, beyond the call that made it.
const choose = (link) =>
  setLinkName(link, ['store', 'atomics', 'batch'].map((each) => new CallTargetInterface('wasi', 'keyvalue', each)));

const why = (error) => JSON.stringify(error.payload ?? String(error));

const attempt = (action) => {
  try {
    return action();
  } catch (error) {
    throw why(error);
  }
};

export const driver = {
  run: (link, operation, name, args) =>
    attempt(() => {
      choose(link);
      return JSON.stringify(operations[operation](open(name), args) ?? null);
    }),
  put: (name, key, value) => attempt(() => open(name).set(key, value)),
  fetch: (name, key) => attempt(() => open(name).get(key)),
};

// An instance lives for one call, so what the watcher hears is kept in the cache itself. The bucket
// it is handed stands for nothing in these hosts.
export const watcher = {
  onSet: (_bucket, key, value) => {
    choose('default');
    const bucket = open('seen');
    increment(bucket, `set ${key}`, 1n);
    bucket.set(`value ${key}`, value);
  },
  onDelete: (_bucket, key) => {
    choose('default');
    increment(open('seen'), `delete ${key}`, 1n);
  },
};
