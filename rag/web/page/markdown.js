// The blocks of Markdown: headings, lists, tables, code, quotations and paragraphs.
//
// What is not plainly one of these stays as it is written: HTML, for example. A passage may begin
// in the middle of a block, so headings are read in whole documents alone. The first line of a passage
// is one if it says what the passage's heading says, as the question of an FAQ does.

import { inlineTrees } from "./inline.js";
import { listTrees, startsItem } from "./lists.js";
import { headingTree, linesOf, tableTree } from "./trees.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(?=\S)/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const UNDERLINE = /^ {0,3}(=+|-{3,})[ \t]*$/;
const DIVIDER = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$/;
const FRONT = /^(---|\+\+\+)\n[^]*?\n\1(?=\n|$)/;
const MAX_DEPTH = 8;
// How many characters may be searched for the ends of links and emphasis, so that a text of signs
// alone takes no longer than others: what comes after so much stays as it is written.
const LEAST_WORK = 200_000;
const WORK_A_CHARACTER = 20;

export function markdownTree(source) {
  const { text } = source;
  const front = source.sections && FRONT.exec(text)?.[0].length;
  const left = Math.max(LEAST_WORK, WORK_A_CHARACTER * text.length);
  const reader = {
    text, isWhole: source.sections !== null, opening: openingOf(source), links: linkTargets(text), left,
  };
  const trees = blocks(reader, linesOf(text, front ? front + 1 : 0, text.length), 0);
  return front ? [frontMatter(front), ...trees] : trees;
}

const frontMatter = (end) => ({
  tag: "pre", attributes: { class: "front" }, children: [{ from: 0, to: end }],
});

const lettersOf = (text) => text.replace(/[^\p{L}\p{N}]+/gu, " ").trim();

function openingOf({ text, heading }) {
  const [first] = text.split("\n", 1);
  return heading && lettersOf(first) === lettersOf(heading) ? first : null;
}

// The targets of `[name]: target`, by name.
function linkTargets(text) {
  const found = text.matchAll(/^ {0,3}\[([^\]\n]{1,200})\]:[ \t]*<?([^\s>]+)/gm);
  return new Map([...found].map(([, name, target]) => [name.toLowerCase(), target]));
}

function blocks(reader, lines, depth) {
  const words = lines.map(({ from, to }) => reader.text.slice(from, to));
  const inner = (own) => (depth < MAX_DEPTH ? blocks(reader, own, depth + 1) : [pre(own)]);
  const inline = ({ from, to }) => inlineTrees(reader, from, to);
  const trees = [];
  for (let i = 0; i < lines.length;) {
    const end = blockEnd(reader, words, i);
    const own = lines.slice(i, end);
    const word = words[i];
    if (FENCE.test(word)) trees.push(fenced(words, lines, i, end));
    else if (isHeading(reader, word)) trees.push(atx(reader, word, lines[i]));
    else if (RULE.test(word)) trees.push({ tag: "hr", children: [] });
    else if (QUOTE.test(word)) trees.push({ tag: "blockquote", children: inner(unquoted(words, own, i)) });
    else if (startsItem(word)) listTrees(reader.text, own, inner).forEach((list) => trees.push(list));
    else if (isTable(words, i)) trees.push(table(reader, words.slice(i, end), own));
    else if (isCode(word)) trees.push(pre(own));
    else if (word.trim()) trees.push(...paragraph(reader, words, own, i, inline));
    i = end;
  }
  return trees;
}

const isHeading = (reader, word) =>
  (reader.isWhole || word === reader.opening) && HEADING.test(word);
const isCode = (word) => /^(?: {4}|\t)/.test(word) && word.trim() !== "";
const isDivider = (word) => DIVIDER.test(word.trim());
const isTable = (words, i) => {
  const word = words[i].trim();
  return (word.length > 1 && word.startsWith("|") && word.endsWith("|"))
    || (word.includes("|") && isDivider(words[i + 1] ?? ""));
};
const interrupts = (reader, words, i) =>
  FENCE.test(words[i]) || isHeading(reader, words[i]) || RULE.test(words[i])
  || QUOTE.test(words[i]) || /^ {0,3}(?:[-*+]|1[.)]) /.test(words[i]) || isTable(words, i);

