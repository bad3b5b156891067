// Reads what vitest's JSON reporter wrote.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Counts, and the names of what was skipped. A file that could not even be loaded counts as one failure. */
export function readReport(path, root) {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
  let passed = 0;
  let failed = 0;
  const skipped = [];
  for (const { name, status, assertionResults } of testResults) {
    if (assertionResults.length === 0 && status === 'failed') failed += 1;
    for (const test of assertionResults) {
      if (test.status === 'passed') passed += 1;
      else if (test.status === 'failed') failed += 1;
      else skipped.push(`${relative(root, name)}: ${[...test.ancestorTitles, test.title].join(' > ')}`);
    }
  }
  return { passed, failed, skipped };
}
