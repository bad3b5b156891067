/** What goes over the wire of `/api/v1`. The daemon itself needs only the types of what is said, so it takes schemas from the files they are in. */
export * from './close-codes.ts';
export * from './messages.ts';
export * from './pictures.ts';
export * from './requests.ts';
export * from './words.ts';
