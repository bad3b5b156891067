import { defineSurface } from '../surface.ts';
import { MqttSettings } from './settings.ts';

/** Mirrors every zone to an MQTT broker, and does what is asked there. See docs/mqtt.md. */
export const mqtt = defineSurface({
  name: 'mqtt',
  config: MqttSettings,
  // A phone is not kept waiting for it.
  open: async (settings, context) => (await import('./open.ts')).openMqtt(settings, context),
});
