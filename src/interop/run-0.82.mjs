// A real wasmCloud 0.82 host with our archive and an actor: node run-0.82.mjs FOLDER HOST ARCHIVE ACTOR EXECUTABLE
import { createAccount, createCluster } from '@nats-io/nkeys';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { check, childrenOf, largest, Lattice, natsServer, refused, same, stopAll, until, verdict } from './lattice.mjs';
import { invoke, moduleKey, signedActor } from './wasmbus.mjs';

const [folder, program, archive, module, executable] = process.argv.slice(2).map((p) => path.resolve(p));
const CONTRACT = 'wasmcloud:keyvalue';

const server = await natsServer(folder, 'nats');
const { connection } = server;
const lattice = new Lattice('interop', folder, server);
const cluster = createCluster();
const account = createAccount();
const hosts = [];

async function startHost(name) {
  const host = await lattice.host(name, program, ['--cluster-seed', new TextDecoder().decode(cluster.getSeed())]);
  hosts.push(host);
  return host;
}

async function control(subject, body) {
  const answer = await lattice.ask(`wasmbus.ctl.${lattice.name}.${subject}`, body);
  if (answer.accepted === false) throw new Error(`${subject}: ${answer.error}`);
  return answer;
}

const inventory = (host) => control(`get.${host.id}.inv`);

const ofHost = (kind, host) => lattice.events(kind).filter((e) => e.source === host.id);

async function startProvider(host, link_name, configuration) {
  const lives = host.count('event=door_open');
  const failures = ofHost('provider_start_failed', host).length;
  const began = Date.now();
  await control(`cmd.${host.id}.lp`, { provider_ref: `file://${archive}`, link_name, host_id: host.id, configuration });
  const failed = () => ofHost('provider_start_failed', host)[failures];
  await until('the provider serves', () => failed() || host.count('event=door_open') > lives);
  if (failed()) throw new Error(failed().data.error);
  return { began, servesAfter: Date.now() - began };
}

async function stopProvider(host, provider, link_name) {
  const [before, goodbyes] = [ofHost('provider_stopped', host).length, host.count('event=stopping cause=host')];
  await control(`cmd.${host.id}.sp`, { provider_ref: provider, link_name, contract_id: CONTRACT, host_id: host.id });
  await until('provider_stopped', () => ofHost('provider_stopped', host).length > before);
  await until('it said that it stops', () => host.count('event=stopping cause=host') > goodbyes);
}

/** Signs the actor anew, so that it has a key of its own, and runs it. */
async function startActor(host, name) {
  const key = moduleKey();
  const file = path.join(folder, `${name}.wasm`);
  await writeFile(file, signedActor(await readFile(module), account, key, [CONTRACT]));
  await control(`cmd.${host.id}.scale`, { actor_ref: `file://${file}`, count: 8, host_id: host.id });
  await until(`${name} runs`, async () => (await inventory(host)).actors.some((a) => a.id === key), 60_000);
  return key;
}

const putLink = (actor_id, provider_id, link_name, values) =>
  control('linkdefs.put', { actor_id, provider_id, link_name, contract_id: CONTRACT, values });

const taken = (host, actor, linkName) => () => new RegExp(`event=link_(opened|joined) link=${linkName} peer=${actor}`).test(host.child.output);

/** What the cache answers an actor over one of its links. */
const over = (linkName, actor) => (operation, argument) =>
  invoke(connection, lattice.name, cluster, hosts[0].id, actor, actor, `${linkName}/KeyValue.${operation}`, argument);

