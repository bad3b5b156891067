export { openAlarms } from './alarms.ts';
export { AlarmSettings } from './settings.ts';
