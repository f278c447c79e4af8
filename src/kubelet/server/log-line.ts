/** One line of a container log in the CRI format: `2026-01-02T03:04:05.678901234Z stdout F text`. */
export interface LogLine {
  /** RFC 3339 with up to nanoseconds, as written. */
  time: string;
  stream: 'stdout' | 'stderr';
  /** The container wrote a line feed after this piece; false: the line goes on in the next piece of its stream. */
  isWhole: boolean;
  text: Buffer;
}

/** Reads one line without its line feed; undefined when it is not in the format. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(32);
  const second = line.indexOf(32, first + 1);
  if (first < 0 || second < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const third = line.indexOf(32, second + 1);
  const tagEnd = third < 0 ? line.length : third;
  const tags = line.toString('latin1', second + 1, tagEnd).split(':');
  if (tags[0] !== 'F' && tags[0] !== 'P') return undefined;
  return {
    time: line.toString('latin1', 0, first),
    stream,
    isWhole: tags[0] === 'F',
    text: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  };
}
