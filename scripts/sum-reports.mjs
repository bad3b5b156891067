// The end of .ci/run: what was skipped, then one line with the sum of both runs.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readReport } from './test-report.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [check, interop, interopCode] = process.argv.slice(2);
// A run that left no report did not come to its end.
const none = { passed: 0, failed: 1, skipped: [], shaky: [] };
const peers = existsSync(interop) ? readReport(interop, root) : none;
// An error outside of any test is in the exit code only.
if (interopCode !== '0' && peers.failed === 0) peers.failed = 1;
const parts = [existsSync(check) ? JSON.parse(readFileSync(check, 'utf8')) : none, peers];
const sum = (key) => parts.reduce((total, part) => total + part[key], 0);
for (const name of parts.flatMap(({ skipped }) => skipped)) console.log(`skipped: ${name}`);
for (const name of parts.flatMap(({ shaky }) => shaky)) console.log(`passed at the second try: ${name}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 ? 1 : 0;