// Behind the last line of the block that begins there.
function blockEnd(reader, words, i) {
  const word = words[i];
  const fence = FENCE.exec(word);
  if (fence) return fenceEnd(words, i, fence[1]);
  if (!word.trim() || isHeading(reader, word) || RULE.test(word)) return i + 1;
  if (QUOTE.test(word)) return goesOn(words, i, (line) => QUOTE.test(line) || line.trim() !== "");
  if (startsItem(word)) return listEnd(reader, words, i);
  if (isTable(words, i)) return goesOn(words, i, (line) => line.includes("|"));
  if (isCode(word)) return goesOn(words, i, isCode);
  let end = i + 1;
  while (end < words.length && words[end].trim() && !UNDERLINE.test(words[end])
    && !interrupts(reader, words, end)) end += 1;
  return end < words.length && UNDERLINE.test(words[end]) ? end + 1 : end;
}

function goesOn(words, i, belongs) {
  let end = i + 1;
  while (end < words.length && belongs(words[end])) end += 1;
  return end;
}

function fenceEnd(words, i, fence) {
  const closing = new RegExp(`^ {0,3}\\${fence[0]}{${fence.length},}\\s*$`);
  const end = goesOn(words, i, (line) => !closing.test(line));
  return Math.min(end + 1, words.length);
}

function listEnd(reader, words, i) {
  let end = i + 1;
  for (let at = i + 1; at < words.length; at += 1) {
    const belongs = startsItem(words[at]) ? !RULE.test(words[at]) : /^(?: {2}|\t)/.test(words[at]);
    if (words[at].trim() === "") continue;
    const isLazy = at === end && !interrupts(reader, words, at);
    if (!belongs && !isLazy) break;
    end = at + 1;
  }
  return end;
}

const pre = (own) =>
  ({ tag: "pre", children: [{ from: own[0].from, to: own.at(-1).to }] });

function fenced(words, lines, i, end) {
  const isClosed = end > i + 1 && FENCE.test(words[end - 1]);
  const own = lines.slice(i + 1, isClosed ? end - 1 : end);
  // Lines of a fence in an item are indented, so each is a leaf.
  const children = own.flatMap(({ from, to }, at) => [{ from, to: at < own.length - 1 ? to + 1 : to }]);
  return { tag: "pre", children };
}

function atx(reader, word, { from }) {
  const [sign, hashes] = HEADING.exec(word);
  const said = word.slice(sign.length).trimEnd();
  const bare = said.replace(/(?:^|(?<=\s))#+$/, "").trimEnd() || said;
  const start = from + sign.length;
  return headingTree(hashes.length, inlineTrees(reader, start, start + bare.length));
}

function unquoted(words, own, i) {
  return own.map(({ from, to }, at) =>
    ({ from: from + (QUOTE.exec(words[i + at])?.[0].length ?? 0), to }));
}

function paragraph(reader, words, own, i, inline) {
  const underline = own.length > 1 && UNDERLINE.exec(words[i + own.length - 1]);
  const said = underline ? own.slice(0, -1) : own;
  const children = said.flatMap((line, at) => (at === 0 ? [line] : [{ from: line.from - 1, to: line.to }]));
  const whole = { from: said[0].from, to: said.at(-1).to };
  const isJoined = said.every((line, at) => at === 0 || line.from === said[at - 1].to + 1);
  // Lines of an item or a quotation have a margin between them: each is read by itself.
  const trees = isJoined ? inline(whole) : said.flatMap((line, at) =>
    [...(at === 0 ? [] : [{ from: line.from - 1, to: line.from }]), ...inline(line)]);
  if (underline && reader.isWhole) return [headingTree(underline[1][0] === "=" ? 1 : 2, trees)];
  return [{ tag: "p", children: trees.length > 0 ? trees : children }];
}

function table(reader, words, own) {
  const rows = own.map((line, i) => (isDivider(words[i]) ? null : cells(reader, words[i], line)));
  const hasHeader = own.length > 1 && rows[1] === null;
  const body = rows.slice(hasHeader ? 1 : 0).filter((row) => row !== null);
  return tableTree(hasHeader ? rows[0] : null, body);
}

function cells(reader, word, { from }) {
  const found = [];
  const start = /^\s*\|?/.exec(word)[0].length;
  const last = word.trimEnd();
  const end = last.endsWith("|") ? last.length - 1 : last.length;
  let at = start;
  for (const bar of [...word.slice(start, end).matchAll(/(?<!\\)\|/g)].map((m) => m.index + start)) {
    found.push([at, bar]);
    at = bar + 1;
  }
  found.push([at, Math.max(at, end)]);
  return found.map(([a, b]) => {
    const cell = word.slice(a, b);
    const first = a + cell.length - cell.trimStart().length;
    return inlineTrees(reader, from + first, from + first + cell.trim().length);
  });
}
