// Reads what vitest's JSON reporter wrote.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Counts, and the names of what was skipped or passed only when it was tried again. A file that could not even be loaded counts as one failure. */
export function readReport(path, root) {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
  let passed = 0;
  let failed = 0;
  const skipped = [];
  const shaky = [];
  for (const { name, status, assertionResults } of testResults) {
    if (assertionResults.length === 0 && status === 'failed') failed += 1;
    for (const test of assertionResults) {
      const title = `${relative(root, name)}: ${[...test.ancestorTitles, test.title].join(' > ')}`;
      if (test.status === 'failed') failed += 1;
      else if (test.status !== 'passed') skipped.push(title);
      else {
        passed += 1;
        const [first] = test.failureMessages ?? [];
        if (first !== undefined) shaky.push(`${title} (${first.split('\n')[0]})`);
      }
    }
  }
  return { passed, failed, skipped, shaky };
}
