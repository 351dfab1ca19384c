// The address of each state of the page, which is a link that works later:
// ?q=…&in=…&section=…&folder=…&type=…&since=…&until=…  asks, within these filters
// ?documents           lists the documents
// ?index&job=…         shows the index, and a build of it
// &document=…&sha=…&quote=…#c12-34   shows the source at that place, checked by its hash and quote
// &page=3              shows that page of it, if it is a PDF

const MAX_QUOTE = 500;
const FILTERS = { documents: "in", types: "type", section: "section", folder: "folder",
  since: "since", until: "until" };
const LISTS = ["documents", "types"];

export const NO_FILTERS = Object.freeze({ documents: [], types: [], section: null, folder: null,
  since: null, until: null });

export function readAddress(location) {
  const found = new URL(location).searchParams;
  const cited = /^#c(\d+)-(\d+)$/.exec(new URL(location).hash);
  const [start, end] = cited ? [Number(cited[1]), Number(cited[2])] : [0, 0];
  const filters = Object.entries(FILTERS).map(([name, key]) =>
    [name, LISTS.includes(name) ? found.getAll(key) : found.get(key)]);
  return {
    question: found.get("q"),
    ...Object.fromEntries(filters),
    view: ["documents", "index"].find((name) => found.has(name)) ?? null,
    job: found.get("job"),
    source: found.has("document") ? {
      id: found.get("document"),
      sha: found.get("sha"),
      quote: found.get("quote"),
      page: Number(found.get("page")) || null,
      cited: start < end ? { start, end } : null,
    } : null,
  };
}

export function addressOf({ question = null, view = null, job = null, source = null, ...filters }) {
  const params = new URLSearchParams();
  if (view) params.set(view, "");
  if (job) params.set("job", job);
  if (question !== null) params.set("q", question);
  for (const [name, key] of Object.entries(FILTERS)) {
    for (const value of [filters[name] ?? []].flat()) params.append(key, value);
  }
  if (source !== null) {
    params.set("document", source.id);
    if (source.sha) params.set("sha", source.sha);
    if (source.quote && source.quote.length <= MAX_QUOTE) params.set("quote", source.quote);
    if (source.page) params.set("page", source.page);
  }
  const text = params.toString().replace(/\+/g, "%20").replace(/=(?=&|$)/g, "");
  const cited = source?.cited ? `#c${source.cited.start}-${source.cited.end}` : "";
  return `/${text && `?${text}`}${cited}`;
}

// The same without the source: what its answer or list was found by.
export const askedIn = (state) => addressOf({ ...state, source: null });

// Its filters alone, to ask something else within them.
export const filtersOf = (state) =>
  Object.fromEntries(Object.keys(FILTERS).map((name) => [name, state[name]]));
