// What the service is asked. A document and the report are asked for once a visit.

import { sentence } from "./dom.js";

async function fetchJson(path, options) {
  let response, body;
  try {
    response = await fetch(path, options);
    body = await response.json();
  } catch {
    throw new Error("The service does not answer. Is it still running?");
  }
  if (!response.ok) throw Object.assign(new Error(sentence(body.detail)), { code: body.code });
  return body;
}

const post = (path, body) => fetchJson(path, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

const documentAddress = (id) => `/documents/${encodeURIComponent(id)}`;

export const fileAddress = (id) => `${documentAddress(id)}/file`;

export function ask({ question, documents, section }) {
  const filters = { document_id: documents, section };
  return post("/ask", { question, top_k: 8, filters });
}

// The verdict on one saved citation.
export const verify = async (citation) =>
  (await post("/verify", { citations: [citation] })).results[0];

export const fetchIndex = () => fetchJson("/index");

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
  reported ??= readReport();
  reported.catch(() => { reported = null; });
  return reported;
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
