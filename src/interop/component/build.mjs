// node build.mjs WORLD OUT.wasm: makes the component of one of the worlds; needs ./wit with its deps.
import { componentize } from '@bytecodealliance/componentize-js';
import { readFile, writeFile } from 'node:fs/promises';

const [world, out] = process.argv.slice(2);
const source = await readFile('component.js', 'utf8');
const { component } = await componentize(source, {
  witPath: 'wit',
  worldName: world,
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
await writeFile(out, component);
console.log(`${out}: ${component.length} bytes`);
