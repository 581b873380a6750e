// A real wasmCloud 1.9 host with our archive and a component: node run-1.9.mjs FOLDER HOST ARCHIVE COMPONENT EXECUTABLE
import { createCurve, createUser } from '@nats-io/nkeys';
import { headers, nkeyAuthenticator } from '@nats-io/transport-node';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { check, childrenOf, jsonOf, largest, Lattice, natsServer, refused, same, stopAll, until, verdict } from './lattice.mjs';
import { callWrpc, writer } from './wrpc.mjs';

const [folder, program, archive, component, executable] = process.argv.slice(2).map((p) => path.resolve(p));
const PROVIDER = 'kv-cache';
const SECRETS = 'wasmcloud.secrets';

const server = await natsServer(folder, 'nats');
const { connection } = server;
const lattice = new Lattice('interop', folder, server);

async function control(subject, body) {
  const answer = await lattice.ask(`wasmbus.ctl.v1.${lattice.name}.${subject}`, body);
  if (!answer.success) throw new Error(`${subject}: ${answer.message}`);
  return answer.response;
}

const startHost = (name) => lattice.host(name, program, ['--secrets-topic', SECRETS]);

const putConfig = (name, values) => control(`config.put.${name}`, values);

const ofKeyvalue = { wit_namespace: 'wasi', wit_package: 'keyvalue' };

const putLink = (source_id, target, name, interfaces, source_config = [], target_config = []) =>
  control('link.put', { source_id, target, name, ...ofKeyvalue, interfaces, source_config, target_config });

/** A component's link to the provider. */
const link = (id, name, config) => putLink(id, PROVIDER, name, ['store', 'atomics', 'batch'], [], config);

async function startProvider(host, id = PROVIDER) {
  const lives = host.count('event=door_open');
  const began = Date.now();
  await control(`provider.start.${host.id}`, { provider_id: id, provider_ref: `file://${archive}`, host_id: host.id, config: ['provider'] });
  await until('the provider serves', () => host.count('event=door_open') > lives);
  return { began, servesAfter: Date.now() - began };
}

async function stopProvider(host, id = PROVIDER) {
  const stopped = () => lattice.events('provider_stopped').filter((e) => e.source === host.id).length;
  const [before, goodbyes] = [stopped(), host.count('event=stopping cause=host')];
  await control(`provider.stop.${host.id}`, { provider_id: id, host_id: host.id });
  await until('provider_stopped', () => stopped() > before);
  await until('it said that it stops', () => host.count('event=stopping cause=host') > goodbyes);
}

async function scale(host, id) {
  await control(`component.scale.${host.id}`, { component_ref: `file://${component}`, component_id: id, count: 4, host_id: host.id });
  const mine = (kind) => lattice.events(kind).find((e) => e.source === host.id && e.data.component_id === id);
  // the host compiles it first, and answers little meanwhile
  const over = await until(`${id} runs`, () => mine('component_scaled') ?? mine('component_scale_failed'), 900_000);
  if (over.data.error) throw new Error(over.data.error);
}

const call = (id, name, params) => callWrpc(connection, `${lattice.name}.${id}`, 'interop:cache/driver', name, params.bytes);

/** Runs an operation in a component and gives its JSON result. */
async function runOn(linkName, id, operation, bucket, ...args) {
  const params = writer().string(linkName).string(operation).string(bucket).u(args.length);
  for (const each of args) params.string(each);
  const result = await call(id, 'run', params);
  if (result.u() === 1) throw new Error(`the component says ${result.string()}`);
  return JSON.parse(result.string());
}

const run = (...args) => runOn('default', ...args);

async function put(id, key, bytes) {
  const result = await call(id, 'put', writer().string('default').string(key).raw(Buffer.alloc(bytes, 'v')));
  if (result.u() === 1) throw new Error(`the component says ${result.string()}`);
}

async function fetchLength(id, key) {
  const result = await call(id, 'fetch', writer().string('default').string(key));
  if (result.u() === 1) throw new Error(`the component says ${result.string()}`);
  return result.u() === 1 ? result.raw().length : null;
}