try {
  const first = await startHost('host');
  console.log(`wasmCloud ${first.version}`);

  let started;
  await check('the provider starts from file://', async () => {
    started = await startProvider(first, 'default', JSON.stringify({ NATS_URL: server.url }));
    return `it serves ${started.servesAfter} ms after the command`;
  });
  const [{ id: provider, ...described }] = (await inventory(first)).providers;
  await check('the host knows contract and name of the archive', async () => same([CONTRACT, 'default', 'nats-kvcache'], [described.contract_id, described.link_name, described.name]));
  await check('the first health check passes', async () => {
    const passed = await until('health_check_passed', () => lattice.events('health_check_passed')[0]);
    return `${passed.at - started.began} ms after the command`;
  });

  const actor = await startActor(first, 'actor');
  const ask = over('default', actor);
  await check('an actor without a link is refused', () => refused(() => ask('Get', 'k')));
  await check('a link is taken', async () => {
    await putLink(actor, provider, 'default', { NATS_URL: server.url });
    await until('the link is taken', taken(first, actor, 'default'));
  });

  await check('Set, Get, Contains, Del', async () => {
    same({ value: '', exists: false }, await ask('Get', 'k'));
    same(undefined, await ask('Set', { key: 'k', value: 'hellö', expires: 0 }));
    same({ value: 'hellö', exists: true }, await ask('Get', 'k'));
    same([true, true, false], [await ask('Contains', 'k'), await ask('Del', 'k'), await ask('Contains', 'k')]);
  });
  await check('an empty value is not a missing one', async () => {
    await ask('Set', { key: 'empty', value: '', expires: 0 });
    return same({ value: '', exists: true }, await ask('Get', 'empty'));
  });
  await check('a value expires', async () => {
    await ask('Set', { key: 'brief', value: 'v', expires: 1 });
    same({ value: 'v', exists: true }, await ask('Get', 'brief'));
    await until('it is gone', async () => !(await ask('Contains', 'brief')));
  });
  await check('Increment', async () => same([5, 3], [await ask('Increment', { key: 'n', value: 5 }), await ask('Increment', { key: 'n', value: -2 })]));
  await check('Increment of a text is an error', async () => {
    await ask('Set', { key: 'text', value: 'x', expires: 0 });
    return refused(() => ask('Increment', { key: 'text', value: 1 }));
  });
  await check('lists', async () => {
    const list = (value) => ({ listName: 'l', value });
    same([1, 2, 3], [await ask('ListAdd', list('a')), await ask('ListAdd', list('b')), await ask('ListAdd', list('a'))]);
    same(['b', 'a'], await ask('ListRange', { listName: 'l', start: -2, stop: -1 }));
    same([true, false], [await ask('ListDel', list('b')), await ask('ListDel', list('no'))]);
    return same([true, false], [await ask('ListClear', 'l'), await ask('ListClear', 'l')]);
  });
  await check('sets', async () => {
    const member = (setName, value) => ({ setName, value });
    same([1, 0, 1, 1], [await ask('SetAdd', member('s', 'a')), await ask('SetAdd', member('s', 'a')), await ask('SetAdd', member('s', 'b')), await ask('SetAdd', member('t', 'b'))]);
    same(['a', 'b'], (await ask('SetQuery', 's')).sort());
    same([['b'], ['a', 'b']], [await ask('SetIntersection', ['s', 't']), (await ask('SetUnion', ['s', 't'])).sort()]);
    return same([1, 0, true], [await ask('SetDel', member('s', 'a')), await ask('SetDel', member('s', 'a')), await ask('SetClear', 't')]);
  });
  await check('the largest value that goes both ways', async () => {
    const value = 'v'.repeat(2_000_000);
    const bytes = await largest(100_000, 2_000_000, async (length) => {
      try {
        await ask('Set', { key: 'big', value: value.slice(0, length), expires: 0 });
        return (await ask('Get', 'big')).value.length === length;
      } catch {
        return false;
      }
    });
    return `${bytes} bytes under the key "big", with a max_payload of ${connection.info.max_payload}`;
  });

  await check('another link name is another process and another cache', async () => {
    await startProvider(first, 'own');
    await putLink(actor, provider, 'own', { NATS_URL: server.url });
    await until('the link is taken', taken(first, actor, 'own'));
    await ask('Set', { key: 'k', value: 'shared', expires: 0 });
    same({ value: '', exists: false }, await over('own', actor)('Get', 'k'));
    await over('own', actor)('Set', { key: 'k', value: 'mine', expires: 0 });
    same('shared', (await ask('Get', 'k')).value);
    await stopProvider(first, provider, 'own');
  });
  await check('another actor with the same link name shares the cache, until its link is deleted', async () => {
    const second = await startActor(first, 'second');
    await putLink(second, provider, 'default', { NATS_URL: server.url });
    await until('the link is taken', taken(first, second, 'default'));
    same({ value: 'shared', exists: true }, await over('default', second)('Get', 'k'));
    await control('linkdefs.del', { actor_id: second, link_name: 'default', contract_id: CONTRACT });
    await until('it is gone', () => first.says(`event=link_deleted link=default peer=${second}`));
    return refused(() => over('default', second)('Get', 'k'));
  });

  let other;
  await check('two hosts with the same provider and link name share calls and data', async () => {
    other = await startHost('host-2');
    await startProvider(other, 'default', JSON.stringify({ NATS_URL: server.url }));
    await until('it is live', () => other.says('live link=default'));
    await Promise.all(Array.from({ length: 200 }, () => ask('Increment', { key: 'shared-count', value: 1 })));
    for (let quiet = 0; quiet < 20; ) {
      quiet = (await ask('Get', 'shared-count')).value === '200' ? quiet + 1 : 0;
    }
    return '200 increments, 20 reads of 200 in a row';
  });
  await check('rolling upgrade: stopped and started host by host, the data stays', async () => {
    await stopProvider(first, provider, 'default');
    await until('it said good-bye', () => other.says('peer left link=default'));
    same('200', (await ask('Get', 'shared-count')).value);
    const lives = first.count('live link=default');
    await startProvider(first, 'default', JSON.stringify({ NATS_URL: server.url }));
    await until('it is live', () => first.count('live link=default') > lives);
    await stopProvider(other, provider, 'default');
    return same('200', (await ask('Get', 'shared-count')).value);
  });
  await check('the prompt joins the same cache', async () => {
    const answers = execFileSync(executable, ['shell', '--nats-url', server.url], { input: 'GET shared-count\nINCRBY shared-count 1\n' });
    await until('the actor sees it', async () => (await ask('Get', 'shared-count')).value === '201');
    return JSON.stringify(answers.toString().trim().split('\n'));
  });

  await check('a killed provider is not started again by the host', async () => {
    const [pid] = childrenOf(first.child.pid);
    process.kill(pid, 'SIGKILL');
    await until('its process is gone', () => childrenOf(first.child.pid).length === 0);
    const answer = `${await refused(() => ask('Get', 'k'))}; ${await refused(() => startProvider(first, 'default'))}`;
    await control(`cmd.${first.id}.sp`, { provider_ref: provider, link_name: 'default', contract_id: CONTRACT, host_id: first.id });
    await startProvider(first, 'default', JSON.stringify({ NATS_URL: server.url }));
    same({ value: '', exists: false }, await ask('Get', 'k'));
    return answer;
  });
  await check('the provider stops when asked', async () => {
    await stopProvider(first, provider, 'default');
    await until('its process is gone', () => childrenOf(first.child.pid).length === 0);
  });
} catch (error) {
  await check('the run itself', () => {
    throw error;
  });
} finally {
  await stopAll();
  await lattice.save();
}
process.exit(verdict('wasmCloud 0.82 host'));
