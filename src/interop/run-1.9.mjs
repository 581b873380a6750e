// A real wasmCloud 1.9 host with our archive and a component: node run-1.9.mjs FOLDER HOST ARCHIVE COMPONENT
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { callWrpc, check, natsServer, Reader, record, same, start, stopAll, until, verdict, writer } from './lattice.mjs';

const [folder, host, archive, component] = process.argv.slice(2).map((p) => path.resolve(p));
const LATTICE = 'interop';
const PROVIDER = 'kv-cache';
const DRIVER = 'interop:cache/driver';

const { port, connection } = await natsServer(folder);
const traffic = record(connection);

const json = (m) => JSON.parse(new TextDecoder().decode(m.data));

async function control(subject, body) {
  const answer = json(await connection.request(`wasmbus.ctl.v1.${LATTICE}.${subject}`, JSON.stringify(body ?? {}), { timeout: 15_000 }));
  if (!answer.success) throw new Error(`${subject}: ${answer.message}`);
  return answer.response;
}

async function startHost(name) {
  const child = await start(folder, name, host, ['-x', LATTICE, '--nats-host', '127.0.0.1', '--nats-port', `${port}`, '--allow-file-load', '--log-level', 'INFO'], { HOME: folder, RUST_LOG: 'info' });
  const known = new Set(hosts);
  const id = await until(`${name} is up`, async () => {
    const reply = await connection.request(`wasmbus.ctl.v1.${LATTICE}.host.ping`, '', { timeout: 500 });
    const seen = traffic.filter((m) => m.subject === `wasmbus.evt.${LATTICE}.host_started`).map((m) => json(m).source);
    return reply && seen.find((each) => !known.has(each));
  });
  hosts.push(id);
  return { child, id };
}
const hosts = [];

const event = (type) => traffic.find((m) => m.subject === `wasmbus.evt.${LATTICE}.${type}`);

const putConfig = (name, values) => control(`config.put.${name}`, values);

const link = (source, target, name, interfaces, source_config = [], target_config = []) =>
  ({ source_id: source, target, name, wit_namespace: 'wasi', wit_package: 'keyvalue', interfaces, source_config, target_config });

const putLink = (...args) => control('link.put', link(...args));

/** Runs an operation in a component and gives its JSON result. */
async function run(id, operation, bucket, ...args) {
  const params = writer().string(operation).string(bucket).u(args.length);
  for (const each of args) params.string(each);
  const reader = new Reader(await callWrpc(connection, `${LATTICE}.${id}`, DRIVER, 'run', params.all));
  if (reader.bytes.length === 0) throw new Error(`the component was ended while it ran ${operation}`);
  const failed = reader.u() === 1;
  const text = reader.string();
  if (failed) throw new Error(`component says ${text}`);
  return JSON.parse(text);
}

async function refused(action) {
  try {
    await action();
  } catch (error) {
    return error.message;
  }
  throw new Error('it was not refused');
}

async function scale(hostId, id, count = 4) {
  await control(`component.scale.${hostId}`, { component_ref: `file://${component}`, component_id: id, count, host_id: hostId });
  await until(`${id} runs`, async () => {
    const inventory = await control(`host.get.${hostId}`);
    return inventory.components.some((c) => c.id === id);
  }, 120_000);
}

