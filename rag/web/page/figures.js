// Evaluation figures: tables, and plots as SVG.

import { fetchJson } from "./api.js";
import { element } from "./dom.js";
import { table } from "./table.js";
import { drawn } from "./svg.js";

// The measures that are shown, in the words of a reader.
const MEASURES = {
  "Success@1": "right at rank 1",
  "Success@3": "right in the first 3",
  "R@5": "found in the first 5",
  "nDCG@10": "nDCG@10",
};
const PLOTTED = "nDCG@10";
const LEFT = 220;
const WIDE = 640;
const ROW = 26;

export async function evaluationView() {
  const found = await fetchJson("/index/evaluation");
  if (found === null) {
    return element("p", {}, "Nothing is measured yet: run ", element("code", {}, "rag eval build FOLDER"),
      " and ", element("code", {}, "rag eval run FOLDER"), ", which ask the documents in it their own FAQ.");
  }
  const { facts, is_current: isCurrent, groups } = found;
  const other = element("p", { class: "banner" }, "These figures are of another corpus than that of the "
    + "live index: run ", element("code", {}, "rag eval run"), " again.");
  return element("div", {},
    isCurrent ? "" : other,
    ...groups.map(groupView),
    element("p", { class: "quiet" }, `${found.name}, by ${facts.command}, at commit ${facts.commit.slice(0, 12)}.`));
}

function groupView({ title, note, rows }) {
  const names = Object.keys(MEASURES).filter((name) => rows.some((row) => row.figures[name]));
  const lines = rows.map((row) => element("tr", {},
    element("th", { scope: "row" }, row.title),
    ...names.map((name) => element("td", {}, row.figures[name] ? said(row.figures[name]) : "–"))));
  return element("section", { class: "group", "aria-label": title },
    element("h4", {}, title), element("p", { class: "quiet" }, note),
    table(["System", ...names.map((name) => MEASURES[name])], lines),
    plot(title, rows));
}

const said = ({ mean, low, high, n }) => element("span", { title: `95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}, ${n} questions` },
  mean.toFixed(2));

// A dot for each system, on a line that is its interval.
function plot(title, rows) {
  const shown = rows.filter((row) => row.figures[PLOTTED]);
  if (shown.length === 0) return "";
  const x = (value) => LEFT + value * (WIDE - LEFT - 20);
  const high = ROW * (shown.length + 1);
  const lines = [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
    drawn("line", { class: "grid", x1: x(value), x2: x(value), y1: 4, y2: high - ROW }),
    drawn("text", { class: "axis", x: x(value), y: high - 6, "text-anchor": "middle" }, String(value))]);
  const systems = shown.flatMap(({ title: name, figures }, i) => {
    const y = ROW * (i + 0.6);
    const { mean, low, high: most } = figures[PLOTTED];
    return [
      drawn("text", { x: LEFT - 12, y: y + 4, "text-anchor": "end" }, name),
      drawn("line", { class: "interval", x1: x(low), x2: x(most), y1: y, y2: y }),
      drawn("circle", { class: "mean", cx: x(mean), cy: y, r: 5 }),
    ];
  });
  const caption = `${PLOTTED} with its 95 % interval. ${title}`;
  return element("figure", {},
    drawn("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": caption }, ...lines, ...systems),
    element("figcaption", { class: "quiet" }, `${caption}; the table has the numbers.`));
}

// How the figures of the gate went, version by version, if two versions have the same figure.
export function trendOf(versions) {
  const measured = versions.filter((version) => version.eval).reverse();
  const names = [...new Set(measured.flatMap((version) => Object.keys(version.eval)))].sort()
    .filter((name) => measured.filter(({ eval: own }) => inUnit(own[name])).length > 1);
  if (names.length === 0) return "";
  return element("section", { class: "group", "aria-label": "Version by version" },
    element("h4", {}, "Version by version"), ...names.map((name) => trend(name, measured)));
}

const inUnit = (value) => typeof value === "number" && value >= 0 && value <= 1;

function trend(name, measured) {
  const points = measured.filter((version) => inUnit(version.eval[name])).map(({ id, eval: own }) => [id, own[name]]);
  const x = (i) => 20 + (i * (WIDE - 40)) / (points.length - 1);
  const y = (value) => 90 - value * 80;
  const line = drawn("polyline", { class: "interval", points: points.map(([, value], i) => `${x(i)},${y(value)}`).join(" ") });
  const dots = points.map(([id, value], i) =>
    drawn("circle", { class: "mean", cx: x(i), cy: y(value), r: 4 }, drawn("title", {}, `${id}: ${value}`)));
  const caption = `${name}: ${points.map(([, value]) => value.toFixed(2)).join(", ")}`;
  return element("figure", {},
    drawn("svg", { viewBox: `0 0 ${WIDE} 100`, role: "img", "aria-label": caption },
      drawn("line", { class: "grid", x1: 20, x2: WIDE - 20, y1: 90, y2: 90 }), line, ...dots),
    element("figcaption", { class: "quiet" }, caption));
}
