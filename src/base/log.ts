export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Values that a log line carries beside its constant message. An `Error` is written with its message and stack. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where a component writes what it has to say. Messages are constant and lower-case; what varies goes into `fields`.
 * Never secrets, never object bodies.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `component` and further fields on every line. */
  child(component: string, fields?: LogFields): Log;
}

/** One line as data, before it is formatted. */
export interface LogRecord {
  timeMs: number;
  level: LogLevel;
  component: string;
  message: string;
  fields: LogFields;
}

export interface LogOptions {
  level: LogLevel;
  now: () => number;
  /** Takes one record; formats and writes it. */
  write(record: LogRecord): void;
}

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog(options: LogOptions, component = '', base: LogFields = {}): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (rank[level] < rank[options.level]) return;
    options.write({ timeMs: options.now(), level, component, message, fields: { ...base, ...fields } });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (name, fields) => createLog(options, component ? `${component}/${name}` : name, { ...base, ...fields }),
  };
}

/** One text line: time, level, component, message, then key=value. */
export function formatLogText(record: LogRecord): string {
  const fields = Object.entries(record.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${formatValue(value)}`);
  const time = new Date(record.timeMs).toISOString();
  return `${time} ${record.level.padEnd(5)} ${record.component || 'wherry'}: ${record.message}${fields.join('')}\n`;
}

/** One JSON object a line. */
export function formatLogJson(record: LogRecord): string {
  const fields = Object.fromEntries(Object.entries(record.fields).map(([key, value]) => [key, plain(value)]));
  const { level, component, message } = record;
  return JSON.stringify({ time: new Date(record.timeMs).toISOString(), level, component, message, ...fields }) + '\n';
}

function plain(value: unknown): unknown {
  if (value instanceof Error) return value.cause ? `${value.message}: ${plain(value.cause)}` : value.message;
  return value;
}

function formatValue(value: unknown): string {
  const text = plain(value);
  const string = typeof text === 'string' ? text : JSON.stringify(text);
  return /^[\w./:@+-]+$/.test(string) ? string : JSON.stringify(string);
}
