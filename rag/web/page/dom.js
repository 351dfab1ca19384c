// Elements, and the words that the page uses in several places.

export const byId = (id) => document.getElementById(id);

// An element with attributes and children; an attribute that is null or false is left out.
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  return put(node, children.flat());
}

// The node with these children and no others. One by one: a call takes no more than some 100,000.
export function put(node, children) {
  node.replaceChildren();
  for (const child of children) node.append(child);
  return node;
}

export const counted = (count, noun) =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

// Where a citation stands: the page of a PDF, the slide, row or anchor, else its lines.
export function spot({ line_start: from, line_end: to, page, place }) {
  if (page !== null) return `page ${page}`;
  if (place?.kind === "anchor") return place.name.replace(/^.*(?=#)/, "");
  if (place) return `${place.kind} ${place.number}${place.name && ` of ${place.name}`}`;
  return from === to ? `line ${from}` : `lines ${from}–${to}`;
}
