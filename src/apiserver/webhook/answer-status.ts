import { StatusError } from '../errors.ts';

/** An HTTP answer that was read whole. */
export interface WholeAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

/** client-go shows at most this much of a text answer. */
const maxShownBytes = 2048;

/** Reason and text for an HTTP status that is no success; `undefined` text: what the server said. Source: apimachinery NewGenericServerResponse. */
const generic: Readonly<Record<number, readonly [string, string | undefined]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', undefined],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', undefined],
  409: ['AlreadyExists', 'the server reported a conflict'],
  413: ['RequestEntityTooLarge', undefined],
  415: ['UnsupportedMediaType', undefined],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

/** The error that client-go makes of an answer that is no success: the Status in its body when there is one, else one for its code. */
export function statusOfAnswer(answer: WholeAnswer): StatusError {
  return statusInBody(answer) ?? genericStatus(answer);
}

function statusInBody({ status, body }: WholeAnswer): StatusError | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(body.toString());
  } catch {
    // No JSON: then it is a text, which the other way shows.
    return undefined;
  }
  if (value?.['kind'] !== 'Status' || value['status'] !== 'Failure') return undefined;
  const { message, reason, code, details } = value;
  return new StatusError({
    code: typeof code === 'number' && code > 0 ? code : status,
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message : '',
    ...(typeof details === 'object' && details ? { details: details as Record<string, unknown> } : {}),
  });
}

function genericStatus({ status, contentType, body }: WholeAnswer): StatusError {
  const isText = !contentType || contentType.startsWith('text/');
  const said = isText ? body.subarray(0, maxShownBytes).toString().trim() : 'unknown';
  const [reason, text] = generic[status] ?? [
    status >= 500 ? 'InternalError' : '',
    status >= 500
      ? `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`
      : `the server responded with the status code ${status} but did not return more information`,
  ];
  return new StatusError({
    code: status,
    reason,
    message: text ?? said,
    details: { causes: [{ reason: 'UnexpectedServerResponse', message: said }] },
  });
}
