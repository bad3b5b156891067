import { z } from 'zod';

/** The login page. Opened for other machines only on purpose. */
export const LoginPageSettings = z.strictObject({
  address: z.union([z.ipv4(), z.ipv6()]).default('127.0.0.1').describe('Address the page listens on: 127.0.0.1 for this machine only, 0.0.0.0 for everybody in the network'),
  port: z.int().min(0).max(65_535).default(5589).describe('TCP port of the page'),
  hosts: z.array(z.string().trim().toLowerCase().min(1).max(253)).max(16).default([]).describe('Names under which the page is opened, besides addresses, localhost and names ending in .local, .lan or .home.arpa'),
});
export type LoginPageSettings = z.output<typeof LoginPageSettings>;
