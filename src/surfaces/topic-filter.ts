/** Whether it may be subscribed to (MQTT 5.0 §4.7). */
export function isFilter(filter: string): boolean {
  if (filter === '' || filter.includes('\0') || Buffer.byteLength(filter) > 65_535) return false;
  const levels = filter.split('/');
  return levels.every((level, at) => level === '+' || (level === '#' && at === levels.length - 1) || !/[+#]/.test(level));
}

/** Whether the topic is one the filter asks for. Topics that begin with `$` fit no wildcard at the front (MQTT 5.0 §4.7.2). */
export function fitsFilter(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false;
  for (const [at, want] of wanted.entries()) {
    // "sport/#" is also for "sport".
    if (want === '#') return levels.length >= at;
    const level = levels[at];
    if (level === undefined || (want !== '+' && want !== level)) return false;
  }
  return wanted.length === levels.length;
}