/** A secrets backend: what the host asks for, by its key; the answer is sealed for the host. Gives the requests. */
function secretsBackend(backend, secrets) {
  const ours = createCurve();
  const requests = [];
  const at = `${SECRETS}.v1alpha1.${backend}`;
  connection.subscribe(`${at}.server_xkey`, { callback: (_, m) => m.respond(ours.getPublicKey()) });
  connection.subscribe(`${at}.get`, {
    callback: (_, m) => {
      const asker = m.headers.get('WasmCloud-Host-Xkey');
      const request = JSON.parse(new TextDecoder().decode(ours.open(m.data, asker)));
      requests.push(request);
      const answer = { secret: { version: '1', string_secret: secrets[request.key], binary_secret: null } };
      const h = headers();
      h.set('Server-Response-Xkey', ours.getPublicKey());
      m.respond(ours.seal(new TextEncoder().encode(JSON.stringify(answer)), asker), { headers: h });
    },
  });
  return requests;
}

try {
  const first = await startHost('host');
  console.log(`wasmCloud ${first.version}`);
  await putConfig('provider', { REPLAY_HEARTBEAT_SECS: '5' });
  await putConfig('cache', { NATS_URL: server.url });

  let started;
  await check('the provider starts from file://', async () => {
    started = await startProvider(first);
    return `it serves ${started.servesAfter} ms after the command`;
  });
  await check('the first health check passes', async () => {
    const passed = await until('health_check_passed', () => lattice.events('health_check_passed')[0]);
    return `${passed.at - started.began} ms after the command`;
  });
  await scale(first, 'counter');
  await check('a link is taken', async () => {
    await link('counter', 'default', ['cache']);
    await until('the link is taken', () => first.says('event=link_opened link=default peer=counter'));
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
  await check('buckets are namespaces; default and the empty name are one', async () => {
    await run('counter', 'set', 'default', 'k', 'shared');
    await run('counter', 'set', 'other', 'k', 'own');
    same('shared', await run('counter', 'get', '', 'k'));
    return same('own', await run('counter', 'get', 'other', 'k'));
  });
  await check('list-keys of a bucket', async () => same({ keys: ['k'], pages: 1 }, await run('counter', 'list-keys', 'other')));
  await check('list-keys pages through 25,000 keys, each once', async () => {
    for (let i = 0; i < 5; i++) await run('counter', 'fill', 'many', `${i}-`, '5000');
    const { keys, distinct, pages } = await run('counter', 'count-keys', 'many');
    same([25_000, 25_000], [keys, distinct]);
    return `${pages} pages`;
  });
  await check('a value of 1,000,000 bytes goes both ways', async () => {
    await put('counter', 'big', 1_000_000);
    return same(1_000_000, await fetchLength('counter', 'big'));
  });
  await check('the largest value that goes both ways', async () => {
    const bytes = await largest(1_000_000, 1_100_000, async (length) => {
      try {
        await put('counter', 'big', length);
        return (await fetchLength('counter', 'big')) === length;
      } catch {
        return false;
      }
    });
    await run('counter', 'delete', 'default', 'big');
    return `${bytes} bytes under the key "big", with a max_payload of ${connection.info.max_payload}`;
  });
  await check('a larger value is refused, and ends the component', () => refused(() => put('counter', 'huge', 2_000_000)));

  await check('a component without a link is refused', async () => {
    await scale(first, 'second');
    return refused(() => run('second', 'get', 'default', 'k'));
  });
  await check('another component with the same link name shares the cache', async () => {
    await link('second', 'default', ['cache']);
    await until('it is taken', () => first.says('event=link_joined link=default peer=second'));
    return same('shared', await run('second', 'get', 'default', 'k'));
  });
  await check('another link name is another cache', async () => {
    await link('counter', 'own', ['cache']);
    await until('it is taken', () => first.says('event=link_opened link=own peer=counter'));
    same(null, await runOn('own', 'counter', 'get', 'default', 'k'));
    await runOn('own', 'counter', 'set', 'default', 'k', 'mine');
    same('shared', await run('counter', 'get', 'default', 'k'));
    return same('mine', await runOn('own', 'counter', 'get', 'default', 'k'));
  });

  await check('watcher: set and delete reach the component', async () => {
    await putConfig('watch', { watch: 'SET@watched,DEL@watched', NATS_URL: server.url });
    await putLink(PROVIDER, 'counter', 'default', ['watcher'], ['watch']);
    await until('it is taken', () => first.says('role=WATCHER'));
    await run('second', 'set', 'default', 'watched', 'news');
    await until('on-set', async () => (await run('counter', 'get', 'seen', 'set watched')) === '1');
    same('news', await run('counter', 'get', 'seen', 'value watched'));
    await run('second', 'delete', 'default', 'watched');
    await until('on-delete', async () => (await run('counter', 'get', 'seen', 'delete watched')) === '1');
  });
  await check('watcher: a second component needs a second provider, which is one more instance of the cache', async () => {
    const refusal = await refused(() => putLink(PROVIDER, 'second', 'default', ['watcher'], ['watch']));
    await startProvider(first, 'kv-watch');
    await putLink('kv-watch', 'second', 'default', ['watcher'], ['watch']);
    await until('it is taken', () => first.says('link=default peer=second role=WATCHER'));
    await run('counter', 'set', 'default', 'watched', 'again');
    await until('on-set in both components', async () => (await run('counter', 'get', 'seen', 'set watched')) === '3');
    await stopProvider(first, 'kv-watch');
    return refusal;
  });

  const user = createUser();
  const seed = new TextDecoder().decode(user.getSeed());
  await check('a secret of a link opens a server that demands it', async () => {
    const users = `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`;
    const guarded = await natsServer(folder, 'nats-guarded', users, { authenticator: nkeyAuthenticator(user.getSeed()) });
    const requests = secretsBackend('interop', { 'cache/seed': seed });
    let replicated = 0;
    guarded.connection.subscribe('>', { callback: () => replicated++ });
    await putConfig('guarded', { NATS_URL: guarded.url });
    await putConfig('SECRET_seed', { name: 'CLIENT_SEED', type: 'secret.wasmcloud.dev/v1alpha1', backend: 'interop', key: 'cache/seed', policy: JSON.stringify({ type: 'properties.secret.wasmcloud.dev/v1alpha1', properties: {} }) });
    await link('counter', 'guarded', ['guarded', 'SECRET_seed']);
    await until('it is taken', () => first.says('event=link_opened link=guarded peer=counter'));
    await runOn('guarded', 'counter', 'set', 'default', 'k', 'sealed');
    await until('its changes pass that server', () => replicated > 0);
    same('sealed', await runOn('guarded', 'counter', 'get', 'default', 'k'));
    const asker = JSON.parse(Buffer.from(requests[0].context.entity_jwt.split('.')[1], 'base64url'));
    return `the backend was asked in the name of ${asker.wascap.name}, ${asker.sub.slice(0, 8)}...`;
  });
  await check('without the secret the same server is not reached, and health says so', async () => {
    await link('second', 'closed', ['guarded']);
    await until('it is taken', () => first.says('event=link_opened link=closed peer=second'));
    const health = async () => jsonOf(await connection.request(`wasmbus.rpc.${lattice.name}.${PROVIDER}.health`, '', { timeout: 2_000 }));
    const { message } = await until('unhealthy', async () => {
      const answer = await health();
      return answer.healthy === false && answer;
    });
    await control('link.del', { source_id: 'second', name: 'closed', ...ofKeyvalue });
    await until('healthy again', async () => (await health()).healthy);
    return message;
  });

  await check('a changed configuration of the provider counts for links put from then on', async () => {
    const told = first.count('event=configuration_changed');
    await putConfig('provider', { REPLAY_HEARTBEAT_SECS: '5', VALUE_BYTES_MAX: '1000' });
    await until('the host passed it on', () => first.count('event=configuration_changed') > told);
    await link('second', 'small', ['cache']);
    await until('it is taken', () => first.says('event=link_opened link=small peer=second'));
    await runOn('small', 'second', 'set', 'default', 'k', 'v'.repeat(900));
    await run('second', 'set', 'default', 'k900', 'v'.repeat(2_000));
    return refused(() => runOn('small', 'second', 'set', 'default', 'k', 'v'.repeat(1_100)));
  });
  await check('a changed configuration of a link counts once the link is deleted and put again', async () => {
    await putConfig('watch', { watch: 'SET@later', NATS_URL: server.url });
    await control('link.del', { source_id: PROVIDER, target: 'counter', name: 'default', ...ofKeyvalue });
    await until('it is gone', () => first.says('event=link_deleted link=default peer=counter role=WATCHER'));
    const before = first.count('role=WATCHER');
    await putLink(PROVIDER, 'counter', 'default', ['watcher'], ['watch']);
    await until('it is taken', () => first.count('role=WATCHER') > before);
    await run('second', 'set', 'default', 'later', 'x');
    await until('on-set', async () => (await run('counter', 'get', 'seen', 'set later')) === '1');
  });

  await check('a killed provider is started again by the host, with links and secrets', async () => {
    const lives = first.count('event=door_open');
    const [pid] = childrenOf(first.child.pid);
    const began = Date.now();
    process.kill(pid, 'SIGKILL');
    await until('its door is open again', () => first.count('event=door_open') > lives, 30_000);
    const after = Date.now() - began;
    same(null, await run('counter', 'get', 'default', 'k'));
    await run('counter', 'set', 'default', 'k', 'restarted');
    await runOn('guarded', 'counter', 'set', 'default', 'k', 'sealed again');
    same('sealed again', await runOn('guarded', 'counter', 'get', 'default', 'k'));
    return `it serves ${after} ms later; the data of a sole instance is gone`;
  });

  let other;
  await check('two hosts with the same provider id share calls and data', async () => {
    other = await startHost('host-2');
    await startProvider(other);
    await until('it is live', () => other.says('live link=default'));
    const fifty = async () => {
      for (let i = 0; i < 50; i++) await run('counter', 'increment', 'default', 'shared-count', '1');
    };
    await Promise.all([fifty(), fifty(), fifty(), fifty()]); // more at once, and this host loses an answer now and then
    for (let quiet = 0; quiet < 20; ) {
      quiet = (await run('counter', 'get', 'default', 'shared-count')) === '200' ? quiet + 1 : 0;
    }
    return '200 increments, 20 reads of 200 in a row';
  });
  await check('rolling upgrade: stopped and started host by host, the data stays', async () => {
    await stopProvider(first);
    await until('it said good-bye', () => other.says('peer left link=default'));
    same('200', await run('counter', 'get', 'default', 'shared-count'));
    const lives = first.count('live link=default');
    await startProvider(first);
    await until('it is live', () => first.count('live link=default') > lives);
    await until('it has the data', async () => (await run('counter', 'get', 'default', 'k')) === 'restarted');
    await stopProvider(other);
    return same(['200', 'restarted'], [await run('counter', 'get', 'default', 'shared-count'), await run('counter', 'get', 'default', 'k')]);
  });

  await check('the prompt joins the same cache', async () => {
    const answers = execFileSync(executable, ['shell', '--nats-url', server.url], { input: 'GET shared-count\nINCRBY shared-count 1\n' });
    await until('the component sees it', async () => (await run('counter', 'get', 'default', 'shared-count')) === '201');
    return JSON.stringify(answers.toString().trim().split('\n'));
  });
  await check('a deleted link is refused', async () => {
    await control('link.del', { source_id: 'second', name: 'default', ...ofKeyvalue });
    await until('it is gone', () => first.says('event=link_deleted link=default peer=second'));
    return refused(() => run('second', 'get', 'default', 'k'));
  });
  await check('the provider stops when asked', async () => {
    await stopProvider(first);
    await until('its process is gone', () => childrenOf(first.child.pid).length === 0);
  });
  await check('no log holds the secret', async () => {
    for (const each of [first, other]) if (each.says(seed)) throw new Error('it does');
  });
} catch (error) {
  await check('the run itself', () => {
    throw error;
  });
} finally {
  await stopAll();
  await lattice.save();
}
process.exit(verdict('wasmCloud 1.9 host'));
