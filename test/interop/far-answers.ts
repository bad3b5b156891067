/** The other end, in that process: answers requests until whoever asks is gone. */
export function answerRequests<Table extends Record<keyof Table, (input: never) => Promise<unknown>>>(requests: Table, ready: string): void {
  process.on('message', ({ id, name, input }: { id: number; name: keyof Table; input: never }) => {
    requests[name](input).then(
      (result) => process.send?.({ id, result: result ?? null }),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error) }),
    );
  });
  process.once('disconnect', () => process.exit());
  console.log(ready);
}
