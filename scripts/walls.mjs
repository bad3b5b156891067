// Checks the walls between rooms. The rules are made from the table in docs/architecture.md, so that the picture and the check are one.
// Before the real sources are judged, planted wrong imports have to be found: a check that finds nothing proves nothing.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import { plants } from './walls-planted.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tests = '(\\.(test|fixture)\\.ts$|/test-kit/|^test/)';
/** demo.ts and the folder of its parts. */
const demo = '^src/demo(/|\\.ts$)';

/** The table "what a room may look into": room → rooms it may import. */
export function readTable(markdown) {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => line.startsWith('| Room | May import |'));
  if (start < 0) throw new Error('docs/architecture.md has lost its table "| Room | May import |".');
  const rooms = new Map();
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    const cells = line.split('|').slice(1, -1).map((text) => text.trim());
    for (let index = 0; index + 1 < cells.length; index += 2) {
      const allowed = cells[index + 1].replace(/\(.*\)/, '').split(',').map((text) => text.trim()).filter((text) => text !== '' && text !== '–');
      for (const room of cells[index].split(',').map((text) => text.trim()).filter((text) => text !== '')) rooms.set(room, allowed);
    }
  }
  return rooms;
}

/** One rule per wall; patterns stay flat, because the cruiser rejects nested quantifiers. */
export function rules(table) {
  const forbidden = [
    { name: 'no-circles', comment: 'Files that import each other in a circle have no order in which they can be understood.', from: {}, to: { circular: true } },
    { name: 'resolvable', comment: 'An import that leads nowhere is not checked either.', from: {}, to: { couldNotResolve: true, pathNot: '^speaker$' } },
    {
      name: 'front-door-room',
      comment: 'Another room is entered by its index.ts, or by the index.ts of a wire folder.',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/.+', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$', '^src/.+/wire/index\\.ts$'] },
    },
    {
      name: 'front-door-root',
      comment: 'main.ts, tonearm.ts and demo.ts enter rooms by their index.ts.',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: '^src/[^/]+/.+', pathNot: ['^src/[^/]+/index\\.ts$', '^src/demo/'] },
    },
    {
      name: 'siblings',
      comment: 'Sources, outputs and surfaces do not know each other.',
      from: { path: '^src/(sources|outputs|surfaces)/([^/]+)/', pathNot: tests },
      to: { path: '^src/$1/[^/]+/', pathNot: '^src/$1/$2/' },
    },
    {
      name: 'pure-wire',
      comment: 'Codecs serve both sides: no Node module but buffer, crypto, util and zlib.',
      from: { path: '/wire/', pathNot: tests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto|util|zlib)$' },
    },
    {
      name: 'simulator-outside',
      comment: 'The product never leans on its own test: only demo.ts and tests import the simulator.',
      from: { path: '^src/', pathNot: ['^src/simulator/', demo, tests] },
      to: { path: '^src/(simulator|demo)/' },
    },
    { name: 'core-needs-zod-only', comment: 'The language has one dependency.', from: { path: '^src/core/', pathNot: tests }, to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-no-pkg'], pathNot: 'node_modules/zod/' } },
    { name: 'core-is-pure', comment: 'Words and rules: no I/O.', from: { path: '^src/core/', pathNot: tests }, to: { dependencyTypes: ['core'] } },
    {
      name: 'proto-at-home',
      comment: 'Generated protobuf types stay in spotify/ and at the two places of connect that translate.',
      from: { path: '^src/', pathNot: ['^src/spotify/', '^src/sources/connect/(request|report)\\.ts$', tests] },
      to: { path: '^src/spotify/wire/proto/' },
    },
    {
      name: 'no-test-tools',
      // Everything that is bundled stands under devDependencies, so the tools are named.
      comment: 'What ships needs nothing that is only there for testing or building.',
      from: { path: '^src/', pathNot: ['^src/simulator/', demo, tests] },
      to: { path: 'node_modules/(vitest|fast-check|esbuild|eslint|typescript|typescript-eslint|dependency-cruiser|homebridge|music-metadata|node-forge|wasm-media-encoders)/' },
    },
  ];
  for (const [room, allowed] of table) {
    if (allowed.includes('all parts')) continue;
    const open = [room, ...allowed.filter((name) => !name.startsWith('any '))].map((name) => `^src/${name}/`);
    if (allowed.some((name) => name.startsWith('any '))) open.push('/wire/index\\.ts$');
    forbidden.push({
      name: `room-${room}`,
      comment: `${room} may look into ${allowed.length === 0 ? 'nothing' : allowed.join(', ')} only.`,
      from: { path: `^src/${room}/`, pathNot: tests },
      to: { path: '^src/', pathNot: open },
    });
  }
  return forbidden.map((rule) => ({ severity: 'error', ...rule }));
}

/** What dependency-cruiser finds in a folder. */
async function inspect(folder, forbidden) {
  const { output } = await cruise(
    ['src'],
    {
      baseDir: folder,
      validate: true,
      ruleSet: { forbidden },
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      // Without "source" the cruiser looks into dist/ and silently checks nothing.
      enhancedResolveOptions: { conditionNames: ['source', 'import', 'node', 'default'], exportsFields: ['exports'], extensions: ['.ts', '.js', '.mjs', '.json'] },
    },
  );
  return output.summary;
}

function show({ rule, from, to, cycle }) {
  const path = cycle ? ` → ${cycle.map(({ name }) => name).join(' → ')}` : ` → ${to}`;
  return `${from}${path}\n    ${rule.name}`;
}

/** A small house with one wrong import for every wall; gives the names of the walls that did not notice. */
async function unnoticed(forbidden) {
  const folder = mkdtempSync(join(tmpdir(), 'tonearm-walls-'));
  try {
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const { files } of plants) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
    }
    const { violations } = await inspect(folder, forbidden);
    const found = (wall, from) => violations.some((violation) => violation.rule.name === wall && (violation.from === from || violation.cycle?.some(({ name }) => name === from)));
    const missed = plants.filter(({ wall, from }) => wall !== null && !found(wall, from)).map(({ wall }) => wall);
    const falseAlarms = plants.filter(({ wall, files }) => wall === null && violations.some(({ from }) => from in files)).map(({ from }) => `false alarm at ${from}`);
    const untested = forbidden.map(({ name }) => name).filter((name) => !name.startsWith('room-') && !plants.some(({ wall }) => wall === name)).map((name) => `${name} (nothing planted)`);
    return [...missed, ...falseAlarms, ...untested];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const forbidden = rules(readTable(readFileSync(join(root, 'docs/architecture.md'), 'utf8')));
const missed = await unnoticed(forbidden);
if (missed.length > 0) {
  console.error(`The walls are not being checked: planted wrong imports went unnoticed (${missed.join(', ')}).`);
  process.exit(1);
}
const { violations, totalCruised, totalDependenciesCruised } = await inspect(root, forbidden);
const comments = new Map(forbidden.map(({ name, comment }) => [name, comment]));
for (const violation of violations) console.error(`${show(violation)}: ${comments.get(violation.rule.name) ?? ''}`);
console.log(`Walls: ${totalCruised} files, ${totalDependenciesCruised} imports, ${violations.length} through a wall; all ${plants.filter(({ wall }) => wall !== null).length} planted ones were noticed.`);
process.exitCode = violations.length > 0 ? 1 : 0;
