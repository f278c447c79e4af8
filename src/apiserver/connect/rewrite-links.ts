/** How links of a proxied answer are made to lead through the proxy. Source: apimachinery/pkg/util/proxy/transport.go. */
export interface LinkRewrite {
  /** The host that the client asked, and that of the target: links elsewhere are left alone. */
  readonly hosts: readonly string[];
  /** What stands before paths of the target in the client's eyes: `/api/v1/namespaces/a/pods/b/proxy`. */
  readonly prefix: string;
}

/** An absolute path, or a whole URL of the same host, as the client reaches it; everything else as it is. */
export function rewriteLink(link: string, { hosts, prefix }: LinkRewrite): string {
  const match = /^(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?(?:\/\/([^/?#]*))?(\/[^?#]*)(.*)$/s.exec(link);
  if (!match) return link;
  const [, linkHost, path, rest] = match;
  if (linkHost ? !hosts.includes(linkHost) : !link.startsWith('/')) return link;
  if (path!.startsWith(prefix)) return `${path}${rest}`;
  return `${prefix}${path!.replace(/\/{2,}/g, '/')}${rest}`;
}

/** Which attributes of which elements are links. */
const linkAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** A tag that is longer than this is passed on as it is. */
const maxTagLength = 64 * 1024;

/** Rewrites the links of an HTML document that comes in pieces, each character of which is a byte (latin1). */
export interface HtmlRewriter {
  push(text: string): string;
  /** What was held back. */
  end(): string;
}

export function createHtmlRewriter(rewrite: LinkRewrite): HtmlRewriter {
  let held = '';
  let rawEnd: string | undefined;
  const take = (text: string): string => {
    let out = '';
    let at = 0;
    while (at < text.length) {
      const open = text.indexOf('<', at);
      if (open < 0) return out + text.slice(at);
      out += text.slice(at, open);
      const end = text.startsWith('<!--', open) ? endOfComment(text, open) : endOfTag(text, open);
      if (end < 0) {
        held = text.slice(open);
        return out;
      }
      out += tagOf(text.slice(open, end));
      at = end;
    }
    return out;
  };
  // Between <script> and </script>, and the same with style, nothing is a tag.
  const tagOf = (tag: string): string => {
    const name = /^<\/?([a-zA-Z][a-zA-Z0-9]*)/.exec(tag)?.[1]?.toLowerCase();
    if (rawEnd !== undefined) {
      if (name === rawEnd && tag.startsWith('</')) rawEnd = undefined;
      return tag;
    }
    if (name === 'script' || name === 'style') rawEnd = tag.startsWith('</') || tag.endsWith('/>') ? undefined : name;
    const links = tag.startsWith('</') ? undefined : linkAttributes[name ?? ''];
    return links ? rewriteTag(tag, links, rewrite) : tag;
  };
  return {
    push(text) {
      const whole = held + text;
      held = '';
      const out = take(whole);
      if (held.length <= maxTagLength) return out;
      const long = held;
      held = '';
      return out + long;
    },
    end: () => held,
  };
}

function endOfComment(text: string, open: number): number {
  const end = text.indexOf('-->', open + 4);
  return end < 0 ? -1 : end + 3;
}

/** Behind the `>` that is not in quotes; -1 when it has not come yet. */
function endOfTag(text: string, open: number): number {
  let quote = '';
  for (let at = open + 1; at < text.length; at++) {
    const character = text[at]!;
    if (quote) {
      if (character === quote) quote = '';
    } else if ((character === '"' || character === "'") && /[=\s]/.test(text[at - 1]!)) {
      quote = character;
    } else if (character === '>') return at + 1;
  }
  return -1;
}

function rewriteTag(tag: string, links: readonly string[], rewrite: LinkRewrite): string {
  return tag.replace(
    /([a-zA-Z-]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g,
    (whole, name: string, equals: string, value: string) => {
      if (!links.includes(name.toLowerCase())) return whole;
      const quote = value[0] === '"' || value[0] === "'" ? value[0] : '';
      const link = quote ? value.slice(1, -1) : value;
      return `${name}${equals}${quote}${rewriteLink(link, rewrite)}${quote}`;
    },
  );
}
