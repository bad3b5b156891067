/** A small MQTT broker of our own, for trying things out: MQTT 3.1.1, this machine only, nothing kept on disk. */
export { openBroker, type Broker, type BrokerOptions } from './broker.ts';
