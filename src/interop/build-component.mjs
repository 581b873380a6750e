// node build-component.mjs WIT_FOLDER WORLD OUT.wasm: makes the component of one of the worlds.
import { componentize } from '@bytecodealliance/componentize-js';
import { readFile, writeFile } from 'node:fs/promises';

const [witPath, worldName, out] = process.argv.slice(2);
const source = await readFile(new URL('component/component.js', import.meta.url), 'utf8');
const { component } = await componentize(source, {
  witPath,
  worldName,
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
await writeFile(out, component);
console.log(`${out}: ${component.length} bytes`);
