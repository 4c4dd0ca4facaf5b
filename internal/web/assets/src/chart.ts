// The chart is drawn by the server; this adds a pointer that reads it: by
// mouse, finger and arrow keys; dragging zooms, a double press goes back. The
// numbers are those of the table beneath, so there is no second copy of them.

interface Point {
  x: number; // percent
  y?: number;
  before?: number;
  row: HTMLTableRowElement;
}

const svgNS = "http://www.w3.org/2000/svg";

export function charts(root: ParentNode): void {
  for (const figure of root.querySelectorAll<HTMLElement>("[data-chart]")) chart(figure);
}

function chart(figure: HTMLElement): void {
  const plot = figure.querySelector<HTMLElement>("[data-plot]");
  const table = figure.querySelector<HTMLTableElement>("[data-points]");
  const tip = figure.querySelector<HTMLElement>("[data-tip]");
  const said = figure.querySelector<HTMLElement>("[data-said]");
  const layer = figure.querySelector<SVGGElement>("[data-cursor]");
  if (!plot || !table || !tip || !said || !layer) return;
  const parts = [...table.querySelectorAll<HTMLElement>("thead th")].map((th) => th.dataset.part);
  const heads = [...table.querySelectorAll("thead th")].map((th) => th.textContent ?? "");
  const main = Number(table.dataset.main) + 1; // the first column is time
  const points: Point[] = [...table.tBodies[0]!.rows].map((row) => ({
    x: Number(row.dataset.x),
    y: row.dataset.y ? Number(row.dataset.y) : undefined,
    before: row.dataset.by ? Number(row.dataset.by) : undefined,
    row,
  }));
  if (points.length === 0) return;
  let at = -1;
  let from = -1; // where a drag began

  const nearest = (clientX: number) => {
    const box = plot.getBoundingClientRect();
    const x = (100 * (clientX - box.left)) / box.width;
    let best = 0;
    points.forEach((p, i) => {
      if (Math.abs(p.x - x) < Math.abs(points[best]!.x - x)) best = i;
    });
    return best;
  };

  const shape = (name: string, attributes: Record<string, string | number>) => {
    const el = document.createElementNS(svgNS, name);
    for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, String(v));
    layer.append(el);
  };

  function words(p: Point): [string, string][] {
    const cells = [...p.row.cells].map((c) => (c.textContent ?? "").trim().replace(/\s+/g, " "));
    return cells.slice(1).map((value, i) => [heads[i + 1] ?? "", value]);
  }

  function show(i: number): void {
    at = Math.max(0, Math.min(points.length - 1, i));
    const p = points[at]!;
    layer!.replaceChildren();
    if (from >= 0 && from !== at) {
      const [a, b] = [points[from]!.x, p.x].sort((m, n) => m - n);
      shape("rect", { class: "zoom", x: a + "%", width: b! - a! + "%", y: 0, height: "100%" });
    }
    shape("line", { class: "cursor", x1: p.x + "%", x2: p.x + "%", y1: 0, y2: "100%" });
    if (p.before !== undefined) shape("circle", { class: "dot-before", cx: p.x + "%", cy: p.before + "%", r: 3 });
    if (p.y !== undefined) shape("circle", { class: "dot", cx: p.x + "%", cy: p.y + "%", r: 4 });

    const when = document.createElement("b");
    when.textContent = (p.row.cells[0]!.textContent ?? "").trim().replace(/\s+/g, " ");
    const list = document.createElement("dl");
    words(p).forEach(([name, value], n) => {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = name;
      dd.textContent = value;
      dt.dataset.part = parts[n + 1] ?? "";
      if (n + 1 === main) dt.className = dd.className = "tip-main";
      list.append(dt, dd);
    });
    tip!.replaceChildren(when, list);
    tip!.hidden = false;
    const width = plot!.clientWidth;
    const x = (p.x / 100) * width;
    const left = x + 16 + tip!.offsetWidth <= width ? x + 16 : x - 16 - tip!.offsetWidth;
    tip!.style.left = Math.max(0, Math.min(left, width - tip!.offsetWidth)) + "px";
  }

  function say(): void {
    const p = points[at];
    if (!p) return;
    const [name, value] = words(p)[main - 1] ?? ["", ""];
    said!.textContent = `${(p.row.cells[0]!.textContent ?? "").trim()}: ${name} ${value}`;
  }

  function hide(): void {
    at = from = -1;
    layer!.replaceChildren();
    tip!.hidden = true;
  }

  function zoom(a: number, b: number): void {
    const [first, last] = a < b ? [points[a]!, points[b]!] : [points[b]!, points[a]!];
    const { from: start } = first.row.dataset;
    const { to: end } = last.row.dataset;
    if (!start || !end) return hide();
    const url = new URL(location.href);
    url.searchParams.delete("period");
    url.searchParams.delete("interval");
    url.searchParams.set("from", start);
    url.searchParams.set("to", end);
    document.dispatchEvent(new CustomEvent("moonbear:go", { detail: url.pathname + url.search }));
  }

  plot.addEventListener("pointermove", (e) => show(nearest(e.clientX)));
  plot.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 || e.pointerType !== "mouse") return show(nearest(e.clientX));
    from = nearest(e.clientX);
    plot.setPointerCapture(e.pointerId);
  });
  plot.addEventListener("pointerup", (e) => {
    const [a, b] = [from, nearest(e.clientX)];
    from = -1;
    if (a >= 0 && a !== b) zoom(a, b);
  });
  plot.addEventListener("pointercancel", hide);
  // A finger leaves when it is lifted, and only then has read anything.
  plot.addEventListener("pointerleave", (e) => e.pointerType === "mouse" && from < 0 && hide());
  plot.addEventListener("blur", hide);
  const out = () => plot.dataset.out && document.dispatchEvent(new CustomEvent("moonbear:go", { detail: plot.dataset.out }));
  plot.addEventListener("dblclick", out);
  plot.addEventListener("keydown", (e) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7 };
    if (e.key in steps) show(at < 0 ? points.length - 1 : at + steps[e.key]!);
    else if (e.key === "Home") show(0);
    else if (e.key === "End") show(points.length - 1);
    else if (e.key === "Enter" && at >= 0) return zoom(at, at);
    else if (e.key === "Escape") return at >= 0 ? hide() : void out();
    else return;
    e.preventDefault();
    say();
  });
}
