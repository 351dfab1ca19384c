// A text and its tree become nodes, each of which knows which characters it shows.
//
// Whatever comes from a document becomes a text node or one of the elements below, never markup.
// A tree has elements {tag, attributes, children} and leaves {from, to}, which show that part of
// the text. The service counts Unicode code points, JavaScript strings count UTF-16 units: a Text
// translates, `from` and `to` are always units.

import { element } from "./dom.js";
import { draftTree } from "./drafts.js";
import { markdownTree } from "./markdown.js";
import { headingLines } from "./trees.js";

// What is shown as it is; any other text is made of blocks, as `draftTree` says.
const PLAIN = /^text\/plain\b|json/;
const MAX_PARSED = 1_000_000;
// Elements that are kept though they show no character.
const HOLLOW = new Set(["br", "hr", "td", "th"]);

export class Text {
  // `start` is the place of the text in its document, in code points; `heading` that of a passage.
  constructor(mediaType, text, start = 0, sections = null, heading = null) {
    this.text = text;
    this.start = start;
    this.sections = sections;
    this.heading = heading;
    this.format = mediaType === "text/markdown" ? "markdown" : PLAIN.test(mediaType) ? "plain" : "draft";
    // For each character of two units, the code points before it.
    this.pairs = [];
    for (const match of text.matchAll(/[\u{10000}-\u{10FFFF}]/gu)) {
      this.pairs.push(match.index - this.pairs.length);
    }
  }

  unit(point) {
    const at = point - this.start;
    return Math.max(0, Math.min(this.text.length, at + this.#pairsBefore((i) => this.pairs[i] < at)));
  }

  point(unit) {
    return this.start + unit - this.#pairsBefore((i) => this.pairs[i] + i < unit);
  }

  // How many pairs come before a place: the first that does not, by halving.
  #pairsBefore(isBefore) {
    let [low, high] = [0, this.pairs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // A span of the service in units.
  span({ start, end }, kind) {
    return { from: this.unit(start), to: this.unit(end), kind };
  }
}

const shown = new WeakMap();

// The nodes of a text, with `spans` marked. `clip` restricts them to a part of it; the header of
// a table stays with its rows. `raw` shows the characters as they are.
export function render(source, { spans = [], clip = null, raw = false } = {}) {
  const range = clip ?? { from: 0, to: source.text.length };
  const nodes = treeOf(source, raw).flatMap((node) => build(source, node, spans, range));
  return clip ? nodes.filter((node) => node.textContent) : nodes;
}

function treeOf(source, raw) {
  if (raw || source.text.length > MAX_PARSED) return [rawBlock(source)];
  if (source.format === "markdown") return withoutGaps(markdownTree(source));
  if (source.format === "draft") return withoutGaps(draftTree(source));
  return [rawBlock(source, "plain")];
}

// Headings whose levels go down by one at a time below the page's h2, as readers by ear expect;
// their looks keep the level of the document.
function withoutGaps(trees) {
  let level = 2;
  return trees.map((node) => {
    if (!/^h\d$/.test(node.tag)) return node;
    level = Math.min(Number(node.tag[1]), level + 1);
    return { ...node, tag: `h${level}` };
  });
}

function rawBlock(source, name = "raw") {
  const heads = name === "plain" ? headingLines(source) : [];
  const children = [];
  let done = 0;
  for (const { from, to } of heads) {
    if (from < done) continue;
    children.push({ from: done, to: from }, { tag: "strong", children: [{ from, to }] });
    done = to;
  }
  children.push({ from: done, to: source.text.length });
  return { tag: "div", attributes: { class: name }, children };
}

function build(source, node, spans, clip) {
  if (node.tag === undefined) return pieces(source, node, spans, clip);
  const kept = node.children.flatMap((child) => build(source, child, spans, clip));
  if (!HOLLOW.has(node.tag) && !kept.some((child) => child.textContent)) return [];
  if (node.tag === "table") return [scrolled(source, node, spans, clip, kept)];
  return [element(node.tag, node.attributes, kept)];
}

// A table is as wide as it needs to be, in a frame that scrolls.
function scrolled(source, node, spans, clip, kept) {
  const head = node.children[0];
  const all = { from: 0, to: source.text.length };
  if (head.tag === "thead" && kept[0].nodeName !== "THEAD") {
    kept = [...build(source, head, spans, all), ...kept];
  }
  const frame = { class: "table", tabindex: "0", role: "group", "aria-label": "Table" };
  return element("div", frame, element("table", {}, kept));
}

function pieces(source, leaf, spans, clip) {
  const from = Math.max(leaf.from, clip.from);
  const to = Math.min(leaf.to, clip.to);
  if (from >= to) return [];
  const cuts = new Set([from, to]);
  for (const span of spans) {
    for (const at of [span.from, span.to]) if (from < at && at < to) cuts.add(at);
  }
  const places = [...cuts].sort((a, b) => a - b);
  return places.slice(1).map((end, i) => {
    const start = places[i];
    const node = document.createTextNode(source.text.slice(start, end));
    shown.set(node, { source, from: start });
    return spans.filter((span) => span.from <= start && end <= span.to)
      .reduce((inner, span) => element("mark", { class: span.kind }, inner), node);
  });
}

// ---- from nodes back to offsets

function* textNodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (shown.has(walker.currentNode)) yield walker.currentNode;
}

// Where a node of `render` stands: its text, and the code points of its first and last character.
export function placeOf(node) {
  const place = shown.get(node);
  if (place === undefined) return null;
  const { source, from } = place;
  return { source, start: source.point(from), end: source.point(from + node.length) };
}

// The first node that shows a character at or behind that place.
export function nodeAt(root, point) {
  for (const node of textNodes(root)) if (placeOf(node).end > point) return node;
  return null;
}

// What is selected below `root`: the code points of its first and last character; null for none.
export function selectedSpan(root) {
  const selection = getSelection();
  if (selection.isCollapsed || !root.contains(selection.anchorNode)) return null;
  const range = selection.getRangeAt(0);
  const nodes = [...textNodes(root)].filter((node) => range.intersectsNode(node));
  if (nodes.length === 0) return null;
  const [first, last] = [nodes[0], nodes.at(-1)];
  const { source, from } = shown.get(first);
  const end = shown.get(last).from
    + (range.endContainer === last ? range.endOffset : last.length);
  const start = from + (range.startContainer === first ? range.startOffset : 0);
  return start < end ? { start: source.point(start), end: source.point(end) } : null;
}
