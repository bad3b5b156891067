import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name: string) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

export const blueprintFolder = path('home-assistant/blueprints');

/** The YAML of docs/home-assistant.md whose first line says where it belongs. */
export function snippets(place: 'configuration.yaml' | 'automations.yaml' | 'dashboard'): readonly string[] {
  const text = readFileSync(path('home-assistant.md'), 'utf8');
  return [...text.matchAll(/^```yaml\n# (.+)\n([^]*?)^```$/gm)].flatMap(([, where, yaml]) => (where === place && yaml !== undefined ? [yaml] : []));
}
