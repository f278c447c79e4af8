import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CelCompileError, compileCel } from './index.ts';
import { run } from './testing-cel.ts';
import { boolType, dynType, intType, objectType, stringType } from './types.ts';

/** Expression and what it yields; a text that begins with `! ` is the message of a failure. */
type Table = readonly (readonly [expression: string, expected: unknown])[];

const language: Table = [
  ['1 + 2 * 3 - 4 / 2', 5],
  ['-7 / 2', -3],
  ['-7 % 3', -1],
  ['7.0 / 2.0', 3.5],
  ['1u + 2u', 3],
  ['9223372036854775807 + 1', '! integer overflow'],
  ['-9223372036854775808 - 1', '! integer overflow'],
  ['-(-9223372036854775808)', '! integer overflow'],
  ['18446744073709551615u + 1u', '! unsigned integer overflow'],
  ['1u - 2u', '! unsigned integer overflow'],
  ['1 / 0', '! division by zero'],
  ['1 % 0', '! modulus by zero'],
  ['1.0 / 0.0 > 1e300', true],
  ['0x1F == 31', true],
  ['1 < 1.5 && 2u > 1 && 1.0 <= 1u', true],
  ['dyn(1) == 1.0 && dyn(1u) == 1', true],
  ['dyn(9007199254740993) == 9007199254740992.0', false],
  ['"a" < "b" && b"a" < b"b" && false < true', true],
  ['"\\u00e9\\x41\\101\\n" == "éAA\\n"', true],
  ["r'\\n' == '\\\\n'", true],
  ['"""a\n"b\'"""', 'a\n"b\''],
  ["b'\\xff\\u0041'", '! 1:1: illegal escape sequence'],
  ["size(b'\\377é')", 3],
  ['size("👍é")', 2],
  ['"👍é".size() == "ab".size()', true],
  ['[1, 2] + [3] == [1, 2, 3]', true],
  ['[1, 2][1]', 2],
  ['[1, 2][2]', '! index out of bounds: 2'],
  ['{"a": 1}["a"] + {"a": 1}.a', 2],
  ['{"a": 1}["b"]', '! no such key: b'],
  ['{1: "x", 2: "y"}[2]', 'y'],
  ['2 in [1, 2] && "a" in {"a": 1} && !(3 in [1, 2])', true],
  ['true ? 1 : 2', 1],
  ['false || 1 / 0 == 1 || true', true],
  ['1 / 0 == 1 || false', '! division by zero'],
  ['1 / 0 == 1 && false', false],
  ['has({"a": 1}.a) && !has({"a": 1}.b)', true],
  ['[1, 2].all(x, x > 0) && ![1, 2].all(x, x > 1)', true],
  ['[1, 0].exists(x, 1 / x == 1)', true],
  ['[0, 1].all(x, 1 / x > 5)', false],
  ['[0, 1].all(x, 1 / x == 1)', '! division by zero'],
  ['[1, 2, 2].exists_one(x, x == 1) && ![1, 2, 2].existsOne(x, x == 2)', true],
  ['[1, 2, 3].map(x, x * 2)', [2, 4, 6]],
  ['[1, 2, 3].map(x, x > 1, x * 2)', [4, 6]],
  ['[1, 2, 3].filter(x, x > 1)', [2, 3]],
  ['{"a": 1, "b": 2}.map(k, k)', ['a', 'b']],
  ['[5, 6].all(i, v, i + 5 == v) && [5].exists(i, v, v == 5) && [5, 6].existsOne(i, v, i == 1)', true],
  ['[5, 6].transformList(i, v, i * v)', [0, 6]],
  ['[5, 6].transformList(i, v, v > 5, i * v)', [6]],
  ['{"a": 1}.transformMap(k, v, k + string(v))', { a: 'a1' }],
  ['{"a": 1, "b": 2}.transformMapEntry(k, v, {string(v): k})', { 1: 'a', 2: 'b' }],
  ['["x", "x"].transformMapEntry(i, v, {v: i})', '! insert failed: key x already exists'],
  ['[[1, 2], [3]].map(l, l.map(x, x + l.size()))', [[3, 4], [4]]],
  ['cel.bind(a, 2, cel.bind(b, a + 1, a * b))', 6],
  [
    'type(1) == int && type("") == string && type(null) == null_type && type([]) == list && type(type(1)) == type',
    true,
  ],
  ['int("42") + int(4.9) + int(3u)', 49],
  ['int("4x")', "! type conversion error from 'string' to 'int'"],
  ['int(1e19)', '! integer overflow'],
  ['uint(-1)', '! unsigned integer overflow'],
  [
    '[string(1), string(1.5), string(true), string(2u), string(b"x"), string(1e21)]',
    ['1', '1.5', 'true', '2', 'x', '1e+21'],
  ],
  ['string(b"\\xff")', '! invalid UTF-8 in bytes, cannot convert to string'],
  ['bool("True") && !bool("f")', true],
  ['double("1.5") + double(1) + double(2u)', 4.5],
  ['.1 + 1e1', 10.1],
];

