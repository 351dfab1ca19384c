// The outline of a document.

import { counted, element } from "./dom.js";
import { Text } from "./text.js";
import { headingLines } from "./trees.js";

const MAX_OUTLINE = 300;

// The headings of a document as links; `toHeading` gives the address of a heading's span.
export function outlineOf(found, toHeading) {
  const text = new Text(found.media_type, found.text, 0, found.sections);
  const heads = headingLines(text);
  const items = heads.slice(0, MAX_OUTLINE).map(({ from, to, level, label }) => {
    const address = toHeading({ start: text.point(from), end: text.point(to) });
    return element("li", { class: `level${Math.min(level, 4)}` }, element("a", { href: address }, label));
  });
  const rest = heads.length - items.length;
  if (rest > 0) items.push(element("li", { class: "quiet" }, `and ${counted(rest, "more section")}`));
  if (items.length === 0) items.push(element("li", { class: "quiet" }, "No headings."));
  return element("ul", { class: "outline" }, ...items);
}
