// The documents of the index, with their outline, and what the build made of each file.

import { NO_FILTERS, addressOf } from "./address.js";
import { fetchDocument, fetchReport, fileAddress, listDocuments } from "./api.js";
import { counted, element } from "./dom.js";
import { outlineOf } from "./outline.js";

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
  const address = addressOf({ view: "documents", source: { id: found.id, sha: found.sha256 } });
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
  const only = addressOf({ ...state, ...NO_FILTERS, view: null, documents: [found.id] });
  return element("li", { "data-facts": `${found.title} ${facts}`.toLowerCase() },
    element("h3", {}, element("a", { href: address }, found.title)),
    element("p", { class: "quiet" }, facts),
    remarks(file),
    element("div", { class: "tools" },
      element("a", { href: only }, "Ask this document alone"),
      element("a", { href: fileAddress(found.id), download: "" }, "Download"), outline));
}

// What the build has to say of a file.
export const remarksOf = ({ remarks, left_out: leftOut }) => [
  ...remarks.map((remark) => remark.text),
  ...leftOut.map(({ kind, first_line: a, last_line: b }) => `Not searched: lines ${a}–${b} (${kind}).`),
];

function remarks(file) {
  const said = file ? remarksOf(file) : [];
  return said.length === 0 ? "" : element("ul", { class: "remarks quiet" },
    ...said.map((text) => element("li", {}, text)));
}

async function fill(details, id) {
  const found = await fetchDocument(id);
  details.append(outlineOf(found, (cited) =>
    addressOf({ view: "documents", source: { id, sha: found.sha256, cited } })));
}

function skippedFiles(files) {
  if (files.length === 0) return "";
  const items = files.map((file) => element("li", {}, element("strong", {}, file.id), ": ",
    file.remarks.map((remark) => remark.text).join(" ")));
  return element("section", { class: "skipped" }, element("h2", {}, "Not read"),
    element("ul", {}, ...items));
}
