/** Tables of kubectl lines and of what each prints. */
import assert from 'node:assert/strict';
import type { Server } from './fixture.ts';

/** What a line prints: all of it (a string, without the last line break), or something in it. */
type Expected = string | RegExp;

/** A line as one would type it after `kubectl`, and what it prints; `fails` when it is to fail, and then what it says on stderr. */
export type Line = readonly [line: string, expected: Expected, outcome?: 'fails'];

/** Runs the lines one after the other; the first that does otherwise fails the test. */
export function runLines(server: Server, lines: readonly Line[], namespace = 'default'): void {
  for (const [line, expected, outcome] of lines) {
    const { status, stdout, stderr } = server.tryKubectl(['-n', namespace, ...words(line)]);
    const all = `kubectl ${line}\nexit ${status}\n${stdout}${stderr}`;
    assert.equal(status !== 0, outcome === 'fails', all);
    const printed = outcome === 'fails' ? stderr : stdout;
    if (typeof expected === 'string') assert.equal(printed.trimEnd(), expected, all);
    else assert.ok(expected.test(printed), `${all}\nis not ${expected}`);
  }
}

/** Splits at spaces, but not within single quotes, as a shell does. */
export function words(line: string): string[] {
  const found = Array.from(line.matchAll(/(?:[^\s']+|'[^']*')+/g), ([word]) => word.replaceAll("'", ''));
  assert.equal(line.split("'").length % 2, 1, `an open quote in ${line}`);
  return found;
}
