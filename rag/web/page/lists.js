// Lists, which Markdown and canonical texts write alike: a marker, and what belongs to it indented.

const MARKER = /^( *)(?:[-*+•●▪◦‣–]|(\d{1,9})[.)])(?: {1,4}|(?=$))/;

export const startsItem = (line) => MARKER.test(line);

// The trees of the lists on these lines, of which the first has a marker; `inner` makes the trees
// of the lines of an item, without its marker and indentation.
export function listTrees(text, lines, inner) {
  const lists = [];
  for (let i = 0; i < lines.length;) {
    const [marker, indent, number] = MARKER.exec(text.slice(lines[i].from, lines[i].to));
    const own = [{ from: lines[i].from + marker.length, to: lines[i].to }];
    for (i += 1; i < lines.length; i += 1) {
      const line = text.slice(lines[i].from, lines[i].to);
      const blanks = /^ */.exec(line)[0].length;
      if (startsItem(line) && blanks < indent.length + 2) break;
      own.push({ from: lines[i].from + Math.min(blanks, marker.length), to: lines[i].to });
    }
    const tag = number === undefined ? "ul" : "ol";
    if (lists.at(-1)?.tag !== tag) lists.push({ tag, attributes: {}, children: [] });
    const attributes = number === undefined ? {} : { value: number };
    lists.at(-1).children.push({ tag: "li", attributes, children: inner(own) });
  }
  return lists;
}
