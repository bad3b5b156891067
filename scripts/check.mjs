// What `npm test` runs: types, lint, walls, generated files, then unit, contract, scenario and package tests.
// `npm test -- types unit` runs some of the steps. Counts go to the file named by TONEARM_CHECK_REPORT, else into the cache.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules', ...name.split('/'));
const cache = join(root, 'node_modules/.cache/tonearm');
const reportPath = process.env.TONEARM_CHECK_REPORT ?? join(cache, 'check.json');

/** Tests report themselves; every other step counts as one. Steps of one stage run at the same time. */
const stages = [
  [
    { name: 'types', args: [bin('typescript/bin/tsc'), '--noEmit'] },
    { name: 'lint', args: [bin('eslint/bin/eslint.js'), '.', '--max-warnings=0'] },
  ],
  [
    { name: 'walls', args: ['scripts/walls.mjs'] },
    { name: 'generated', args: ['scripts/schema.mjs', '--check'] },
  ],
  [{ name: 'unit', project: 'unit' }],
  [{ name: 'scenario', project: 'scenario' }],
];

const known = stages.flat().map(({ name }) => name);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no step "${unknown.join('", "')}". Steps: ${known.join(', ')}.`);
  process.exit(64);
}
mkdirSync(cache, { recursive: true });

function run(step) {
  const started = performance.now();
  const json = join(cache, `${step.name}-${process.pid}.json`);
  const args = step.args ?? [bin('vitest/vitest.mjs'), 'run', '--project', step.project, '--passWithNoTests', '--reporter=default', '--reporter=./scripts/summary-reporter.mjs'];
  return new Promise((resolve) => {
    // Types, lint and walls are told only when something is wrong or they have a summary; tests show their progress.
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, TONEARM_SUMMARY: json }, stdio: ['ignore', step.project ? 'inherit' : 'pipe', step.project ? 'inherit' : 'pipe'] });
    let said = '';
    child.stdout?.on('data', (data) => (said += data));
    child.stderr?.on('data', (data) => (said += data));
    child.on('error', (error) => resolve(end(1, error.message)));
    child.on('close', (code, signal) => resolve(end(signal ? 1 : code, signal ? `${said}\nended by ${signal}` : said)));
    function end(code, text) {
      const seconds = (performance.now() - started) / 1000;
      if (text.trim() !== '') console.log(`\n── ${step.name} ──\n${text.trim()}`);
      const report = step.project && existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : { passed: step.project || code !== 0 ? 0 : 1, failed: 0, failures: [], skipped: [], shaky: [] };
      rmSync(json, { force: true });
      if (code !== 0 && report.failed === 0) {
        report.failed = 1;
        report.failures.push(`the step "${step.name}" as a whole (exit code ${code})`);
      }
      return { name: step.name, seconds, ...report };
    }
  });
}

const results = [];
for (const stage of stages) {
  const steps = stage.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  results.push(...(await Promise.all(steps.map(run))));
}

const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
const passed = total('passed');
const failed = total('failed');
const skipped = results.flatMap((result) => result.skipped);
const shaky = results.flatMap((result) => result.shaky);
const failures = results.flatMap((result) => result.failures);
mkdirSync(dirname(reportPath), { recursive: true });
writeFileSync(reportPath, `${JSON.stringify({ passed, failed, failures, skipped, shaky, steps: results }, null, 2)}\n`);

console.log('\nTonearm, all checks');
for (const { name, seconds, passed: good, failed: bad, skipped: left } of results) {
  const counts = [`${good} passed`, ...(bad > 0 ? [`${bad} failed`] : []), ...(left.length > 0 ? [`${left.length} skipped`] : [])].join(', ');
  console.log(`  ${bad > 0 ? '✗' : '✓'} ${name.padEnd(10)} ${counts.padEnd(30)} ${seconds.toFixed(1)} s`);
}
for (const name of failures) console.log(`  failed: ${name}`);
for (const name of skipped) console.log(`  skipped: ${name}`);
for (const name of shaky) console.log(`  passed at the second try: ${name}`);
console.log(`  together: ${passed} passed · ${failed} failed${skipped.length > 0 ? ` · ${skipped.length} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
