// Draws the plots of a page, and links those that show the same rows: what is brushed in one stands out in all others.
(() => {
  "use strict";
  const page = JSON.parse(document.getElementById("drawing").textContent);
  const views = [];
  let owner = null;

  // The table comes as columns, which take half the room of rows.
  const names = Object.keys(page.columns);
  const rowsOf = () => (page.columns.row ?? []).map((_, i) => Object.fromEntries(names.map((name) => [name, page.columns[name][i]])));
  const drawn = rowsOf();

  // The rows within all ranges, or with one of the names, by their number; null where there is no range.
  const within = (ranges) => {
    const limits = Object.entries(ranges);
    if (!limits.length) return null;
    const holds = (row) => limits.every(([field, ends]) => typeof ends[0] === "number"
      ? row[field] !== null && Math.min(...ends) <= row[field] && row[field] <= Math.max(...ends)
      : ends.includes(row[field]));
    return Object.fromEntries(drawn.filter(holds).map((row) => [row.row, true]));
  };

  const brush = (view, ranges) => {
    const brushed = within(ranges);
    const takesOver = owner !== view;
    owner = brushed === null ? null : view;
    for (const other of views) {
      if (takesOver && other !== view) {
        const sides = Object.keys(other.getState({signals: (name) => /^brush_[xy]$/.test(name), data: () => false}).signals);
        for (const side of sides) other.signal(side, [0, 0]);
      }
      other.signal("brushed", brushed).runAsync();
    }
    const said = document.getElementById("brushed");
    const count = brushed === null ? 0 : Object.keys(brushed).length;
    said.textContent = brushed === null ? said.dataset.none : `${count} of ${drawn.length} ${said.dataset.rows} brushed.`;
  };

  // A mouse moves faster than many rows are drawn: what counts is the last of its moves within a frame.
  let latest = null;
  const brushSoon = (view, ranges) => {
    if (!Object.keys(ranges).length && owner !== view) return; // another brush took its place
    if (!latest) requestAnimationFrame(() => {
      const [from, to] = latest;
      latest = null;
      brush(from, to);
    });
    latest = [view, ranges];
  };

  const sized = (spec) => ({...spec, width: "container", autosize: {type: "fit-x", contains: "padding"}, datasets: {[page.name]: rowsOf()}});

  const draw = async ([name, spec]) => {
    const {view} = await vegaEmbed(`#plot-${name}`, sized(spec), {
      actions: false, ast: true, config: page.theme, renderer: "svg",
    });
    if (spec.params?.some((one) => one.name === "brushed")) views.push(view);
    // A plot without a brush refuses.
    try { view.addSignalListener("brush", (_, ranges) => brushSoon(view, ranges)); } catch { /* nothing to listen to */ }
  };

  Promise.all(Object.entries(page.plots).map(draw)).then(() => { document.documentElement.dataset.plots = "drawn"; });
})();
