import type { IPublishPacket } from 'mqtt';

/** What goes to the broker. */
export interface Message {
  readonly topic: string;
  /** Bytes are a JPEG picture. */
  readonly payload: string | Uint8Array;
  readonly retained: boolean;
  readonly qos: 0 | 1;
  /** Seconds a broker may keep it for others (MQTT 5). */
  readonly expiry?: number;
  /** What the asker wants to recognise the answer by (MQTT 5). */
  readonly correlation?: Buffer;
}

/** What comes from it. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Buffer;
  /** True for what the broker kept from earlier. */
  readonly retained: boolean;
  /** Where the asker wants the answer (MQTT 5). */
  readonly answerTo?: { readonly topic: string; readonly correlation?: Buffer };
}

export function toIncoming(topic: string, payload: Buffer, { retain, properties }: IPublishPacket): Incoming {
  const answer = properties?.responseTopic;
  const correlation = properties?.correlationData;
  return {
    topic,
    payload,
    retained: retain,
    ...(answer === undefined ? {} : { answerTo: { topic: answer, ...(correlation === undefined ? {} : { correlation }) } }),
  };
}
