// The import as it was measured: an import is as wide as it took, and stands on the one that caused it.
function flamePart(report) {
  const test = report.import_test;
  if (!test || !test.imports || !test.imports.length) return null;
  const nodes = test.imports.map((item, index) => ({ ...item, index, children: [] }));
  const root = { name: test.handler, seconds: 0, own_seconds: 0, children: [], importer: null };
  for (const node of nodes) (node.importer >= 0 ? nodes[node.importer] : root).children.push(node);
  for (const node of nodes) node.above = node.importer >= 0 ? nodes[node.importer] : root;
  root.seconds = Math.max(root.children.reduce((sum, node) => sum + node.seconds, 0), 1e-6);

  const width = 1140;
  const row = 20;
  const svg = draw("svg", { class: "flame", id: "flame", role: "group", "aria-label": "Import times" });
  const settle = roving(svg);
  const hint = make("p", { class: "hint", "aria-live": "polite" });
  const back = make("button", { type: "button", onclick: () => open(root, true) }, "Whole import");
  const describe = (node) =>
    `${node.name}: ${milliseconds(node.seconds)}, ${milliseconds(node.own_seconds)} of it its own${node.path ? ` (${node.path})` : ""}`;
  // Colours tell packages apart, nothing else.
  const hue = (name) => [...name.split(".")[0]].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) % 360, 7);

  function open(top, focus) {
    const shapes = [];
    let levels = 1;
    const place = (node, x, level) => {
      const w = (width * node.seconds) / top.seconds;
      if (w < 1) return;
      levels = Math.max(levels, level + 1);
      const said = describe(node);
      shapes.push(draw("g", { ...pressable(said, () => open(node, true)), onmouseenter: () => { hint.textContent = said; }, onfocus: () => { hint.textContent = said; } },
        draw("rect", { x, y: level * row, width: w, height: row - 1, fill: `hsl(${hue(node.name)} 45% 32%)` }, draw("title", {}, said)),
        label(`${node.name} ${milliseconds(node.seconds)}`, x, level * row + 14, w, { class: "onfill" })));
      let at = x;
      for (const child of node.children) {
        place(child, at, level + 1);
        at += (width * child.seconds) / top.seconds;
      }
    };
    place(top, 0, 0);
    svg.setAttribute("viewBox", `0 0 ${width} ${levels * row}`);
    svg.replaceChildren(...shapes);
    back.hidden = top === root;
    hint.textContent = "Click an import, or press Enter on it, to see it alone; arrow keys move, Escape shows all.";
    settle();
    if (focus) svg.querySelector("[tabindex]").focus();
  }
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); open(root, true); }
  });
  open(root, false);
  return part("import-times", `Import times: ${milliseconds(test.seconds || root.seconds)}`,
    make("p", { class: "soft" }, test.proof), make("div", { class: "bar" }, back), svg, hint);
}
