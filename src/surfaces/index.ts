/** Ways in and out. A new surface is one folder and one line here. */
import { local } from './local/index.ts';
import { login } from './login/index.ts';
import { mqtt } from './mqtt/index.ts';
import type { Surface } from './surface.ts';

export { defineSurface, openEach, type Surface, type SurfaceContext, type SurfaceDefinition } from './surface.ts';
export { LoginPageSettings } from './login/settings.ts';
export { MqttSettings } from './mqtt/settings.ts';

export const surfaces: readonly Surface[] = [mqtt, local, login];
