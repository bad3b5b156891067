/** What of the data folder belongs into a backup: who this is, and what was set at run time. No logins, no keys, no caches. */
export const isKept = (name: string): boolean => /^(instance-id|mqtt-instance|presets|automations|tags|device-id\/[a-z0-9_-]{1,64}|volume-[a-z0-9_-]{1,64})$/.test(name);

export const configurationName = 'configuration.yaml';
export const manifestName = 'manifest.json';
export const readmeName = 'README.txt';
/** Bytes of the archive: as base64 it has to fit into what brokers take. */
export const largestBackup = 512 * 1024;

export const fileOfValue = (name: string) => `values/${encodeURIComponent(name)}.json`;

/** The stored value a file in the archive is; null for any other. */
export function valueOfFile(file: string): string | null {
  const written = /^values\/([a-z0-9_%-]{1,80})\.json$/i.exec(file)?.[1];
  if (written === undefined) return null;
  try {
    const name = decodeURIComponent(written);
    return isKept(name) && fileOfValue(name) === file ? name : null;
  } catch {
    return null;
  }
}
