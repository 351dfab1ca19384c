// The form that restricts a question: by document, folder, type, section and date.

import { fetchReport } from "./api.js";
import { element } from "./dom.js";

const MAX_OFFERED = 1000;

// `apply` is called with the filters that were chosen.
export async function filterForm(state, apply) {
  const ids = [...(await fetchReport()).values()].filter((file) => file.documents > 0)
    .map((file) => file.id).slice(0, MAX_OFFERED);
  const form = element("form", { class: "filter-form" },
    field("Document", offered("filter-document", ids, state.documents[0])),
    field("Folder", choice("filter-folder", foldersOf(ids), state.folder)),
    field("Type", choice("filter-type", endingsOf(ids), state.types[0])),
    field("Section", element("input", { id: "filter-section", value: state.section ?? "",
      placeholder: "a heading, in full" })),
    field("Changed since", element("input", { id: "filter-since", type: "date", value: state.since ?? "" })),
    field("Until", element("input", { id: "filter-until", type: "date", value: state.until ?? "" })),
    element("button", {}, "Apply"));
  const value = (name) => form.elements[`filter-${name}`].value.trim() || null;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply({
      documents: [value("document"), ...state.documents.slice(1)].filter(Boolean),
      types: [value("type"), ...state.types.slice(1)].filter(Boolean),
      folder: value("folder"),
      section: value("section"),
      since: value("since"),
      until: value("until"),
    });
  });
  return form;
}

const field = (label, input) => {
  const control = input.matches("input, select") ? input : input.querySelector("input");
  return element("div", {}, element("label", { for: control.id }, label), input);
};

// A text field that offers what there is; thousands of documents are too many for a list to choose.
const offered = (id, values, value) => element("span", {},
  element("input", { id, list: `${id}-list`, value: value ?? "", placeholder: "any" }),
  element("datalist", { id: `${id}-list` }, ...values.map((each) => element("option", { value: each }))));

const choice = (id, values, value) => element("select", { id },
  element("option", { value: "" }, "any"),
  ...[...new Set([...values, ...(value ? [value] : [])])].map((each) =>
    element("option", { value: each, selected: each === value }, each)));

// All folders that hold documents, those above them too.
function foldersOf(ids) {
  const folders = new Set();
  for (const id of ids) {
    const parts = id.split("/").slice(0, -1);
    parts.forEach((_, i) => folders.add(parts.slice(0, i + 1).join("/")));
  }
  return [...folders].sort();
}

const endingsOf = (ids) =>
  [...new Set(ids.map((id) => /\.([^./]+)$/.exec(id)?.[1].toLowerCase()).filter(Boolean))].sort();