try {
  const first = await startHost('host');
  await check('host is up', async () => `wasmcloud ${json(event('host_started')).data.version}`);

  await putConfig('cache', { NATS_URL: `nats://127.0.0.1:${port}` });
  await putConfig('second', { NATS_URL: `nats://127.0.0.1:${port}` });
  const began = Date.now();
  await check('provider starts from file://', async () => {
    await control(`provider.start.${first.id}`, { provider_id: PROVIDER, provider_ref: `file://${archive}`, host_id: first.id, config: [] });
    await until('provider_started', () => event('provider_started'));
  });
  await check('first health check passes', async () => {
    const passed = await until('health_check_passed', () => event('health_check_passed'));
    return `${passed.at - began} ms after the start command`;
  });
  await scale(first.id, 'counter');
  await check('links are put', async () => {
    await putLink('counter', PROVIDER, 'default', ['store', 'atomics', 'batch'], [], ['cache']);
    await until('the link is taken', () => first.child.output.includes('event=link_opened link=default peer=counter'));
  });

  await check('get of what is missing is none', async () => same(null, await run('counter', 'get', 'default', 'missing')));
  await check('set, get', async () => {
    await run('counter', 'set', 'default', 'a', 'hellö');
    return same('hellö', await run('counter', 'get', 'default', 'a'));
  });
  await check('an empty value is not a missing one', async () => {
    await run('counter', 'set', 'default', 'empty', '');
    return same('', await run('counter', 'get', 'default', 'empty'));
  });
  await check('exists, delete', async () => {
    same(true, await run('counter', 'exists', 'default', 'a'));
    await run('counter', 'delete', 'default', 'a');
    await run('counter', 'delete', 'default', 'a');
    return same(false, await run('counter', 'exists', 'default', 'a'));
  });
  await check('increment counts from nothing', async () => {
    same('5', await run('counter', 'increment', 'default', 'n', '5'));
    same('9007199254740997', await run('counter', 'increment', 'default', 'n', '9007199254740992'));
    return same('9007199254740997', await run('counter', 'get', 'default', 'n'));
  });
  await check('increment of a text is a typed error', async () => {
    await run('counter', 'set', 'default', 'text', 'x');
    return refused(() => run('counter', 'increment', 'default', 'text', '1'));
  });
  await check('a delta above 2^63-1 is a typed error', () => refused(() => run('counter', 'increment', 'default', 'n', '9223372036854775808')));
  await check('set-many, get-many in the order asked for', async () => {
    await run('counter', 'set-many', 'default', 'x', '1', 'y', '', 'z', '3');
    return same([['z', '3'], null, ['x', '1'], ['y', ''], ['x', '1']], await run('counter', 'get-many', 'default', 'z', 'no', 'x', 'y', 'x'));
  });
  await check('delete-many', async () => {
    await run('counter', 'delete-many', 'default', 'x', 'y', 'no');
    return same([null, null, ['z', '3']], await run('counter', 'get-many', 'default', 'x', 'y', 'z'));
  });
  await check('empty batches', async () => {
    await run('counter', 'set-many', 'default');
    await run('counter', 'delete-many', 'default');
    return same([], await run('counter', 'get-many', 'default'));
  });
  await check('buckets are namespaces; default, the empty name and the link share one', async () => {
    await run('counter', 'set', 'default', 'k', 'shared');
    await run('counter', 'set', 'other', 'k', 'own');
    same('shared', await run('counter', 'get', '', 'k'));
    return same('own', await run('counter', 'get', 'other', 'k'));
  });
  await check('list-keys of a bucket', async () => same({ keys: ['k'], pages: 1 }, await run('counter', 'list-keys', 'other')));
  await check('list-keys pages through 25,000 keys, each once', async () => {
    for (let i = 0; i < 5; i++) await run('counter', 'fill', 'many', `${i}-`, '5000');
    const counted = await run('counter', 'count-keys', 'many');
    same([25_000, 25_000], [counted.keys, counted.distinct]);
    return `${counted.pages} pages`;
  });
  await check('a value of 1,000,000 bytes goes both ways', async () => {
    const value = Buffer.alloc(1_000_000, 'v');
    const put = new Reader(await callWrpc(connection, `${LATTICE}.counter`, DRIVER, 'put', writer().string('default').string('big').raw(value).all));
    same(0, put.u());
    const got = new Reader(await callWrpc(connection, `${LATTICE}.counter`, DRIVER, 'fetch', writer().string('default').string('big').all));
    same([0, 1], [got.u(), got.u()]);
    same(true, Buffer.compare(value, got.raw()) === 0);
  });
  await check('a value over the limit is refused and the component ended', () =>
    refused(async () => {
      const put = await callWrpc(connection, `${LATTICE}.counter`, DRIVER, 'put', writer().string('default').string('huge').raw(Buffer.alloc(2_000_000)).all);
      if (put.length === 0) throw new Error('ended');
      if (put[0] === 1) throw new Error(new Reader(put.subarray(1)).string());
    }));

  await check('a component that is not linked is refused', async () => {
    await scale(first.id, 'stranger');
    return refused(() => run('stranger', 'get', 'default', 'k'));
  });
  await check('a second link name is another cache', async () => {
    await scale(first.id, 'second');
    await putLink('second', PROVIDER, 'default', ['store', 'atomics', 'batch'], [], ['cache']);
    await until('it is taken', () => first.child.output.includes('peer=second'));
    return same('shared', await run('second', 'get', 'default', 'k'));
  });

  if (process.env.INTEROP_WATCHER !== 'off') {
    await check('watcher: set and delete reach the component', async () => {
      await putConfig('watch', { watch: 'SET@watched,DEL@watched', NATS_URL: `nats://127.0.0.1:${port}` });
      await control('link.put', link(PROVIDER, 'counter', 'default', ['watcher'], ['watch'], []));
      await until('it is taken', () => first.child.output.includes('role=WATCHER'));
      await run('second', 'set', 'default', 'watched', 'news');
      await until('on-set', async () => (await run('counter', 'get', 'seen', 'set watched')) === '1');
      same('news', await run('counter', 'get', 'seen', 'value watched'));
      await run('second', 'delete', 'default', 'watched');
      await until('on-delete', async () => (await run('counter', 'get', 'seen', 'delete watched')) === '1');
    });
  }

  await check('a killed provider is started again by the host and serves', async () => {
    const pid = /provider .*pid[=: ]+(\d+)/.exec(first.child.output)?.[1];
    const { execFileSync } = await import('node:child_process');
    const pids = execFileSync('pgrep', ['-P', `${first.child.pid}`]).toString().trim().split('\n');
    const opened = first.child.output.split('event=door_open').length;
    process.kill(Number(pid ?? pids.at(-1)), 'SIGKILL');
    await until('its door is open again', () => first.child.output.split('event=door_open').length > opened, 30_000);
    await run('counter', 'set', 'default', 'after', 'restart');
    return same('restart', await run('counter', 'get', 'default', 'after'));
  });

  await check('two hosts with the same provider id share calls and data', async () => {
    const other = await startHost('host-2');
    await control(`provider.start.${other.id}`, { provider_id: PROVIDER, provider_ref: `file://${archive}`, host_id: other.id, config: [] });
    await until('it is live', () => /live link=default/.test(other.child.output));
    await run('counter', 'set', 'default', 'both', '0');
    const sums = [];
    for (let i = 0; i < 40; i++) sums.push(run('counter', 'increment', 'default', 'shared-count', '1'));
    await Promise.all(sums);
    await until('the sum is 40', async () => (await run('counter', 'get', 'default', 'shared-count')) === '40');
    for (let i = 0; i < 20; i++) same('40', await run('counter', 'get', 'default', 'shared-count'));
    await control(`provider.stop.${other.id}`, { provider_id: PROVIDER, host_id: other.id });
    await until('provider_stopped', () => event('provider_stopped'));
    await until('it said good-bye', () => /peer left link=default/.test(first.child.output));
    same('40', await run('counter', 'get', 'default', 'shared-count'));
  });

  await check('configuration updates reach the provider', async () => {
    await putConfig('cache', { NATS_URL: `nats://127.0.0.1:${port}`, VALUE_BYTES_MAX: '500000' });
    return 'named configurations of links are resolved when a link is put; nothing is pushed';
  });

  await check('a deleted link is refused', async () => {
    const { source_id, name, wit_namespace, wit_package } = link('second', PROVIDER, 'default', []);
    await control('link.del', { source_id, name, wit_namespace, wit_package });
    await until('it is gone', () => first.child.output.includes('event=link_deleted link=default peer=second'));
    return refused(() => run('second', 'get', 'default', 'k'));
  });

  await check('stop provider ends it cleanly', async () => {
    const before = traffic.length;
    await control(`provider.stop.${first.id}`, { provider_id: PROVIDER, host_id: first.id });
    await until('it stopped', () => traffic.slice(before).some((m) => m.subject === `wasmbus.evt.${LATTICE}.provider_stopped`));
    await until('it said so', () => first.child.output.split('event=stopping cause=host').length > 1);
  });
} catch (error) {
  await check('the run itself', () => { throw error; });
} finally {
  await stopAll();
  const lines = traffic.map((m) => `${m.subject}${m.reply ? ` reply=${m.reply}` : ''}${m.headers.length ? ` headers=${JSON.stringify(m.headers)}` : ''} bytes=${m.data.length}`);
  await writeFile(path.join(folder, 'traffic.txt'), lines.join('\n'));
}
process.exit(verdict('wasmCloud 1.9 host'));
