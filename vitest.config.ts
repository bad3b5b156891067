import { defineConfig } from 'vitest/config';

const source = { conditions: ['source', 'module', 'node', 'import', 'default'] };

/** Unit and contract tests run from `src`; scenarios run on `dist`, which is what ships. */
export default defineConfig({
  test: {
    projects: [
      {
        resolve: source,
        ssr: { resolve: source },
        test: { name: 'unit', setupFiles: ['test/seed.ts'], include: ['src/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/conformance/**/*.test.ts', 'test/kit/**/*.test.ts', 'test/matrix/**/*.test.ts', 'test/types/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
      },
      {
        resolve: source,
        ssr: { resolve: source },
        test: {
          name: 'scenario',
          include: ['test/scenario/**/*.test.ts', 'test/package/**/*.test.ts'],
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
