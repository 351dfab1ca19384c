// Builds of the index: from a folder that the service may read, or from files that are dropped here.

import { addressOf } from "./address.js";
import { fetchJson, fetchOffer, forget, post } from "./api.js";
import { counted, element } from "./dom.js";

const POLL = 1000;
// The files by name, which stay chosen if the gate refuses what they make.
const chosen = new Map();
const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

// `job` is the build that the address names; `done` is called when one has changed the index.
export async function rebuildView(job, go, done) {
  const { upload } = await fetchOffer();
  const section = element("div", { class: "rebuild" });
  const start = async (body) => {
    const started = await post("/index/rebuild", body);
    go(addressOf({ view: "index", job: started.job }));
  };
  section.append(...(job ? [progressOf(job, go, done)] : []), ...forms(start, upload));
  return section;
}

function forms(start, upload) {
  const force = checkbox("force", "Publish even if the gate finds that it answers worse");
  const strict = checkbox("strict", "Fail at the first file that cannot be read");
  const options = () => ({ force: force.input.checked, strict: strict.input.checked });
  return [
    element("fieldset", {}, element("legend", {}, "Options"), force.label, strict.label),
    folderForm((path) => start({ path, ...options() })),
    fileForm(upload, (files) => start({ files, ...options() })),
  ];
}

function checkbox(id, label) {
  const input = element("input", { id, type: "checkbox" });
  return { input, label: element("label", { for: id, class: "check" }, input, ` ${label}`) };
}

function folderForm(start) {
  const path = element("input", { id: "path", required: true, autocomplete: "off", "aria-describedby": "roots" });
  const form = element("form", {},
    element("label", { for: "path" }, "From a folder or file on the service's machine"),
    element("div", { class: "row" }, path, element("button", {}, "Build from it")),
    element("p", { id: "roots", class: "quiet" }, "What it holds becomes the whole corpus. The service may read the folders that the setting ",
      element("code", {}, "RAG_ROOTS"), " names; without it, those that the index was built from."));
  return submitting(form, () => start(path.value.trim()));
}

function fileForm(upload, start) {
  const list = element("ul", { class: "chosen", "aria-label": "Chosen files" });
  const picker = element("input", { id: "files", type: "file", multiple: true, accept: upload.endings.join(",") });
  const build = element("button", { disabled: true }, "Build from the files");
  const show = () => {
    const total = [...chosen.values()].reduce((sum, file) => sum + file.size, 0);
    list.replaceChildren(...[...chosen].map(([name, file]) => element("li", {}, `${name}, ${size(file.size)} `, remove(name))));
    build.disabled = chosen.size === 0 || total > upload.bytes;
    hint.textContent = chosen.size === 0 ? `At most ${size(upload.bytes)} in all: ${upload.endings.join(" ")}`
      : `${counted(chosen.size, "file")}, ${size(total)} of ${size(upload.bytes)}. They become the whole corpus.`;
    hint.classList.toggle("over", total > upload.bytes);
  };
  const remove = (name) => {
    const button = element("button", { type: "button", class: "plain", "aria-label": `Leave out ${name}` }, "×");
    button.addEventListener("click", () => {
      chosen.delete(name);
      show();
    });
    return button;
  };
  const hint = element("p", { class: "quiet", role: "status" });
  const add = (files) => {
    for (const file of files) chosen.set(file.name, file);
    show();
  };
  const zone = element("div", { class: "drop" },
    element("label", { for: "files" }, "From files: drop them here, or choose them"), picker, list, hint);
  picker.addEventListener("change", () => {
    add(picker.files);
    picker.value = "";
  });
  dropped(zone, add);
  show();
  return submitting(element("form", {}, zone, build), async () => start(await readChosen()));
}

function dropped(zone, add) {
  for (const name of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover");
    });
  }
  zone.addEventListener("drop", (event) => add(event.dataTransfer.files));
}