const times: Table = [
  ['timestamp("2024-02-29T23:59:59.5Z").getFullYear()', 2024],
  ['timestamp("2024-02-29T00:00:00Z").getMonth()', 1],
  ['timestamp("2024-02-29T00:00:00Z").getDayOfYear()', 59],
  ['timestamp("2024-02-29T00:00:00Z").getDayOfMonth()', 28],
  ['timestamp("2024-02-29T00:00:00Z").getDate()', 29],
  ['timestamp("2024-02-29T00:00:00Z").getDayOfWeek()', 4],
  ['timestamp("2024-02-29T23:30:00Z").getHours("+01:00")', 0],
  ['timestamp("2024-02-29T23:30:00Z").getDate("Europe/Paris")', 1],
  ['timestamp("2024-07-01T10:30:15.25Z").getHours("America/New_York")', 6],
  ['timestamp("2024-07-01T10:30:15.25Z").getMinutes() + timestamp("2024-07-01T10:30:15.25Z").getSeconds()', 45],
  ['timestamp("2024-07-01T10:30:15.25Z").getMilliseconds()', 250],
  ['timestamp("2024-07-01T10:30:15Z").getHours("Nowhere/Land")', '! unknown time zone Nowhere/Land'],
  ['timestamp("2024-01-01T00:00:00Z") + duration("90m")', '2024-01-01T01:30:00Z'],
  ['timestamp("2024-01-01T00:00:00Z") - timestamp("2023-12-31T00:00:00Z")', '86400s'],
  ['timestamp("9999-12-31T23:59:59Z") + duration("1s")', '! timestamp overflow'],
  ['int(timestamp("1970-01-01T00:01:00Z"))', 60],
  ['string(timestamp(0))', '1970-01-01T00:00:00Z'],
  ['string(timestamp("1969-12-31T23:59:59.999Z"))', '1969-12-31T23:59:59.999Z'],
  ['duration("1h30m").getMinutes() + duration("1.5s").getMilliseconds()', 1590],
  ['[string(duration("1h")), string(duration("-1.5s"))]', ['3600s', '-1.5s']],
  ['timestamp("2024-02-30T00:00:00Z")', '! 1:11: invalid timestamp argument'],
  ['duration("1d")', '! 1:10: invalid duration argument'],
];

const optionalTable: Table = [
  ['{"a": {"b": 1}}.?a.?b.orValue(0) + {"a": {"b": 1}}.?x.?b.orValue(5)', 6],
  ['[1][?0].hasValue() && ![1][?5].hasValue()', true],
  ['optional.none().orValue(3)', 3],
  ['optional.of(1).or(optional.of(2)).value()', 1],
  ['optional.none().value()', '! optional.none() dereference'],
  ['optional.ofNonZeroValue("").hasValue()', false],
  ['optional.of(3).optMap(x, x + 1).value() + optional.of(3).optFlatMap(x, optional.of(x)).value()', 7],
  ['[?optional.of(1), ?optional.none(), 2]', [1, 2]],
  ['{?"a": optional.none(), "b": 1}', { b: 1 }],
  ['has({"a": {"b": 1}}.?a.b)', true],
  ['[1, 2].first().value() + [1, 2].last().value()', 3],
  ['[optional.of(1), optional.none()].unwrapOpt()', [1]],
];

