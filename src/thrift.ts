import { setFlagsFromString } from 'node:v8';

// A small young generation and code made for size: a few milliseconds at start, several megabytes for as long as it runs. Before
// anything else is loaded, because V8 takes compiled code only with the flags it was made with.
setFlagsFromString('--max-semi-space-size=1');
setFlagsFromString('--optimize-for-size');
// What the housekeeper would set later: code compiled after it could not be taken before it.
setFlagsFromString('--expose-gc');
