import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeScheduleProblem } from './cron-schedule.ts';

test('schedules that cron knows', () => {
  const fine = [
    '* * * * *',
    '*/5 0-23/2 1,15 jan-MAR sun',
    '5/15 ? ? * 0-6',
    '@hourly',
    '@every 1h30m',
    '@every 1.5s',
    'TZ=Europe/Berlin 0 0 * * *',
    '0 0 , * *',
  ];
  for (const schedule of fine) assert.equal(describeScheduleProblem(schedule), undefined, schedule);
});

test('what is wrong with others is said in the words of upstream', () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['61 * * * *', 'end of range (61) above maximum (59): 61'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* 5-3 * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['-1 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
    ['* * L * *', 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['@often', 'unrecognized descriptor: @often'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
    ['TZ=Mars/Olympus * * * * *', 'provided bad location Mars/Olympus: unknown time zone Mars/Olympus'],
  ];
  for (const [schedule, problem] of wrong) assert.equal(describeScheduleProblem(schedule), problem);
});
