// What hosts 0.x need of a caller: actors and invocations that are signed, and MessagePack.
import { decode, encode } from '@msgpack/msgpack';
import { createHash, randomBytes, randomUUID } from 'node:crypto';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MODULE = 0x60;

/** The public key of an actor; nothing is ever signed with its private half, so there is none. */
export function moduleKey() {
  const bytes = [MODULE, ...randomBytes(32)];
  let crc = 0;
  for (const b of bytes) {
    crc ^= b << 8;
    for (let i = 0; i < 8; i++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  const bits = [...bytes, crc & 255, crc >> 8].map((b) => b.toString(2).padStart(8, '0')).join('');
  return bits.match(/.{5}/g).map((five) => BASE32[parseInt(five, 2)]).join('');
}

const base64 = (bytes) => Buffer.from(bytes).toString('base64url');

/** Claims as `wascap` writes them. */
function jwt(signer, subject, wascap) {
  const claims = { jti: randomUUID(), iat: Math.floor(Date.now() / 1_000), iss: signer.getPublicKey(), sub: subject, wascap, wascap_revision: 3 };
  const signed = `${base64('{"typ":"jwt","alg":"Ed25519"}')}.${base64(JSON.stringify(claims))}`;
  return `${signed}.${base64(signer.sign(Buffer.from(signed)))}`;
}

const hash = (...parts) => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest('hex').toUpperCase();
};

/** A module with claims in its custom section "jwt", signed by an account. */
export function signedActor(wasm, account, key, capabilities) {
  const claims = jwt(account, key, { name: 'interop', hash: hash(wasm), tags: [], caps: capabilities, rev: 1, ver: '0.1.0', prov: false });
  const content = Buffer.concat([Buffer.from([3]), Buffer.from('jwt'), Buffer.from(claims)]);
  const length = [];
  let rest = content.length;
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([wasm, Buffer.from([0, ...length]), content]);
}

/** Invokes an actor as another actor would: signed by a cluster key. Gives the decoded result. */
export async function invoke(connection, lattice, cluster, hostId, origin, target, operation, argument) {
  const entity = (public_key) => ({ public_key, link_name: '', contract_id: '' });
  const origin_url = `wasmbus://${origin}`;
  const msg = argument === undefined ? new Uint8Array() : encode(argument);
  const id = randomUUID();
  const target_url = `wasmbus://${target}/${operation}`;
  const invocation = {
    origin: entity(origin),
    target: entity(target),
    operation,
    msg,
    id,
    encoded_claims: jwt(cluster, id, { target_url, origin_url, hash: hash(origin_url, target_url, operation, msg) }),
    host_id: hostId,
    content_length: msg.length,
    traceContext: {},
  };
  const answer = decode((await connection.request(`wasmbus.rpc.${lattice}.${target}`, encode(invocation), { timeout: 20_000 })).data);
  if (answer.invocation_id !== id) throw new Error(`answer to ${answer.invocation_id}: ${answer.error}`);
  if (answer.error) throw new Error(answer.error);
  return answer.msg.length === 0 ? undefined : decode(answer.msg);
}
