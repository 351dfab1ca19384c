// What Markdown writes inside a line: code, emphasis, links and pictures.

const TOKEN = new RegExp([
  /\\[!-/:-@[-`{-~]/, // an escaped sign
  /(?<code>`+)/,
  /(?<mark>\*{1,3}|_{1,3}|~~)/,
  /(?<open>!?\[)/,
  /<(?<auto>(?:https?:\/\/|mailto:)[^\s<>]+)>/,
  /(?<url>https?:\/\/[^\s<>"'`|\])*]+)/,
  /(?<end>(?<! ) {2,}\n|\\\n|<br ?\/?>)/,
].map((part) => part.source).join("|"), "gi");
const SAFE = /^(?:https?:\/\/|mailto:)/i;
const RELATIVE = /^[^:]*(?:[/?#]|$)/;
const MAX_SPAN = 2000;
const MAX_DEPTH = 6;
const NAMES = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "s" };

export function inlineTrees(reader, from, to, depth = 0) {
  const part = reader.text.slice(from, to);
  const token = new RegExp(TOKEN);
  const trees = [];
  let done = from;
  for (let match; depth < MAX_DEPTH && (match = token.exec(part));) {
    const at = from + match.index;
    const found = read(reader, match, at, to, depth);
    if (found === null) continue;
    if (found.end > to) break;
    trees.push({ from: done, to: at }, ...found.trees);
    done = found.end;
    token.lastIndex = done - from;
  }
  return [...trees, { from: done, to }].filter((tree) => tree.tag || tree.from < tree.to);
}

// What a token begins: its trees, and where it ends; null if it is only a sign.
function read(reader, { groups, 0: sign }, at, to, depth) {
  const end = at + sign.length;
  const inside = (from, until) => inlineTrees(reader, from, until, depth + 1);
  if (groups.code) return code(reader, at, end, to);
  if (groups.mark) return emphasis(reader, sign, at, to, inside);
  if (groups.open) return link(reader, at, end, to, inside);
  if (groups.auto) return { trees: [anchor(groups.auto, [{ from: at + 1, to: end - 1 }])], end };
  if (groups.end) return { trees: [{ tag: "br", children: [] }], end };
  if (groups.url) {
    const stop = end - /[.,;:!?]*$/.exec(sign)[0].length;
    return { trees: [anchor(reader.text.slice(at, stop), [{ from: at, to: stop }])], end: stop };
  }
  return { trees: [{ from: at + 1, to: end }], end };
}

const anchor = (href, children) =>
  ({ tag: "a", attributes: { href, title: href, rel: "noopener noreferrer", target: "_blank" }, children });

function code(reader, at, start, to) {
  const { text } = reader;
  const fence = text.slice(at, start);
  const close = closing(reader, start, to, (i) =>
    text.startsWith(fence, i) && text[i - 1] !== "`" && text[i + fence.length] !== "`");
  if (close < 0) return { trees: [{ from: at, to: start }], end: start };
  return { trees: [{ tag: "code", children: [{ from: start, to: close }] }], end: close + fence.length };
}

// The first place that `isIt` accepts, signs behind a backslash passed over; -1 for none.
function closing(reader, from, to, isIt) {
  const last = Math.min(to, from + MAX_SPAN, from + reader.left);
  let i = from;
  for (; i < last; i += 1) {
    if (reader.text[i] === "\\") i += 1;
    else if (isIt(i)) break;
  }
  reader.left -= i - from;
  return i < last ? i : -1;
}

const isBlank = (sign) => sign === undefined || /\s/.test(sign);
const isWord = (sign) => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);

function emphasis(reader, sign, at, to, inside) {
  const { text } = reader;
  const start = at + sign.length;
  const skip = { trees: [{ from: at, to: start }], end: start };
  if (isBlank(text[start]) || (sign[0] === "_" && isWord(text[at - 1]))) return skip;
  const close = closing(reader, start + 1, to, (i) =>
    text.startsWith(sign, i) && text[i - 1] !== sign[0] && text[i + sign.length] !== sign[0]
    && !isBlank(text[i - 1]) && !(sign[0] === "_" && isWord(text[i + sign.length])));
  if (close < 0) return skip;
  const children = inside(start, close);
  const tree = sign.length === 3
    ? { tag: "strong", children: [{ tag: "em", children }] }
    : { tag: NAMES[sign], children };
  return { trees: [tree], end: close + sign.length };
}

function link(reader, at, start, to, inside) {
  const { text, links } = reader;
  let open = 0;
  const close = closing(reader, start, to, (i) => {
    if (text[i] === "[") open += 1;
    return text[i] === "]" && open-- === 0;
  });
  if (close < 0) return null;
  const rest = text.slice(close + 1, Math.min(to, close + 1 + MAX_SPAN));
  const given = /^\(\s*<?((?:[^\s()<>]|\([^\s()]*\))*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(rest);
  const named = /^\[([^\]\n]{0,200})\]/.exec(rest);
  const name = named && (named[1] || text.slice(start, close)).toLowerCase();
  const target = given?.[1] ?? links.get(name);
  if (target === undefined) return null;
  const end = close + 1 + (given ?? named)[0].length;
  const isPicture = text[at] === "!";
  // A link into the same site has no place here; one of another kind is shown as it is written.
  if (!SAFE.test(target) && !RELATIVE.test(target)) return { trees: [{ from: at, to: end }], end };
  if (isPicture) {
    const alt = { tag: "span", attributes: { class: "picture" }, children: [{ from: start, to: close }] };
    return { trees: [alt], end };
  }
  const children = inside(start, close);
  return { trees: SAFE.test(target) ? [anchor(target, children)] : children, end };
}
