// The index: what is live, what the build made of each file, how good it is, how to build another.

import { addressOf } from "./address.js";
import { fetchIndex, fetchJson, fetchReport, forget, post } from "./api.js";
import { byId, counted, element } from "./dom.js";
import { evaluationView, trendOf } from "./figures.js";
import { remarksOf } from "./listing.js";
import { rebuildView } from "./rebuild.js";
import { table } from "./table.js";

const MAX_FILES = 200;

export const when = (utc) => utc.replace("T", " ").replace(/:\d\d(?:\.\d+)?Z$/, " UTC");

export async function indexView(state, go) {
  const [manifest, { versions }, ready, files] = await Promise.all([
    fetchIndex(), fetchJson("/index/versions"), fetchJson("/readyz"), fetchReport()]);
  await styled();
  const changed = () => {
    forget();
    go(addressOf({ view: "index" }));
  };
  return [
    element("h2", {}, "Index"),
    facts(manifest, versions, ready),
    part("Build report", ...report([...files.values()])),
    part("Evaluation", await evaluationView(), trendOf(versions)),
    part("Build a new index", await rebuildView(state.job, go, changed)),
    part("Versions", versionTable(versions, changed)),
  ];
}

// The styles of this view, which the others do without.
function styled() {
  if (byId("index-style")) return null;
  const link = element("link", { id: "index-style", rel: "stylesheet", href: "/index_page.css" });
  return new Promise((resolve) => {
    for (const name of ["load", "error"]) link.addEventListener(name, resolve);
    document.head.append(link);
  });
}

const part = (title, ...content) => element("section", { class: "part", "aria-label": title },
  element("h3", {}, title), ...content);

function facts({ id, counts, model }, versions, ready) {
  const live = versions.find((version) => version.state === "current");
  const rows = [
    ["Version", id],
    ["Published", live ? `${when(live.published)} by a ${live.action}` : "not known"],
    ["Holds", [counted(counts.documents, "document"), counted(counts.sections, "section"),
      counted(counts.passages, "passage"), counted(counts.faq_pairs, "FAQ pair")].join(", ")],
    ["Model", model.name],
  ];
  const list = element("dl", { class: "facts" }, ...rows.flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, value)]));
  const degraded = [ready.degraded ?? []].flat().map((why) => element("p", { class: "banner" }, why));
  return element("div", {}, list, ...degraded);
}

// ---- the build report

function report(files) {
  const skipped = files.filter((file) => file.documents === 0);
  const warned = files.filter((file) => file.documents > 0 && (file.remarks.length || file.left_out.length));
  const said = element("p", {}, [counted(files.length, "file"), `${files.length - skipped.length} indexed`,
    `${warned.length} with remarks`, `${skipped.length} not read`].join(", "), ".");
  const listed = [...skipped, ...warned];
  if (listed.length === 0) return [said];
  const rows = listed.slice(0, MAX_FILES).map((file) => element("tr", {},
    element("th", { scope: "row" }, file.documents > 0
      ? element("a", { href: addressOf({ view: "documents", source: { id: file.id } }) }, file.id) : file.id),
    element("td", {}, file.documents > 0 ? "indexed" : "not read"),
    element("td", {}, ...remarksOf(file).map((text) => element("p", {}, text)))));
  const rest = listed.length - rows.length;
  return [said, table(["File", "Verdict", "Remarks"], rows),
    rest > 0 ? element("p", { class: "quiet" }, `and ${counted(rest, "more file")}`) : ""];
}

// ---- versions

function versionTable(versions, changed) {
  const rows = versions.map((version) => element("tr", {},
    element("th", { scope: "row" }, when(version.published)),
    // Second, so that a phone shows it without scrolling.
    element("td", {}, version.state === "current" ? "" : rollback(version, changed)),
    element("td", {}, version.id, version.state === "current" ? " (live)" : ""),
    element("td", {}, version.action + (version.forced ? ", forced" : "")),
    element("td", {}, `${counted(version.counts.documents, "document")}, ${counted(version.counts.passages, "passage")}`),
    element("td", {}, version.note)));
  return table(["Published", "Roll back", "Version", "By", "Holds", "Note"], rows);
}

// A button, and the dialog that asks before anything happens.
function rollback({ id, published }, changed) {
  const open = element("button", { type: "button", class: "plain", "aria-label": `Make ${id} live again` },
    "Make live");
  open.addEventListener("click", () => {
    const said = element("p", { class: "banner", role: "alert", hidden: true });
    const yes = element("button", { type: "button" }, "Make it live");
    const no = element("button", { type: "button", class: "plain" }, "Cancel");
    const dialog = element("dialog", { "aria-labelledby": "rollback-title" },
      element("h3", { id: "rollback-title" }, `Make version ${id} live again?`),
      element("p", {}, `It was published ${when(published)}. Questions are answered from it at once; the `
        + "version that is live now is kept, and can be made live again."),
      said, element("div", { class: "tools" }, yes, no));
    yes.addEventListener("click", async () => {
      yes.disabled = true;
      try {
        await post("/index/rollback", { id });
        dialog.close();
        changed();
      } catch (error) {
        said.textContent = error.message;
        said.hidden = false;
      }
    });
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      open.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return open;
}
