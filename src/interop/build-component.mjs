// node build-component.mjs OUT.wasm: makes the component for hosts 1.x.
import { componentize } from '@bytecodealliance/componentize-js';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const [out] = process.argv.slice(2);
const { component } = await componentize(await readFile(new URL('component/component.js', import.meta.url), 'utf8'), {
  witPath: fileURLToPath(new URL('component/wit', import.meta.url)),
  worldName: 'driven',
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
await writeFile(out, component);
console.log(`${out}: ${component.length} bytes`);
