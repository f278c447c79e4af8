import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHtmlRewriter, rewriteLink } from './rewrite-links.ts';

const rewrite = { hosts: ['api:6443', '10.0.0.1:80'], prefix: '/api/v1/namespaces/a/pods/b/proxy' };

test('absolute paths and links to the same host lead through the proxy, others stay', () => {
  const cases: [link: string, wanted: string][] = [
    ['/x?y=1#z', `${rewrite.prefix}/x?y=1#z`],
    ['/', `${rewrite.prefix}/`],
    ['http://api:6443/x', `${rewrite.prefix}/x`],
    ['//api:6443/x', `${rewrite.prefix}/x`],
    ['http://10.0.0.1:80/x/', `${rewrite.prefix}/x/`],
    ['http://10.0.0.1:81/x/', 'http://10.0.0.1:81/x/'],
    ['https://elsewhere.example/x', 'https://elsewhere.example/x'],
    ['x/y', 'x/y'],
    ['../x', '../x'],
    ['#top', '#top'],
    ['?q', '?q'],
    ['mailto:a@b', 'mailto:a@b'],
    ['', ''],
    [`${rewrite.prefix}/done`, `${rewrite.prefix}/done`],
  ];
  for (const [link, wanted] of cases) assert.equal(rewriteLink(link, rewrite), wanted, link);
});

const page =
  '<!doctype html><!-- <a href="/comment"> --><A class=x HREF="/one">1 < 2</A><img alt="a>b" src=\'/two.png\'><a href=/three>3</a>' +
  '<script src="/four.js">if (a<b) document.write("<a href=\'/five\'>")</script><form data-action="/six" action="/seven"></form><p href="/eight">\xfc';
const p = rewrite.prefix;
const wanted =
  `<!doctype html><!-- <a href="/comment"> --><A class=x HREF="${p}/one">1 < 2</A><img alt="a>b" src='${p}/two.png'><a href=${p}/three>3</a>` +
  `<script src="${p}/four.js">if (a<b) document.write("<a href='/five'>")</script><form data-action="/six" action="${p}/seven"></form><p href="/eight">\xfc`;

test('links of a page are rewritten where they are links, however the page is cut', () => {
  for (const size of [1, 2, 3, 7, 16, 1000]) {
    const rewriter = createHtmlRewriter(rewrite);
    let out = '';
    for (let at = 0; at < page.length; at += size) out += rewriter.push(page.slice(at, at + size));
    assert.equal(out + rewriter.end(), wanted, `pieces of ${size}`);
  }
});

test('a tag without end does not hold the page back for ever', () => {
  const rewriter = createHtmlRewriter(rewrite);
  const long = `<a title="${'x'.repeat(100_000)}`;
  assert.equal(rewriter.push(long) + rewriter.push('<a href="/x">') + rewriter.end(), `${long}<a href="${p}/x">`);
});
