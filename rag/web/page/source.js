// The source: a document beside its answer, scrolled to the cited place, which is checked.

import { addressOf } from "./address.js";
import { fetchDocument, fileAddress, verify } from "./api.js";
import { copyButtons, menu, sourceOf, spanOf } from "./cite.js";
import { byId, element, put, spot } from "./dom.js";
import { outlineOf } from "./outline.js";
import { Text, nodeAt, render, selectedSpan } from "./text.js";

const pane = byId("source");
let turn = 0; // only the source asked for last is shown
let drawn = null; // the document shown, to draw it again

export function closeSource() {
  turn += 1;
  drawn = null;
  pane.hidden = true;
}

// `hits` are the passages of the answer beside it.
export async function openSource(state, hits, isRaw) {
  const own = ++turn;
  const { source } = state;
  let found, verdict;
  try {
    [found, verdict] = await documentNow(source);
  } catch (error) {
    if (own === turn) showGone(source, error);
    return;
  }
  if (own !== turn) return;
  drawn = { state, found, verdict, hits: hitsIn(hits, found) };
  await redraw(isRaw);
}

export async function redraw(isRaw) {
  if (drawn === null) return;
  const shown = drawn;
  const content = await contentOf(isRaw);
  if (drawn !== shown) return; // another source was opened meanwhile
  draw(content);
  toPlace();
}

const hitsIn = (hits, found) =>
  hits.filter(({ citation }) => citation.document_id === found.id && citation.sha256 === found.sha256)
    .sort((a, b) => a.citation.char_start - b.citation.char_start);

// The document and the verdict on the cited text. The service checks the document as it is now, so
// one that was fetched before the last build is fetched again: places would not be its own.
async function documentNow(source) {
  const kept = await fetchDocument(source.id);
  const verdict = await checked(kept, source);
  const sha = verdict === null ? source.sha ?? kept.sha256
    : verdict.status === "valid" && verdict.citation.sha256;
  if (sha === kept.sha256) return [kept, verdict];
  const found = await fetchDocument(source.id, true);
  return [found, await checked(found, source)];
}

// What became of the cited text since the link was made; null if nothing is cited.
async function checked(found, { sha, quote, cited }) {
  if (cited === null) return null;
  return verify({
    document_id: found.id,
    sha256: /^[0-9a-f]{64}$/.test(sha ?? "") ? sha : found.sha256,
    char_start: cited.start,
    char_end: cited.end,
    ...(quote ? { quote } : {}),
  });
}

// The place now, and what is to be said of it.
function placeNow({ verdict, found, state }) {
  const { cited, sha, quote } = state.source;
  if (verdict === null) return { span: null, note: null };
  const now = verdict.citation ?? verdict.closest;
  const isHere = now?.document_id === found.id;
  const span = isHere ? { start: now.char_start, end: now.char_end } : null;
  if (verdict.status === "valid") return { span: span ?? cited, note: null, now };
  if (verdict.status === "moved" && isHere) {
    return { span, now, note: ["The document has changed since this link was made; the quote is shown where it is now."] };
  }
  // Without a hash the link claims nothing: a place that does not exist is only not marked.
  if (!sha) return { span: null, note: null };
  // A long quote is not in the link, so the text itself may be as it was.
  const what = quote ? "This text" : "The document";
  return { span, now, note: [`${what} has changed since the link was made: ${verdict.detail}. `, ...changes(verdict)] };
}

const EDITS = { same: "span", removed: "del", added: "ins" };

const changes = (verdict) => verdict.diff.map(({ kind, text }) => element(EDITS[kind], {}, text));

function showGone({ id }, error) {
  drawn = null;
  byId("source-title").textContent = "No such document";
  byId("source-place").textContent = id;
  setNote([error.code === "unknown_document" ? "This document is not in the index any more." : error.message]);
  byId("source-tools").replaceChildren();
  byId("source-text").replaceChildren();
  pane.hidden = false;
}

function setNote(note) {
  byId("source-note").replaceChildren(...(note ?? []));
  byId("source-note").hidden = note === null;
}

