// The address of each state of the page, which is a link that works later:
// ?q=…&in=…&section=…  asks, within documents and a section
// ?documents           lists the documents
// &document=…&sha=…&quote=…#c12-34   shows the source at that place, checked by its hash and quote

const MAX_QUOTE = 500;

export function readAddress(location) {
  const found = new URL(location).searchParams;
  const cited = /^#c(\d+)-(\d+)$/.exec(new URL(location).hash);
  const [start, end] = cited ? [Number(cited[1]), Number(cited[2])] : [0, 0];
  return {
    question: found.get("q"),
    documents: found.getAll("in"),
    section: found.get("section"),
    listing: found.has("documents"),
    source: found.has("document") ? {
      id: found.get("document"),
      sha: found.get("sha"),
      quote: found.get("quote"),
      cited: start < end ? { start, end } : null,
    } : null,
  };
}

export function addressOf({ question = null, documents = [], section = null, listing = false,
  source = null }) {
  const params = new URLSearchParams();
  if (listing) params.set("documents", "");
  if (question !== null) params.set("q", question);
  for (const id of documents) params.append("in", id);
  if (section) params.set("section", section);
  if (source !== null) {
    params.set("document", source.id);
    if (source.sha) params.set("sha", source.sha);
    if (source.quote && source.quote.length <= MAX_QUOTE) params.set("quote", source.quote);
  }
  const text = params.toString().replace(/\+/g, "%20").replace(/=(?=&|$)/g, "");
  const cited = source?.cited ? `#c${source.cited.start}-${source.cited.end}` : "";
  return `/${text && `?${text}`}${cited}`;
}

// The same without the source: what its answer or list was found by.
export const askedIn = ({ question, documents, section, listing }) =>
  addressOf({ question, documents, section, listing });