const readChosen = () => Promise.all([...chosen].map(async ([name, file]) =>
  ({ name, base64: await base64(file) })));

const base64 = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
  reader.addEventListener("error", () => reject(new Error(`${file.name} cannot be read.`)));
  reader.readAsDataURL(file);
});

// Runs `start` when the form is sent, and says why it could not.
function submitting(form, start) {
  const said = element("p", { class: "banner", role: "alert", hidden: true });
  form.append(said);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.hidden = true;
    try {
      await start();
    } catch (error) {
      said.textContent = error.message;
      said.hidden = false;
    }
  });
  return form;
}

// ---- a build that runs, or has ended

function progressOf(id, go, done) {
  const bar = element("progress", { "aria-label": "Progress of the build" });
  const said = element("p", { role: "status" }, "The build begins.");
  const cancel = element("button", { type: "button", class: "plain" }, "Cancel the build");
  const box = element("div", { class: "job", id: "job" }, said, bar, cancel);
  cancel.addEventListener("click", () => fetchJson(`/index/jobs/${id}`, { method: "DELETE" }).then(show, fail));
  const fail = (error) => {
    said.textContent = error.message;
  };
  const show = (job) => {
    if (job.status === "running") {
      const { done: encoded, total } = job.progress;
      said.textContent = total > 0
        ? `${encoded.toLocaleString("en")} of ${total.toLocaleString("en")} passages encoded` : "Reading the files";
      if (total > 0) Object.assign(bar, { max: total, value: encoded });
      return;
    }
    box.replaceChildren(said, ...ending(job, done));
    said.textContent = SAID[job.status](job);
    box.dataset.ended = job.status;
    if (job.status === "done") {
      chosen.clear();
      forget();
    }
  };
  follow(id, box, show, fail);
  // By the next frame it is on the page.
  requestAnimationFrame(() => box.scrollIntoView({ block: "center" }));
  return box;
}

const SAID = {
  done: ({ result }) => `Version ${result.id} is live: ${counted(result.counts.documents, "document")}, ${counted(result.counts.passages, "passage")}.`,
  failed: ({ problem }) => `No new index: ${problem.detail}. The old one is still live.`,
  cancelled: () => "The build was cancelled. The old index is still live.",
};

function ending({ result, problem }, done) {
  const gate = result?.gate;
  const lines = [
    ...(gate ? [gate.passed ? "The gate found nothing against it." : "The gate found it worse; it was published by force."] : []),
    ...(gate?.reasons ?? []), ...(gate?.notes ?? []),
    ...(problem?.code === "gate_refused" ? ["Build it again with “Publish even if the gate finds that it answers worse” to overrule the gate."] : []),
    ...(result?.report.files ?? []).map(({ id, verdict, reasons }) => `${id}: ${[verdict, ...reasons].join(". ")}`),
  ];
  const again = element("button", { type: "button" }, "Show the new index");
  again.addEventListener("click", done);
  return [lines.length > 0 ? element("ul", {}, ...lines.map((line) => element("li", {}, line))) : "",
    result ? again : ""];
}

// Calls `show` with each state of a job while the box is shown: as events come, or else by asking
// each second.
function follow(id, box, show, fail) {
  const address = `/index/jobs/${encodeURIComponent(id)}`;
  const events = new EventSource(`${address}/events`);
  let wasShown = false;
  const isShown = () => {
    wasShown ||= box.isConnected;
    return box.isConnected || !wasShown;
  };
  events.addEventListener("job", ({ data }) => {
    const job = JSON.parse(data);
    if (job.status !== "running" || !isShown()) events.close();
    show(job);
  });
  events.addEventListener("error", () => {
    events.close();
    poll();
  });
  const poll = async () => {
    try {
      const job = await fetchJson(address);
      show(job);
      if (job.status === "running") setTimeout(() => isShown() && poll(), POLL);
    } catch (error) {
      fail(error);
    }
  };
}