// The text with what is cited marked, or the page of a PDF that the address asks for.
async function contentOf(isRaw) {
  const { found, hits, state } = drawn;
  const { span, now } = placeNow(drawn);
  const highlights = hits.flatMap((hit) => hit.highlights);
  if (state.source.page !== null) {
    const { pageView } = await import("./pages.js");
    const marks = [
      ...hits.map(({ citation }) => ["passage", citation.boxes ?? []]),
      ...highlights.map(({ boxes = [] }) => ["answering", boxes]),
      ["cited", now?.boxes ?? []],
    ];
    return pageView(found, state.source.page, marks, toPage);
  }
  const text = new Text(found.media_type, found.text, 0, found.sections);
  const passages = hits.map(({ citation }) => text.span(spanOf(citation), "passage"));
  const answering = highlights.map((each) => text.span(spanOf(each), "answering"));
  const cited = span ? [text.span(span, "cited")] : [];
  return render(text, { spans: [...cited, ...answering, ...passages], raw: isRaw });
}

const toPage = (page) => addressOf({ ...drawn.state, source: { ...drawn.state.source, page } });

function draw(content) {
  const { found, state } = drawn;
  const { span, note, now } = placeNow(drawn);
  byId("source-title").textContent = found.title;
  byId("source-place").textContent = now ? `${found.id} · ${spot(now)}` : found.id;
  setNote(note);
  byId("source-tools").replaceChildren(...tools(found, span, now));
  put(byId("source-text"), content);
  byId("source-text").classList.toggle("is-page", state.source.page !== null);
  pane.hidden = false;
}

function toPlace() {
  const box = byId("source-text");
  const { span } = placeNow(drawn);
  const node = span && nodeAt(box, span.start);
  box.scrollTop = 0;
  (node?.parentElement ?? box.querySelector("rect.cited"))?.scrollIntoView({ block: "center" });
  box.focus({ preventScroll: true });
}

function tools(found, span, now) {
  const { state, hits } = drawn;
  const toHeading = (cited) =>
    addressOf({ ...state, source: { id: found.id, sha: found.sha256, cited } });
  const quoted = async () => {
    const part = selectedSpan(byId("source-text"));
    const citation = part === null ? now : await citationOf(found, part);
    const { start, end } = part ?? span;
    return [citation, Array.from(found.text).slice(start, end).join(""), { start, end }];
  };
  return [
    ...(hits.length > 0 ? hitButtons(found, span) : []),
    ...(found.media_type === "application/pdf" ? [viewLink(state.source.page, now)] : []),
    menu("Outline", outlineOf(found, toHeading)),
    ...(span ? [menu("Cite", ...copyButtons(quoted))] : []),
    element("a", { href: fileAddress(found.id), download: "" }, "Download"),
  ];
}

// The link from the text of a PDF to the page that is cited, or back.
const viewLink = (page, now) => (page === null
  ? element("a", { href: toPage(now?.page ?? 1), id: "to-page" }, "Show page")
  : element("a", { href: toPage(null), id: "to-text" }, "Show text"));

// The citation of a part of the document, with its own headings and lines.
async function citationOf(found, cited) {
  const { citation } = await checked(found, { sha: found.sha256, quote: null, cited });
  if (!citation) throw new Error("The document has changed.");
  return citation;
}

// Links to the hit before and behind the one that is shown, in the order of the document.
function hitButtons(found, span) {
  const { state, hits } = drawn;
  const at = hits.findIndex(({ citation: { char_start: start, char_end: end } }) =>
    span && start <= span.start && span.start < end);
  const link = (label, hit, id) => {
    if (hit === undefined) return element("span", { class: "off", "aria-hidden": "true" }, label);
    const page = state.source.page && hit.citation.page;
    return element("a", { href: addressOf({ ...state, source: { ...sourceOf(hit), page } }), id }, label);
  };
  return [element("span", { class: "hits" },
    link("‹ Previous", at > 0 ? hits[at - 1] : undefined, "previous-hit"),
    element("span", { class: "quiet" }, `passage ${at < 0 ? "–" : at + 1} of ${hits.length}`),
    link("Next ›", hits[at + 1], "next-hit"))];
}
