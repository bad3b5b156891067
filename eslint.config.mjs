import tseslint from 'typescript-eslint';

const time = 'Time and the world are ports: take a Clock, a Host or settings instead (see docs/architecture.md).';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'src/spotify/wire/proto/generated.*', 'homebridge-plugin/dist/', 'coverage/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'homebridge-plugin/src/**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/unified-signatures': 'off',
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/foundation/**', 'src/host/**', 'src/main.ts', 'src/life.ts', 'src/compiled.ts', 'src/demo.ts', 'src/simulator/main.ts', 'src/**/*.test.ts', 'src/**/entry.ts'],
    rules: {
      'no-restricted-globals': ['error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'console', 'performance'].map((name) => ({ name, message: time }))],
      'no-restricted-properties': ['error',
        { object: 'Date', property: 'now', message: time },
        { object: 'process', property: 'env', message: time }],
    },
  },
  {
    files: ['test/**/*.ts', '**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['*.config.ts', 'test/**/*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
