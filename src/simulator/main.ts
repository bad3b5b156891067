import { toTonearmError } from '#foundation';
import { parseArguments, usage } from './arguments.ts';
import { openCloud } from './cloud.ts';
import type { Cloud } from './cloud-contract.ts';

/** The simulator as a program. Exit codes: 0 ended on request, 1 could not start, 2 bad arguments. */
async function main(): Promise<number> {
  const { help, verbose, phones, options } = parseArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  await using cloud = await openCloud(options);
  for (const name of phones) await cloud.openPhone({ name });
  process.stdout.write(greeting(cloud));
  if (verbose) follow(cloud);
  await new Promise<void>((done) => {
    process.once('SIGINT', () => done());
    process.once('SIGTERM', () => done());
  });
  return 0;
}

function greeting(cloud: Cloud): string {
  const { ports, files, endpoints, catalogue, contexts, accounts, controlUrl } = cloud;
  const lines = [
    `control API        ${controlUrl ?? '-'}`,
    `web services       ${endpoints.directory}${ports.tls === null ? '' : ` and http://127.0.0.1:${ports.plain}`}`,
    `access point       ${ports.accessPoint.map((port) => `127.0.0.1:${port}`).join(' ')}`,
    `users              ${accounts.all.map(({ name }) => name).join(', ')}`,
    `catalogue          ${catalogue.listed.length} items, all of them in ${contexts.everything}`,
    `server key         ${files ? files.modulusHex : `${endpoints.serverKey.slice(0, 16)}… (GET /status of the control API has it whole)`}`,
    ...(files ? [`authority          ${files.authority}`, `hosts file lines   ${files.hosts}`] : []),
  ];
  return `The simulated cloud is ready.\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function follow({ journal }: Cloud): void {
  const time = (at: number) => new Date(at).toISOString().slice(11, 23);
  journal.events.on('entry', ({ at, service, what, phone }) => {
    process.stdout.write(`${time(at)} ${service.padEnd(14)} ${what}${phone === null ? '' : `  (phone ${phone})`}\n`);
  });
  journal.events.on('refusal', ({ at, service, clause, what, refused }) => {
    process.stdout.write(`${time(at)} ${service.padEnd(14)} ${refused ? 'REFUSED' : 'BREACH'} ${what} [${clause}]\n`);
  });
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const { message, kind } = toTonearmError(error);
    process.stderr.write(`${message}\n`);
    process.exitCode = kind === 'invalid' ? 2 : 1;
  },
);