const kubernetes: Table = [
  [
    '[1, 2, 3].sum() + [3, 1].min() + [3, 1].max() + ["a", "b", "a"].indexOf("b") + ["a", "b", "a"].lastIndexOf("a")',
    13,
  ],
  ['[1, 2, 2].isSorted() && !["b", "a"].isSorted()', true],
  ['[].sum() == 0 || true', true],
  ['[9223372036854775807, 1].sum()', '! integer overflow'],
  ['[1].filter(x, false).min()', '! min called on empty list'],
  ['"abc 123".find("[0-9]+") + "a1b2".findAll("[0-9]").join("-") + "a1b2".findAll("[0-9]", 1).join()', '1231-21'],
  ['"abc".matches("^a.c$") && !"abc".matches("^b")', true],
  ['"a".matches("(")', '! 1:13: invalid matches argument'],
  [
    '[url("https://u@x.io:80/a%20b?k=v&k=w#f")].map(u, [u.getScheme(), u.getHost(), u.getHostname(), u.getPort(), u.getEscapedPath()])',
    [['https', 'x.io:80', 'x.io', '80', '/a%20b']],
  ],
  ['url("/a?k=v&k=w&e").getQuery()', { k: ['v', 'w'], e: [''] }],
  ['isURL("https://[::1]:80/") && isURL("/a") && !isURL("../a") && !isURL("")', true],
  ['quantity("1.5Gi").isGreaterThan(quantity("1500M")) && quantity("200m").isLessThan(quantity("1"))', true],
  ['quantity("50k").add(quantity("20k")) == quantity("70k") && quantity("50k").sub(20000) == quantity("30k")', true],
  ['quantity("50k").asInteger() + quantity("1").compareTo(quantity("2")) + sign(quantity("-1"))', 49_998],
  ['quantity("1.5").isInteger() || !isQuantity("1Gii") && isQuantity("1e3")', true],
  ['quantity("1.5").asApproximateFloat()', 1.5],
  ['quantity("x")', "! quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  [
    '[ip("127.0.0.1").isLoopback(), ip("::").isUnspecified(), ip("169.254.0.1").isLinkLocalUnicast(), ip("ff02::1").isLinkLocalMulticast(), ip("8.8.8.8").isGlobalUnicast()]',
    [true, true, true, true, true],
  ],
  ['[string(ip("2001:DB8:0:0:0:0:0:1")), string(cidr("10.0.0.0/8"))]', ['2001:db8::1', '10.0.0.0/8']],
  ['ip("1.2.3.4").family() + ip("::1").family() + cidr("10.0.0.0/8").prefixLength()', 18],
  ['isIP("1.2.3") || isIP("01.2.3.4") || isIP("::ffff:1.2.3.4") || isIP("fe80::1%eth0")', false],
  ['ip.isCanonical("::1") && !ip.isCanonical("::0001")', true],
  ['ip("::ffff:1.2.3.4")', '! IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'],
  ['cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP(ip("11.1.2.3"))', true],
  ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !cidr("10.1.0.0/16").containsCIDR(cidr("10.0.0.0/8"))', true],
  ['string(cidr("10.1.2.3/8").masked()) + string(cidr("10.1.2.3/8").ip())', '10.0.0.0/810.1.2.3'],
  ['isCIDR("::/0") && !isCIDR("10.0.0.0/33")', true],
  ['format.dns1123Label().validate("a-b").hasValue() || format.named("nope").hasValue()', false],
  ['format.dns1123LabelPrefix().validate("a-").hasValue()', false],
  ['format.named("uuid").value().validate("x").value()', ['does not match the UUID format']],
  [
    '[format.date().validate("2021-13-01").hasValue(), format.byte().validate("aGk=").hasValue(), format.uri().validate("x").hasValue()]',
    [true, false, true],
  ],
  [
    'semver("1.2.3-rc.1").isLessThan(semver("1.2.3")) && semver("v1", true) == semver("1.0.0") && !isSemver("v1")',
    true,
  ],
  ['semver("1.2.3").major() + semver("1.2.3").minor() + semver("1.2.3").patch()', 6],
  ['semver("1.2")', '! No Major.Minor.Patch elements found'],
  ['sets.contains([1, 2], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])', true],
  [
    '[[1, 2], [3]].flatten() + [3, 1].sort() + [1, 1, 2].distinct() + lists.range(2) + [1, 2].reverse() + [1, 2, 3].slice(1, 2)',
    [1, 2, 3, 1, 3, 1, 2, 0, 1, 2, 1, 2],
  ],
  ['["bb", "a"].sortBy(x, x.size())', ['a', 'bb']],
  ['jsonpatch.escapeKey("a/b~c")', 'a~1b~0c'],
];

