/** A reporter of `node --test`: one line for each file whose tests all passed. */
import type { TestEvent } from 'node:test/reporters';

export default async function* passedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file && data.success) yield `${data.file}\n`;
  }
}
