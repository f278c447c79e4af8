import type { Request } from '#wire';

/** The same request with other headers or another way to read its body. What is made when asked for stays so: a spread would lose it. */
export function deriveRequest(request: Request, other: Partial<Pick<Request, 'headers' | 'body'>>): Request {
  const { method, path, search, peer, rawHeaders, shares } = request;
  return {
    ...{ method, path, search, peer, rawHeaders, shares, headers: other.headers ?? request.headers },
    body: other.body ?? (limitBytes => request.body(limitBytes)),
    stream: () => request.stream(),
    get signal() {
      return request.signal;
    },
  };
}
