/** CEL rules of custom resources at the top of what they may cost. */
import type { StallCase } from './stall-cases.ts';
import {
  custom,
  customPath,
  definition,
  definitions,
  integers,
  numbers,
  post,
  text,
  texts,
  times,
} from './stall-cases.ts';

/** A rule's case: a kind with these properties of spec and these rules on it, and an object of it. */
function ruleCase(
  name: string,
  plural: string,
  from: { properties: object; rules: readonly string[]; spec: object; status?: number | readonly number[] },
): StallCase {
  const { properties, rules, spec, status = [201, 422] } = from;
  const validations = rules.map(rule => ({ rule }));
  const schema = { type: 'object', properties, 'x-kubernetes-validations': validations };
  return {
    name,
    before: [post(definitions, definition(plural, schema))],
    ready: customPath(plural),
    call: custom(plural, spec),
    status,
  };
}

export const ruleCases: readonly StallCase[] = [
  ruleCase('nested all over 380 integers, twelve rules', 'celnested', {
    properties: { list: integers(400) },
    rules: times(12, index => `self.list.all(x, self.list.all(y, x != y || x >= ${-index}))`),
    spec: { list: numbers(380) },
  }),
  ruleCase('nested exists over 380 texts, twelve rules', 'celexists', {
    properties: { list: texts(400, 20) },
    rules: times(12, index => `self.list.all(x, self.list.exists(y, y == x + "${index}") || true)`),
    spec: { list: numbers(380).map(String) },
  }),
  ruleCase('map, filter and sort over lists in lists', 'celsort', {
    properties: { list: integers(300) },
    rules: times(12, index => `self.list.map(x, self.list.filter(y, y < x + ${index}).size()).sum() >= 0`),
    spec: { list: numbers(290) },
  }),
  ruleCase('sort and distinct of 600 texts', 'celdistinct', {
    properties: { list: texts(620, 10) },
    rules: times(12, index => (index % 2 ? 'self.list.sort().size() > 0' : 'self.list.distinct().size() > 0')),
    spec: { list: numbers(600).map(String).reverse() },
  }),
  ruleCase('sets of 900 texts', 'celsets', {
    properties: { list: texts(900, 10) },
    rules: times(12, () => 'sets.equivalent(self.list, self.list.map(x, x))'),
    spec: { list: numbers(690).map(String).reverse() },
  }),
  ruleCase('sets of 600 objects', 'celsetsofobjects', {
    properties: {
      list: { type: 'array', maxItems: 600, items: { type: 'object', properties: { a: integers(20), b: text(20) } } },
    },
    rules: times(12, () => 'sets.contains(self.list, self.list)'),
    spec: { list: times(600, index => ({ a: numbers(20), b: String(index) })) },
  }),
  ruleCase('a pattern with counted repetitions on 64 KB', 'celpattern', {
    properties: { text: text(65536) },
    rules: times(12, index => `self.text.matches("(x+x+)+y{1,${900 + index}}$") || true`),
    spec: { text: 'x'.repeat(65536) },
  }),
  ruleCase('a pattern of a thousand states on 64 KB', 'celstates', {
    properties: { text: text(65536) },
    rules: times(12, index => `self.text.matches("^(([ab]{0,30}){0,30}c){0,1}${'d'.repeat(index)}$") || true`),
    spec: { text: 'ab'.repeat(32768) },
  }),
  ruleCase('a pattern on each of 5,000 texts', 'celpatterns', {
    properties: { list: texts(5000, 50) },
    rules: times(12, index => `self.list.all(x, x.matches("^([a-z0-9]+[.]?)+${index}?[a-z]*$"))`),
    spec: { list: times(5000, index => `abc.def.ghi.jkl.${index}a`) },
  }),
  ruleCase('findAll of everything in 64 KB', 'celfind', {
    properties: { text: text(65536) },
    rules: times(12, () => `self.text.findAll("a|b|(c+d+)*e").size() > 0`),
    spec: { text: 'abcd'.repeat(16384) },
  }),
  ruleCase('findAll that looks to the end again and again', 'celfindend', {
    properties: { text: text(65536) },
    rules: times(12, () => `self.text.findAll("(a.*b)|a").size() > 0`),
    spec: { text: 'a'.repeat(2500) },
    // A starved machine needs longer than a job may take.
    status: [201, 504],
  }),
  ruleCase('numbers of 60,000 digits', 'celdigits', {
    properties: { text: text(65536) },
    rules: times(
      12,
      () => `[1,2,3,4,5].all(x, quantity(self.text).add(quantity(self.text)).isGreaterThan(quantity("1")))`,
    ),
    spec: { text: '9'.repeat(60000) },
  }),
  ruleCase('deep equality in a loop', 'celdeep', {
    properties: {
      list: {
        type: 'array',
        maxItems: 300,
        items: { type: 'object', properties: { a: { type: 'array', maxItems: 100, items: integers(100) } } },
      },
    },
    rules: times(12, index => `self.list.all(x, self.list.exists(y, x == y && ${index} >= 0))`),
    spec: { list: times(100, () => ({ a: times(10, () => numbers(100)) })) },
  }),
  ruleCase('a text that doubles again and again', 'celgrow', {
    properties: { text: text(20000) },
    rules: times(12, index => `[1,2,3,4,5,6,7,8].all(x, (self.text + self.text + self.text + "${index}").size() > 0)`),
    spec: { text: 'ä'.repeat(20000) },
  }),
  ruleCase('replace that makes a text long', 'celreplace', {
    properties: { text: text(1000), by: text(1000) },
    rules: times(12, () => `self.text.replace("a", self.by).size() > 0`),
    spec: { text: 'a'.repeat(1000), by: 'b'.repeat(1000) },
  }),
  ruleCase('split into 60,000 parts', 'celsplit', {
    properties: { text: text(60000) },
    rules: times(12, () => `self.text.split("").size() > 0`),
    spec: { text: 'a,'.repeat(30000) },
  }),
  ruleCase('quantities of 5,000 texts', 'celquantity', {
    properties: { list: texts(5000, 20) },
    rules: times(
      12,
      index =>
        `self.list.all(x, isQuantity(x) && quantity(x).add(quantity("${index}Mi")).isGreaterThan(quantity("1n")))`,
    ),
    spec: { list: times(5000, index => `${index}.123Mi`) },
  }),
  ruleCase('urls, addresses and versions of 3,000 texts', 'celurls', {
    properties: { list: texts(3000, 60) },
    rules: times(12, () => `self.list.all(x, isURL(x) || isIP(x) || isCIDR(x) || isSemver(x))`),
    spec: { list: times(3000, index => `https://user@example.com:80/${index}?a=b&c=d`) },
  }),
  ruleCase('format of 3,000 numbers', 'celformat', {
    properties: { list: integers(3000) },
    rules: times(
      12,
      () =>
        `self.list.all(x, "%d %x %b %s %.3e".format([dyn(x), dyn(x), dyn(x), dyn([x, x, x]), dyn(double(x))]).size() > 0)`,
    ),
    spec: { list: numbers(3000) },
  }),
  ruleCase('times of 5,000 texts', 'celtimes', {
    properties: {
      list: { type: 'array', maxItems: 5000, items: { type: 'string', format: 'date-time', maxLength: 40 } },
    },
    rules: times(12, () => `self.list.all(x, x.getFullYear("Europe/Berlin") > 1 && x.getHours() >= 0)`),
    spec: { list: times(5000, index => `2026-01-01T00:${String(index % 60).padStart(2, '0')}:00Z`) },
  }),
  {
    name: 'rules on each of 20,000 items',
    before: [
      post(
        definitions,
        definition('celitems', {
          type: 'object',
          properties: {
            list: {
              type: 'array',
              maxItems: 20000,
              items: {
                type: 'object',
                properties: { a: { type: 'integer' }, b: text(10) },
                'x-kubernetes-validations': times(20, index => ({
                  rule: `self.a >= ${-index} && self.b != "${index}"`,
                })),
              },
            },
          },
        }),
      ),
    ],
    ready: customPath('celitems'),
    call: custom('celitems', { list: times(20000, index => ({ a: index, b: 'b' })) }),
    status: [201, 422],
  },
];
