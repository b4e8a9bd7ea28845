// Puts the page together. Data are those of the JSON report, with the pages of the checks that found something.
function distributionsPart(report) {
  const rows = report.details.distributions;
  if (!rows.length) return null;
  const direct = "your code";
  const columns = [
    ["Distribution", (row) => row.name, (row) => row.name, ""],
    ["Version", (row) => row.version, (row) => row.version, ""],
    ["Size", (row) => row.bytes, (row) => bytesText(row.bytes), "number"],
    ["Files", (row) => row.files, (row) => row.files.toLocaleString("en"), "number"],
    ["Import", (row) => row.import_seconds || 0, (row) => (row.import_seconds === null ? "—" : milliseconds(row.import_seconds)), "number"],
    ["Required by", (row) => row.required_by.join(), (row) => row.required_by.join(", ") || direct, ""],
  ];
  const body = make("tbody");
  let sorted = { column: 2, up: false };
  const search = make("input", { type: "search", placeholder: "Filter", "aria-label": "Filter the distributions", oninput: show });
  const heads = columns.map(([title, , , kind], index) => make("th", { class: kind, scope: "col" },
    make("button", { type: "button", onclick: () => sort(index) }, title)));
  function sort(column) {
    sorted = { column, up: sorted.column === column ? !sorted.up : columns[column][3] !== "number" };
    show();
  }
  function show() {
    const value = columns[sorted.column][1];
    const order = sorted.up ? 1 : -1;
    const wanted = search.value.toLowerCase();
    const kept = rows.filter((row) => `${row.name} ${row.version}`.toLowerCase().includes(wanted));
    kept.sort((a, b) => (value(a) < value(b) ? -order : value(a) > value(b) ? order : 0));
    heads.forEach((head, index) => head.setAttribute("aria-sort", index !== sorted.column ? "none" : sorted.up ? "ascending" : "descending"));
    body.replaceChildren(...kept.map((row) => make("tr", {}, columns.map(([, , text, kind]) => make("td", { class: kind }, text(row))))));
  }
  show();
  return part("distributions", "Distributions", make("div", { class: "bar" }, search),
    make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, heads)), body)));
}

function headOf(report, several, choose) {
  const { artifact } = report;
  const share = (100 * artifact.unzipped_size) / report.summary.size_limit;
  const test = report.import_test;
  const tested = { ok: "passed", failed: "failed", "not-run": "not run" };
  const fact = (name, ...value) => make("li", {}, make("b", {}, name), ...value);
  return [
    make("h1", {}, make("span", { class: `verdict ${report.verdict}`, id: "verdict" }, report.verdict === "pass" ? "Passes" : "Fails"), artifact.path),
    several ? make("div", { class: "bar" }, make("label", {}, "Report ", choose)) : null,
    make("ul", { class: "facts" },
      fact("Runtime", `${report.runtime} ${report.architecture}`),
      fact("Handler", make("code", {}, report.handler || "not given")),
      artifact.zipped_size === null ? null : fact("Zipped", bytesText(artifact.zipped_size)),
      fact("Unzipped", `${bytesText(artifact.unzipped_size)}, ${share.toFixed(1)} % of ${bytesText(report.summary.size_limit)}`,
        make("div", { class: share > 100 ? "meter full" : "meter", "aria-hidden": "true" }, make("span", { style: `width:${Math.min(share, 100)}%` }))),
      fact("Files", artifact.files.toLocaleString("en")),
      test ? fact("Import test", tested[test.status], test.seconds === null ? "" : ` in ${milliseconds(test.seconds)}`,
        test.status === "not-run" ? make("div", { class: "soft" }, test.reason) : null) : null,
      test && test.peak_bytes ? fact("Peak memory", bytesText(test.peak_bytes)) : null,
      artifact.sha256 ? fact("SHA-256", make("code", {}, artifact.sha256)) : null),
  ];
}

function start() {
  const { reports, diagnosis, pages, tool } = JSON.parse(document.getElementById("data").textContent);
  if (diagnosis) {
    showDiagnosis(diagnosis, pages, tool);
    return;
  }
  const choose = make("select", { "aria-label": "Report", onchange: () => show(reports[choose.selectedIndex]) },
    reports.map((report) => make("option", {}, `${report.artifact.path} on ${report.runtime} ${report.architecture}: ${report.verdict}s`)));
  function show(report) {
    document.getElementById("head").replaceChildren(...headOf(report, reports.length > 1, choose).filter(Boolean));
    const parts = [findingsPart(report, pages), treemapPart(report), flamePart(report), nativeGraphPart(report), distributionsPart(report)].filter(Boolean);
    document.getElementById("main").replaceChildren(...parts, make("p", { class: "soft" }, `lambdapack ${tool.version}`));
    document.getElementById("parts").replaceChildren(make("ul", {}, parts.map((section) =>
      make("li", {}, make("a", { href: `#${section.id}` }, section.firstChild.textContent.split(":")[0])))));
  }
  show(reports[0]);
}

start();
