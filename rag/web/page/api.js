// What the service is asked. A document and the report are asked for once a visit.

import { sentence } from "./dom.js";

function silent() {
  throw new Error("The service does not answer. Is it still running?");
}

// The response, unless it is a refusal.
export async function send(path, options) {
  const response = await fetch(path, options).catch(silent);
  if (response.ok) return response;
  const { detail, code } = await response.json().catch(silent);
  throw Object.assign(new Error(sentence(detail)), { code });
}

export const fetchJson = async (path, options) =>
  (await send(path, options)).json().catch(silent);

export const posting = (body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

export const post = (path, body) => fetchJson(path, posting(body));

export const documentAddress = (id) => `/documents/${encodeURIComponent(id)}`;

export const fileAddress = (id) => `${documentAddress(id)}/file`;

// The question of an address as the service takes it.
export function askedOf({ question, documents, section, folder, types, since, until }) {
  const filters = { document_id: documents, section, folder, type: types, since, until };
  return { question, top_k: 8, filters };
}

// The verdict on one saved citation.
export const verify = async (citation) =>
  (await post("/verify", { citations: [citation] })).results[0];

export const fetchIndex = () => fetchJson("/index");

// What this service offers: feedback, written answers, and which files a corpus may hold.
let offered = null;

export function fetchOffer() {
  offered ??= fetchJson("/page.json");
  offered.catch(() => { offered = null; });
  return offered;
}

// After a build: what was fetched before may have changed.
export function forget() {
  kept.clear();
  reported = null;
}

export function listDocuments(after) {
  const from = after === null ? "" : `&after=${encodeURIComponent(after)}`;
  return fetchJson(`/documents?limit=100${from}`);
}

const MAX_KEPT = 12;
const kept = new Map();

// `anew`: not the one that was kept, which may have changed since.
export function fetchDocument(id, anew = false) {
  if (anew || !kept.has(id)) {
    const found = fetchJson(documentAddress(id));
    kept.set(id, found);
    found.catch(() => kept.delete(id));
    if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(id);
}

const MAX_REPORTED = 5000;
let reported = null;

// The report of each file, by id; of a larger corpus, of its first files.
export function fetchReport() {
  reported ??= readReport().catch(withoutReport);
  reported.catch(() => { reported = null; });
  return reported;
}

// A key that is limited to some documents may not see the report of all files.
function withoutReport(error) {
  if (error.code === "limited_key") return new Map();
  throw error;
}

async function readReport() {
  const files = new Map();
  for (let offset = 0; offset !== null && offset < MAX_REPORTED;) {
    const page = await fetchJson(`/index/report?limit=1000&offset=${offset}`);
    for (const file of page.files) files.set(file.id, file);
    offset = page.next;
  }
  return files;
}
