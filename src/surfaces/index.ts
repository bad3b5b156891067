/** Ways in and out. A new surface is one folder and one line here. */
import { http } from './http/index.ts';
import { local } from './local/index.ts';
import { login } from './login/index.ts';
import { mqtt } from './mqtt/index.ts';
import type { Surface } from './surface.ts';

export { defineSurface, openEach, type HomeMessageLine, type Surface, type SurfaceContext, type SurfaceDefinition, type WebFetch } from './surface.ts';
export { type ApiKeys, openApiKeys } from './api-keys.ts';
export { answerKeyRequest } from './key-requests.ts';
export { openWebFetch } from './web-fetch.ts';
export { openHomeMessages, type OpenHomeMessages } from './home-messages.ts';
export { fitsFilter, isFilter } from './topic-filter.ts';
export { HttpSettings } from './http/settings.ts';
export { LoginPageSettings } from './login/settings.ts';
export { MqttSettings } from './mqtt/settings.ts';

export const surfaces: readonly Surface[] = [mqtt, local, login, http];
