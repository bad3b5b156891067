import { defineConfig } from 'vitest/config';

const source = { conditions: ['source', 'module', 'node', 'import', 'default'] };

/**
 * A machine that is busy for a moment must not look like a fault. What passes only at the second try is named in the summary,
 * so that a test that is not sure of itself is seen.
 */
const retry = 1;

/** Unit and contract tests run from `src`; scenarios run on `dist`, which is what ships. */
export default defineConfig({
  test: {
    projects: [
      {
        resolve: source,
        ssr: { resolve: source },
        test: { name: 'unit', setupFiles: ['test/seed.ts'], include: ['src/**/*.test.ts', 'homebridge-plugin/src/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/conformance/**/*.test.ts', 'test/kit/**/*.test.ts', 'test/matrix/**/*.test.ts', 'test/types/**/*.test.ts'], environment: 'node', testTimeout: 60_000, retry },
      },
      {
        resolve: source,
        ssr: { resolve: source },
        test: {
          name: 'scenario',
          include: ['test/scenario/**/*.test.ts', 'test/package/**/*.test.ts'],
          // Of the daemons under test; not into the home of whoever runs this.
          env: { NODE_COMPILE_CACHE: new URL('./node_modules/.cache/tonearm', import.meta.url).pathname },
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          retry,
        },
      },
    ],
  },
});
