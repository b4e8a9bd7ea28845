// From the handler to native code: who imports it, the file, the sonames it needs, who provides them.
const REST = "your code";

function nativeGraphPart(report) {
  const { details } = report;
  const natives = new Map(details.native.map((item) => [item.path, item]));
  const owner = new Map(details.files.map((file) => [file.path, file.distribution || REST]));
  const modules = new Map(details.modules.map((item) => [item.name, item]));
  const loaded = details.modules.filter((item) => item.kind === "extension" && natives.has(item.path));
  const importer = new Map(loaded.map((item) => [item.path, item.importer]));
  const shown = loaded.length ? loaded.map((item) => item.path) : [...natives.keys()];
  if (!shown.length) return null;
  const owners = [...new Set(shown.map((path) => owner.get(path) || REST))].sort();
  const lacking = (path) => Object.values(natives.get(path).provided).includes(null);
  const first = owners.find((name) => shown.some((path) => owner.get(path) === name && lacking(path))) || owners[0];

  const svg = draw("svg", { id: "native-graph", role: "group", "aria-label": "Native code and what it needs" });
  const settle = roving(svg);
  const chooser = make("select", { "aria-label": "Distribution", onchange: () => show(chooser.value) },
    owners.map((name) => make("option", { value: name, selected: name === first }, name)));
  const way = make("p", { class: "hint", "aria-live": "polite" });

  function chainOf(path) {
    const names = [];
    for (let name = importer.get(path); name && names.length < 40; name = modules.get(name) && modules.get(name).importer) names.unshift(name);
    return [report.handler, ...names.filter((name) => name !== report.handler), path].filter(Boolean);
  }

  function show(name) {
    const files = shown.filter((path) => (owner.get(path) || REST) === name);
    const columns = [[], [], [], []];
    const edges = [];
    const seen = new Map();
    const node = (column, id, text, kind) => {
      const key = `${column}:${id}`;
      if (!seen.has(key)) {
        seen.set(key, { key, column, text, kind, row: columns[column].length });
        columns[column].push(seen.get(key));
      }
      return seen.get(key);
    };
    const visit = (path, by) => {
      const file = natives.get(path);
      if (!file) return;
      const known = seen.has(`1:${path}`);
      const at = node(1, path, path.split("/").pop(), "");
      at.path = path;
      if (by) edges.push([by, at]);
      if (known) return;
      for (const soname of file.needed) {
        const provider = file.provided[soname];
        const need = node(2, soname, soname, provider === null ? "missing" : "");
        const source = provider === null ? "nobody: it is missing" : provider === "runtime" ? `the runtime (${report.runtime})` : provider;
        const from = node(3, provider === null ? "missing" : source, source, provider === null ? "missing" : "");
        edges.push([at, need], [need, from]);
        if (provider && provider !== "runtime") visit(provider, null);
      }
    };
    for (const path of files) {
      const by = importer.get(path);
      visit(path, by ? node(0, by, by, "") : null);
    }
    paint(columns, edges);
  }

  function paint(columns, edges) {
    const width = 1140;
    const row = 26;
    const titles = ["imported by", "file", "needs", "provided by"];
    const left = [0, 270, 560, 800];
    const wide = [230, 250, 200, 340];
    const height = 30 + row * Math.max(...columns.map((column) => column.length));
    const middle = (item) => 30 + item.row * row + 10;
    const paths = [...new Map(edges.map(([a, b]) => [`${a.key}>${b.key}`, [a, b]])).values()].map(([a, b]) => {
      const [x1, x2] = [left[a.column] + wide[a.column], left[b.column]];
      const curve = draw("path", {
        d: `M${x1},${middle(a)} C${(x1 + x2) / 2},${middle(a)} ${(x1 + x2) / 2},${middle(b)} ${x2},${middle(b)}`,
        class: b.kind === "missing" ? "edge missing" : "edge",
      });
      return { a, b, curve };
    });
    const boxes = new Map();
    const mark = (item) => {
      const near = new Set([item.key]);
      // Both ways: what led here, and what this needs.
      for (const [from, to] of [["a", "b"], ["b", "a"]]) {
        const queue = [item.key];
        while (queue.length) {
          const key = queue.pop();
          for (const edge of paths) {
            if (edge[from].key === key && !queue.includes(edge[to].key)) {
              near.add(edge[to].key);
              queue.push(edge[to].key);
            }
          }
        }
      }
      for (const { a, b, curve } of paths) curve.classList.toggle("on", near.has(a.key) && near.has(b.key));
      for (const [key, box] of boxes) box.classList.toggle("on", near.has(key));
      way.textContent = item.path && importer.has(item.path) ? chainOf(item.path).join(" › ") : item.text;
    };
    for (const item of columns.flat()) {
      boxes.set(item.key, draw("g", { class: `node ${item.kind}`, ...pressable(`${titles[item.column]}: ${item.text}`, () => mark(item)), onfocus: () => mark(item), onmouseenter: () => mark(item) },
        draw("rect", { x: left[item.column], y: middle(item) - 10, width: wide[item.column], height: 20, rx: 3 }, draw("title", {}, item.path || item.text)),
        label(item.text, left[item.column], middle(item) + 4, wide[item.column])));
    }
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(
      ...titles.map((title, index) => draw("text", { x: left[index] + 4, y: 16 }, title)),
      ...paths.map(({ curve }) => curve), ...boxes.values());
    settle();
    way.textContent = "Point at a box, or move to it by the arrow keys, to see what belongs to it.";
  }

  show(first);
  return part("native", "Native code",
    make("p", { class: "soft" }, loaded.length
      ? `Importing the handler loads ${counted(loaded.length, "extension module")}.`
      : "What the handler loads is not known; these are all native files."),
    make("div", { class: "bar" }, make("label", {}, "Distribution ", chooser)), svg, way);
}
