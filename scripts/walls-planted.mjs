// A house of a few files in which every wall is broken once. `wall: null` marks imports that are allowed and must not be reported.

const empty = 'export const here = 1;\n';
const takes = (specifier) => `import * as taken from '${specifier}';\nexport const here = taken;\n`;

export const plants = [
  {
    wall: null,
    from: 'src/zones/zone.ts',
    files: {
      'src/foundation/index.ts': empty,
      'src/core/index.ts': `${takes('#foundation')}export { z } from 'zod';\n`,
      'src/audio/index.ts': empty,
      'src/zones/index.ts': "export * from './zone.ts';\n",
      'src/zones/zone.ts': "import type { here as word } from '#core';\nimport { here as sound } from '#audio';\nexport const zone: typeof word | unknown = sound;\n",
      'src/spotify/index.ts': empty,
      'src/spotify/wire/index.ts': `import { gunzipSync } from 'node:zlib';\nexport const here = gunzipSync;\n`,
      'src/spotify/wire/proto/index.ts': empty,
      'src/simulator/index.ts': takes('#spotify/wire'),
      'src/demo.ts': takes('#simulator'),
      'src/zones/zone.test.ts': "import { here } from '#simulator';\nvoid here;\n",
    },
  },
  { wall: 'no-circles', from: 'src/audio/circle.ts', files: { 'src/audio/circle.ts': takes('./back.ts'), 'src/audio/back.ts': takes('./circle.ts') } },
  { wall: 'resolvable', from: 'src/audio/nowhere.ts', files: { 'src/audio/nowhere.ts': takes('#no-such-room') } },
  { wall: 'room-foundation', from: 'src/foundation/wrong.ts', files: { 'src/foundation/wrong.ts': takes('#core') } },
  { wall: 'room-sources', from: 'src/sources/wrong.ts', files: { 'src/sources/wrong.ts': "import type { here } from '#audio';\nexport type Here = typeof here;\n" } },
  { wall: 'room-simulator', from: 'src/simulator/wrong.ts', files: { 'src/simulator/wrong.ts': takes('#spotify') } },
  { wall: 'front-door-room', from: 'src/zones/wrong-door.ts', files: { 'src/zones/wrong-door.ts': takes('../audio/inside.ts'), 'src/audio/inside.ts': empty } },
  { wall: 'front-door-root', from: 'src/tonearm.ts', files: { 'src/tonearm.ts': takes('./audio/inside.ts') } },
  { wall: 'siblings', from: 'src/sources/one/wrong.ts', files: { 'src/sources/one/wrong.ts': takes('../two/index.ts'), 'src/sources/two/index.ts': empty } },
  { wall: 'pure-wire', from: 'src/audio/wire/wrong.ts', files: { 'src/audio/wire/wrong.ts': takes('node:fs') } },
  { wall: 'simulator-outside', from: 'src/main.ts', files: { 'src/main.ts': takes('#simulator') } },
  { wall: 'core-needs-zod-only', from: 'src/core/wrong.ts', files: { 'src/core/wrong.ts': takes('ws') } },
  { wall: 'core-is-pure', from: 'src/core/wrong-node.ts', files: { 'src/core/wrong-node.ts': takes('node:fs') } },
  { wall: 'proto-at-home', from: 'src/sources/connect/wrong.ts', files: { 'src/sources/connect/wrong.ts': takes('#spotify/wire/proto') } },
  { wall: 'no-test-tools', from: 'src/audio/wrong-tool.ts', files: { 'src/audio/wrong-tool.ts': takes('fast-check') } },
];
