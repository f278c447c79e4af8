export type { AuthenticationConfig, Issuer } from './authentication-config.ts';
export { parseAuthenticationConfig, readAuthenticationConfig } from './authentication-config.ts';
export { createOpenIdTokens } from './openid-tokens.ts';
