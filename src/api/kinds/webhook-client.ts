import type { FieldError } from '../kind.ts';
import { invalid, required } from './field-error.ts';
import { checkPortNumber, checkSubdomain } from './name-rules.ts';

/** Where the server calls for a verdict or another version of an object. Source: apiserver's pkg/util/webhook validation. */
interface ServiceReference {
  name?: string | undefined;
  namespace?: string | undefined;
  path?: string | undefined;
  port?: number | undefined;
}

const form = '; desired format: https://host[/path]';
const urlParts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s;

export function checkWebhookUrl(errors: FieldError[], field: string, url: string): void {
  const mistake = urlMistake(url);
  if (mistake) {
    errors.push(required(field, `url must be a valid URL: parse ${JSON.stringify(url)}: ${mistake}${form}`));
    return;
  }
  const [, scheme = '', authority = '', query = '', fragment = ''] = urlParts.exec(url) ?? [];
  const at = authority.lastIndexOf('@');
  if (scheme.toLowerCase() !== 'https') {
    errors.push(invalid(field, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`));
  }
  if (at === authority.length - 1) errors.push(invalid(field, '', `host must be specified${form}`));
  if (at >= 0) errors.push(invalid(field, authority.slice(0, at), 'user information is not permitted in the URL'));
  if (fragment) errors.push(invalid(field, fragment, 'fragments are not permitted in the URL'));
  if (query) errors.push(invalid(field, query, 'query parameters are not permitted in the URL'));
}

/** Why Go's url.Parse would not read it. */
function urlMistake(url: string): string | undefined {
  if ([...url].some(character => character < ' ' || character === '\x7f')) {
    return 'net/url: invalid control character in URL';
  }
  if (url.startsWith(':')) return 'missing protocol scheme';
  const host = urlParts.exec(url)?.[2] ?? '';
  const port = /:[^:\]]*$/.exec(host.slice(host.lastIndexOf('@') + 1))?.[0];
  return port !== undefined && !/^:[0-9]*$/.test(port) ? `invalid port ${JSON.stringify(port)} after host` : undefined;
}

export function checkWebhookService(errors: FieldError[], path: string, service: ServiceReference): void {
  const { name, namespace, path: urlPath, port = 443 } = service;
  // Upstream takes one for the other: who forgets the name is told that the namespace is missing.
  if (!namespace) errors.push(required(`${path}.name`));
  if (!name) errors.push(required(`${path}.namespace`));
  for (const message of checkPortNumber(port)) {
    errors.push(invalid(`${path}.port`, port, `port is not valid: ${message}`));
  }
  if (urlPath !== undefined) checkPath(errors, `${path}.path`, urlPath);
}

function checkPath(errors: FieldError[], field: string, path: string): void {
  if (path === '/' || path === '') return;
  if (path === '//') return void errors.push(invalid(field, path, 'segment[0] may not be empty'));
  if (!path.startsWith('/')) errors.push(invalid(field, path, "must start with a '/'"));
  const steps = path.slice(1).replace(/\/$/, '').split('/');
  for (const [index, step] of steps.entries()) {
    const messages = step ? checkSubdomain(step).map(message => `: ${message}`) : [' may not be empty'];
    for (const message of messages) errors.push(invalid(field, path, `segment[${index}]${message}`));
  }
}
