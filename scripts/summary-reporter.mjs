// A vitest reporter: counts, and the names of what failed, was skipped, or passed only when tried again, into the file named by TONEARM_SUMMARY.
// Errors outside of any test (a file that cannot be loaded, a promise nobody waited for) count as failures.
import { writeFileSync } from 'node:fs';

const firstLine = ([error]) => error?.message?.split('\n')[0] ?? 'no message';

export default class SummaryReporter {
  onTestRunEnd(modules, unhandled) {
    const summary = { passed: 0, failed: 0, failures: [], skipped: [], shaky: [] };
    const fail = (name, errors) => {
      summary.failed += 1;
      summary.failures.push(`${name} (${firstLine(errors)})`);
    };
    for (const module of modules) {
      const file = module.relativeModuleId;
      for (const suite of [module, ...module.children.allSuites()]) {
        if (suite.errors().length > 0) fail(suite === module ? file : `${file}: ${suite.fullName}`, suite.errors());
      }
      for (const test of module.children.allTests()) {
        const name = `${file}: ${test.fullName}`;
        const { state, errors } = test.result();
        if (state === 'failed') fail(name, errors);
        else if (state !== 'passed') summary.skipped.push(name);
        else {
          summary.passed += 1;
          if (test.diagnostic()?.flaky) summary.shaky.push(`${name} (${firstLine(errors ?? [])})`);
        }
      }
    }
    for (const error of unhandled) fail(`outside of any test, while ${error.VITEST_TEST_PATH ?? 'nothing'} ran`, [error]);
    writeFileSync(process.env.TONEARM_SUMMARY, `${JSON.stringify(summary)}\n`);
  }
}
