// The documents of the index, with their outline, and what the build made of each file.

import { addressOf } from "./address.js";
import { fetchDocument, fetchReport, fileAddress, listDocuments } from "./api.js";
import { counted, element } from "./dom.js";
import { Text } from "./text.js";
import { headingLines } from "./trees.js";

const MAX_OUTLINE = 300;

export async function listingView(state) {
  const [first, files] = await Promise.all([listDocuments(null), fetchReport()]);
  const list = element("ul", { class: "documents" });
  const more = element("button", { type: "button", class: "plain" }, "Show more");
  const find = element("input", { id: "find", type: "search", "aria-label": "Find among the documents",
    placeholder: "Find by title, path, language or date" });
  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    for (const item of list.children) item.hidden = !item.dataset.facts.includes(wanted);
  };
  find.addEventListener("input", filter);
  const add = ({ documents, next }) => {
    list.append(...documents.map((found) => entry(found, files.get(found.id), state)));
    filter();
    more.hidden = next === null;
    more.onclick = async () => add(await listDocuments(next));
  };
  add(first);
  const skipped = [...files.values()].filter((file) => file.documents === 0);
  return [element("h2", {}, "Documents"), find, list, more, skippedFiles(skipped)];
}

function entry(found, file, state) {
  const address = addressOf({ listing: true, source: { id: found.id, sha: found.sha256 } });
  const facts = [
    found.id,
    file?.pages ? counted(file.pages, "page") : counted(found.characters, "character"),
    counted(found.passages, "passage"),
    file?.faq_pairs ? counted(file.faq_pairs, "FAQ pair") : "",
    found.language ?? "",
    found.modified ?? found.created ?? "",
  ].filter(Boolean).join(" · ");
  const outline = element("details", {}, element("summary", {}, "Outline"));
  outline.addEventListener("toggle", () => fill(outline, found.id), { once: true });
  const only = addressOf({ ...state, listing: false, question: state.question, documents: [found.id] });
  return element("li", { "data-facts": `${found.title} ${facts}`.toLowerCase() },
    element("h3", {}, element("a", { href: address }, found.title)),
    element("p", { class: "quiet" }, facts),
    remarks(file),
    element("div", { class: "tools" },
      element("a", { href: only }, "Ask this document alone"),
      element("a", { href: fileAddress(found.id), download: "" }, "Download"), outline));
}

function remarks(file) {
  const said = [
    ...(file?.remarks ?? []).map((remark) => remark.text),
    ...(file?.left_out ?? []).map(({ kind, first_line: a, last_line: b }) =>
      `Not searched: lines ${a}–${b} (${kind}).`),
  ];
  return said.length === 0 ? "" : element("ul", { class: "remarks quiet" },
    ...said.map((text) => element("li", {}, text)));
}

async function fill(details, id) {
  const found = await fetchDocument(id);
  details.append(outlineOf(found, (cited) =>
    addressOf({ listing: true, source: { id, sha: found.sha256, cited } })));
}

// The headings of a document as links; `toHeading` gives the address of a heading's span.
export function outlineOf(found, toHeading) {
  const text = new Text(found.id, found.text, 0, found.sections);
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

function skippedFiles(files) {
  if (files.length === 0) return "";
  const items = files.map((file) => element("li", {}, element("strong", {}, file.id), ": ",
    file.remarks.map((remark) => remark.text).join(" ")));
  return element("section", { class: "skipped" }, element("h2", {}, "Not read"),
    element("ul", {}, ...items));
}
