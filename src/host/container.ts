import { existsSync } from 'node:fs';
import type { NetworkFacts } from './network-facts.ts';

/** Files that Docker and Podman put into every container. */
const marks = ['/.dockerenv', '/run/.containerenv'];

/**
 * Whether this is a container behind a bridge of its machine, which multicast does not cross. With host networking the machine's own
 * interfaces are seen here; with macvlan or ipvlan the kernel calls the interface so.
 */
export function isBehindContainerBridge({ interfaces, facts }: NetworkFacts, isContainer = marks.some((mark) => existsSync(mark))): boolean {
  if (!isContainer) return false;
  const outward = Object.entries(interfaces).filter(([, addresses = []]) => addresses.some(({ internal }) => !internal));
  return (
    outward.length > 0 &&
    outward.every(([name]) => {
      const fact = facts.get(name);
      // One end of a pair: the kernel says it is a part of an interface that is not here.
      return fact !== undefined && fact.kind === '' && fact.index !== null && fact.below !== null && fact.index !== fact.below;
    })
  );
}
