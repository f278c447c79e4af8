import { fault } from './errors.ts';
import { type GoUrl, hostnameOf, parseUrl, portOf, queryOf, UrlProblem } from './go-url.ts';
import type { Bound, Library } from './signature.ts';
import { urlType } from './types.ts';
import { ArrayList, CelOpaque, ValueMap } from './values.ts';

/** A URL is equal to another of the same text. */
class UrlContent {
  readonly url: GoUrl;
  constructor(url: GoUrl) {
    this.url = url;
  }
  equals(other: unknown): boolean {
    return other instanceof UrlContent && other.url.text === this.url.text;
  }
}

const urlOf = ({ content }: CelOpaque): GoUrl => (content as UrlContent).url;

function toUrl(text: string): CelOpaque {
  try {
    return new CelOpaque(urlType, new UrlContent(parseUrl(text)));
  } catch (error) {
    if (error instanceof UrlProblem) return fault(`URL parse error during conversion from string: ${error.message}`);
    throw error;
  }
}

/** Whether it parses. */
export function urlProblem(text: string): string | undefined {
  try {
    parseUrl(text);
    return undefined;
  } catch (error) {
    if (error instanceof UrlProblem) return error.message;
    throw error;
  }
}

const isUrl: Bound = {
  bind:
    ({ work }) =>
    (text: string) => {
      work(text.length);
      return urlProblem(text) === undefined;
    },
};

const query: Bound = {
  bind:
    ({ work }) =>
    (value: CelOpaque) => {
      const map = new ValueMap();
      work(urlOf(value).query.length);
      for (const [key, values] of queryOf(urlOf(value))) map.set(key, new ArrayList(values));
      return map;
    },
};

/** Kubernetes' URL library. */
export const urls: Library = {
  url: [['string_to_url', '(string) -> URL', toUrl]],
  isURL: [['is_url_string', '(string) -> bool', isUrl]],
  getScheme: [['url_get_scheme', 'URL.() -> string', (value: CelOpaque) => urlOf(value).scheme]],
  getHost: [['url_get_host', 'URL.() -> string', (value: CelOpaque) => urlOf(value).host]],
  getHostname: [['url_get_hostname', 'URL.() -> string', (value: CelOpaque) => hostnameOf(urlOf(value))]],
  getPort: [['url_get_port', 'URL.() -> string', (value: CelOpaque) => portOf(urlOf(value))]],
  getEscapedPath: [['url_get_escaped_path', 'URL.() -> string', (value: CelOpaque) => urlOf(value).path]],
  getQuery: [['url_get_query', 'URL.() -> map<string, list<string>>', query]],
};
