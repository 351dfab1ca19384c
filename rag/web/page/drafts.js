// The canonical text of formats whose files are no text (PDF, Office, web pages, sheets, e-books,
// reST): blank lines between blocks, a line for each row of a table with its cells parted by " | ",
// list items with their markers, code with its indentation. Only what is certain becomes more than
// a paragraph.

import { listTrees, startsItem } from "./lists.js";
import { headingLines, headingTree, linesOf, tableTree } from "./trees.js";

const CELL = " | ";
const LONGEST_HEADER = 80;

export function draftTree(source) {
  const { text } = source;
  const heads = new Map(headingLines(source).map((head) => [head.from, head]));
  const labels = labelLevels(source);
  return [...blocks(text)].flatMap(([from, to]) => {
    const head = heads.get(from);
    const level = head?.level ?? labels.get(text.slice(from, to));
    if (level === undefined) return block(text, linesOf(text, from, to));
    const end = Math.min(head?.to ?? to, to);
    const below = end + 1 < to ? block(text, linesOf(text, end + 1, to)) : [];
    return [headingTree(level, [{ from, to: end }]), ...below];
  });
}

// Headings without text of their own begin no section; the paths of those below name them.
function labelLevels(source) {
  const levels = new Map();
  for (const { heading_path: path } of source.sections ?? []) {
    path.slice(0, -1).forEach((label, i) => levels.set(label, i + 1));
  }
  return levels;
}

// Lines that are not blank, up to the next that is.
function* blocks(text) {
  let block = null;
  for (const { from, to } of linesOf(text, 0, text.length)) {
    const end = from + text.slice(from, to).trimEnd().length;
    if (end > from) block = [block?.[0] ?? from, end];
    else if (block !== null) {
      yield block;
      block = null;
    }
  }
  if (block !== null) yield block;
}

function block(text, lines) {
  const words = lines.map(({ from, to }) => text.slice(from, to));
  if (startsItem(words[0])) return listTrees(text, lines, (own) => itemTrees(text, own));
  const rows = words.filter((line) => line.includes(CELL)).length;
  if (lines.length > 1 && rows * 2 >= lines.length) return [table(text, lines)];
  // Paragraphs have no blanks at the start of a line, or in a row: only code does.
  if (words.some((line) => /^ | {2}/.test(line))) {
    return [{ tag: "pre", children: [{ from: lines[0].from, to: lines.at(-1).to }] }];
  }
  return [paragraph(lines)];
}

function itemTrees(text, own) {
  const at = own.findIndex(({ from, to }, i) => i > 0 && startsItem(text.slice(from, to)));
  const [said, below] = at < 0 ? [own, []] : [own.slice(0, at), own.slice(at)];
  const inner = below.length > 0 ? listTrees(text, below, (lines) => itemTrees(text, lines)) : [];
  return [paragraph(said), ...inner];
}

function paragraph(lines) {
  const children = lines.flatMap((line, i) => (i === 0 ? [line] : [{ tag: "br", children: [] }, line]));
  return { tag: "p", children };
}

function table(text, lines) {
  const rows = lines.map((line) => cells(text, line));
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const first = rows[0].map(({ from, to }) => text.slice(from, to));
  const hasHeader = first.length === width && width > 1 && new Set(first).size === width
    && first.every((cell) => cell.length <= LONGEST_HEADER && /\p{L}/u.test(cell));
  const trees = rows.map((row) => row.map((cell) => [cell]));
  return hasHeader ? tableTree(trees[0], trees.slice(1)) : tableTree(null, trees);
}

function cells(text, { from, to }) {
  const found = [];
  for (let at = from; at <= to;) {
    const bar = text.indexOf(CELL, at);
    const end = bar < 0 || bar >= to ? to : bar;
    found.push({ from: at, to: end });
    at = end + CELL.length;
  }
  return found;
}
