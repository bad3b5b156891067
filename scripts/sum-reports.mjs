// The end of .ci/run: what failed, was skipped, or passed at the second try, then one line with the sum of both runs.
import { existsSync, readFileSync } from 'node:fs';

const [check, interop, interopCode] = process.argv.slice(2);
// A run that left no report did not come to its end.
const read = (path, run) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { passed: 0, failed: 1, failures: [`${run} left no report`], skipped: [], shaky: [] });
const parts = [read(check, 'npm test'), read(interop, 'the interop tests')];
if (interopCode !== '0' && parts[1].failed === 0) {
  parts[1].failed = 1;
  parts[1].failures.push(`the interop tests as a whole (exit code ${interopCode})`);
}
const sum = (key) => parts.reduce((total, part) => total + part[key], 0);
for (const name of parts.flatMap(({ failures }) => failures)) console.log(`failed: ${name}`);
for (const name of parts.flatMap(({ skipped }) => skipped)) console.log(`skipped: ${name}`);
for (const name of parts.flatMap(({ shaky }) => shaky)) console.log(`passed at the second try: ${name}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 ? 1 : 0;
