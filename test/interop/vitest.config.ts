import { defineConfig } from 'vitest/config';

const source = { conditions: ['source', 'module', 'node', 'import', 'default'] };

/** Real peers: a broker, a sound server, mDNS. One at a time, because they share the machine's sound and network. */
export default defineConfig({
  resolve: source,
  ssr: { resolve: source },
  test: {
    name: 'interop',
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/interop/**/*.test.ts'],
    // Of the daemons under test; not into the home of whoever runs this.
    env: { NODE_COMPILE_CACHE: new URL('../../node_modules/.cache/tonearm', import.meta.url).pathname },
    environment: 'node',
    testTimeout: 180_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    // What passes only at the second try is named in the summary.
    retry: 1,
  },
});
