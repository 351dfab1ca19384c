// What the trees of all formats are made of.

// The lines of a part of a text, without their line ends.
export function linesOf(text, from, to) {
  const lines = [];
  for (let at = from; at <= to;) {
    const end = text.indexOf("\n", at);
    const stop = end < 0 || end > to ? to : end;
    lines.push({ from: at, to: stop });
    at = stop + 1;
  }
  return lines;
}

// The first line of each headed section, with its level and label.
export function headingLines(source) {
  return (source.sections ?? []).filter((section) => section.heading_path.length > 0)
    .map(({ start, heading_path: path }) => {
      const from = source.unit(start);
      const end = source.text.indexOf("\n", from);
      return { from, to: end < 0 ? source.text.length : end, level: path.length, label: path.at(-1) };
    });
}

// A heading: the page's own are h1 and h2.
export const headingTree = (level, children) =>
  ({ tag: `h${Math.min(level + 2, 6)}`, attributes: { class: `level${level}` }, children });

// A table; cells are lists of trees, and short rows are filled up.
export function tableTree(header, rows) {
  const width = rows.reduce((most, row) => Math.max(most, row.length), header?.length ?? 0);
  const row = (tag, attributes) => (cells) => {
    const filled = [...cells, ...Array(width - cells.length).fill([])];
    return { tag: "tr", children: filled.map((children) => ({ tag, attributes, children })) };
  };
  const head = header && { tag: "thead", children: [row("th", { scope: "col" })(header)] };
  const body = { tag: "tbody", children: rows.map(row("td", {})) };
  return { tag: "table", children: head ? [head, body] : [body] };
}