const texts: Table = [
  ['"tacocat".charAt(3) + "tacocat".charAt(7) + "ta©o©αT".charAt(3)', 'oo'],
  ['"tacocat".charAt(8)', '! index out of range: 8'],
  ['"tacocat".indexOf("c") + "tacocat".lastIndexOf("a") + "ta©o©αT".indexOf("©", 3) + "abc".indexOf("z")', 10],
  ['"a b".replace(" ", "_") + "aaa".replace("a", "b", 2) + "ab".replace("", "-")', 'a_bbba-a-b-'],
  ['"a,b,c".split(",") + "a,b,c".split(",", 2) + "ab".split("")', ['a', 'b', 'c', 'a', 'b,c', 'a', 'b']],
  ['"tacocat".substring(4) + "tacocat".substring(0, 4)', 'cattaco'],
  ['"x".substring(1, 0)', '! invalid substring range. start: 1, end: 0'],
  ['"  a\\t".trim() + "aBé".lowerAscii() + "aBé".upperAscii() + "abc".reverse()', 'aabéABécba'],
  ['strings.quote("a\\"\\n")', '"a\\"\\n"'],
  ['"%s %s".format(["a", "b"]) + "%d|%x|%X|%o|%b".format([10, 255, 255, 8, 5]) + "%%"', 'a b10|ff|FF|10|101%%'],
  ['"%.2f %f".format([1234.567, 1.0])', '1,234.57 1.000000'],
  ['"%e".format([1052.032911275])', '1.052033\u202f×\u202f10⁰³'],
  ['"%s".format([["a", "b"]]) + "%s".format([{"k": 1.5}])', '["a", "b"]{"k":1.500000}'],
  ['"%d".format(["a"])', '! error during formatting: decimal clause can only be used on integers, was given string'],
  ['"%s".format([])', '! index 0 out of range'],
  ['"%y".format([1])', '! could not parse formatting clause: unrecognized formatting clause "y"'],
  [
    '["a", "b"].join("-") + "x".contains("x") ? "" : ""',
    "! 1:22: found no matching overload for '_+_' applied to '(string, bool)'",
  ],
];

for (const [name, table] of Object.entries({ language, times, optionals: optionalTable, kubernetes, texts })) {
  describe(`expressions: ${name}`, () => {
    for (const [expression, expected] of table) {
      it(expression, () => assert.deepEqual(run(expression), expected));
    }
  });
}

describe('problems of an expression have upstream texts', () => {
  const types = { self: objectType('selfType', new Map([['a', { type: stringType, optional: false }]])), n: intType };
  const table: Table = [
    ['foo', "! 1:1: undeclared reference to 'foo' (in container '')"],
    ['self.x', "! 1:5: undefined field 'x'"],
    ['self.a + n', "! 1:8: found no matching overload for '_+_' applied to '(string, int)'"],
    ['self.a.startsWith(n)', "! 1:18: found no matching overload for 'startsWith' applied to 'string.(int)'"],
    ['self.a.nope()', "! 1:12: undeclared reference to 'nope' (in container '')"],
    ['n.a', "! 1:2: type 'int' does not support field selection"],
    [
      'n.all(x, true)',
      "! 1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
    ],
    ['n == 1 && n', "! 1:11: expected type 'bool' but found 'int'"],
    ['[1, "a"]', "! 1:5: expected type 'int' but found 'string'"],
    ['1 == 1.0', "! 1:3: found no matching overload for '_==_' applied to '(int, double)'"],
    ['has(n)', '! 1:5: invalid argument to has() macro'],
    ['[1].map(1, 2)', '! 1:9: argument is not an identifier'],
    ['[1].all(i, i, true)', '! 1:12: duplicate variable name: i'],
    ['namespace', '! 1:1: reserved identifier: namespace'],
    [
      'n +',
      "! 1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
    ],
    ['n n', "! 1:3: Syntax error: extraneous input 'n' expecting <EOF>"],
    ['n # 1', "! 1:3: Syntax error: token recognition error at: '#'"],
    ['99999999999999999999', '! 1:1: invalid int literal'],
    ['Nope{a: 1}', "! 1:5: undeclared reference to 'Nope' (in container '')"],
    [`${'('.repeat(300)}1${')'.repeat(300)}`, '! -1:0: expression recursion limit exceeded: 250'],
    [`n${' + n'.repeat(300)}`, '! -1:0: max recursion depth exceeded'],
    [`"${'a'.repeat(100_001)}"`, '! -1:0: expression code point size exceeds limit: size: 100003, limit 100000'],
  ];
  for (const [expression, expected] of table) {
    it(expression.slice(0, 40), () => assert.equal(run(expression, types), expected));
  }

  it('the whole text shows the place', () => {
    assert.throws(() => compileCel('self.é == foo', { variables: { self: dynType } }), CelCompileError);
    assert.throws(() => compileCel('"é" == foo', { variables: {} }), {
      message: "ERROR: <input>:1:8: undeclared reference to 'foo' (in container '')\n | \"é\" == foo\n | .．.....^",
    });
  });

  it('the result type is checked', () => {
    const compile = (): unknown => compileCel('1', { variables: {}, result: boolType });
    assert.throws(compile, { message: 'must evaluate to bool', stage: 'result' });
  });

  it('a long chain of && stays shallow', () => {
    assert.equal(run(Array(2000).fill('true').join(' && ')), true);
  });
});
