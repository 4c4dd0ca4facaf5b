import { fetchHTML, parse, slowly } from "./fetch";

// swapping makes the dashboard's links change the page in place: what is
// known stays while the new comes, the address follows, Back works. Whatever
// goes wrong ends in an ordinary page load.
export function swapping(enhance: (root: ParentNode) => void): void {
  let running: AbortController | undefined;
  let shown = location.pathname + location.search;

  // quiet is for a refresh nobody asked for: it shows nothing while it runs.
  async function go(url: string, push: boolean, quiet = false): Promise<void> {
    running?.abort();
    const mine = (running = new AbortController());
    const old = document.querySelector<HTMLElement>("[data-dashboard]");
    if (!old) return location.assign(url);
    if (!quiet) old.setAttribute("aria-busy", "true");
    try {
      const asked = fetchHTML(url, false, mine.signal);
      const got = await (quiet ? asked : slowly(asked));
      if (quiet && (!got.ok || touched())) return;
      const page = parse(got.html);
      const next = page.querySelector<HTMLElement>("[data-dashboard]");
      if (!got.ok || !next) return location.assign(url);
      const at = focusPath();
      offline(false);
      old.replaceWith(next);
      for (const id of ["site-bar"]) {
        const to = page.getElementById(id);
        if (to) document.getElementById(id)?.replaceWith(to);
      }
      document.title = page.title;
      if (push) history.pushState(null, "", got.url);
      shown = location.pathname + location.search;
      enhance(document.getElementById("site-bar") ?? next);
      enhance(next);
      refocus(at);
      next.querySelector<HTMLElement>("details.menu[open] :is(select, input:not([type=hidden]))")?.focus();
    } catch (e) {
      if (mine.signal.aborted) return;
      if (e instanceof TypeError) return offline(true, () => void go(url, push)); // the network's error
      location.assign(url);
    } finally {
      old.removeAttribute("aria-busy");
    }
  }

  async function panel(link: HTMLAnchorElement): Promise<void> {
    const box = link.closest<HTMLElement>("[data-panel]")!;
    box.setAttribute("aria-busy", "true");
    const height = box.offsetHeight;
    try {
      const got = await slowly(fetchHTML(link.dataset.fragment!, true));
      const next = parse(got.html).querySelector<HTMLElement>("[data-panel]");
      if (!next) return location.assign(link.href);
      next.style.minHeight = height + "px";
      box.replaceWith(next);
      const url = new URL(link.href);
      history.replaceState(null, "", url.pathname + url.search);
      shown = location.pathname + location.search;
      enhance(next);
      const links = [...next.querySelectorAll<HTMLElement>("[data-fragment]")];
      links.find((a) => a.dataset.fragment === link.dataset.fragment)?.focus();
      remember(next, url);
    } catch {
      location.assign(link.href);
    }
  }

  document.addEventListener("click", (e) => {
    const link = (e.target as Element).closest?.<HTMLAnchorElement>("a[href]");
    if (!link || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || link.target) return;
    if (!document.querySelector("[data-dashboard]")) return;
    if (e.altKey && link.dataset.exclude) {
      e.preventDefault();
      void go(link.dataset.exclude, true);
    } else if (e.altKey) {
      return;
    } else if (link.dataset.fragment) {
      e.preventDefault();
      void panel(link);
    } else if (link.hasAttribute("data-swap") || link.closest(".tools .menu-box")) {
      e.preventDefault();
      void go(link.href, link.dataset.swap !== "still");
    }
  });

  document.addEventListener("submit", (e) => {
    const form = e.target as HTMLFormElement;
    if (!form.hasAttribute("data-swap-form") || e.defaultPrevented) return;
    e.preventDefault();
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") asked.append(name, value);
    void go(`${new URL(form.action).pathname}?${asked}`, true);
  });

  addEventListener("popstate", () => {
    const to = location.pathname + location.search;
    if (to !== shown) void go(to, false);
  });
  document.addEventListener("moonbear:go", (e) => void go((e as CustomEvent<string>).detail, true));
  document.addEventListener("moonbear:reload", () => void go(shown, false));

  // A period that isn't over is asked for again each minute, while it is looked
  // at and nobody is doing anything with it.
  setInterval(() => {
    if (document.querySelector("[data-dashboard][data-refresh]") && !document.hidden && !touched()) void go(shown, false, true);
  }, 60_000);
}

// touched says that the page is in use: a menu or table is open, the chart is
// read, text is selected, a field has the focus.
function touched(): boolean {
  return (
    !!document.querySelector("details[open], dialog[open], [data-tip]:not([hidden]), [popover]:popover-open, [aria-busy=true]") ||
    !(getSelection()?.isCollapsed ?? true) ||
    !!document.activeElement?.matches("input, select, textarea")
  );
}

// offline says in place that the server can't be reached; again tries it once more.
function offline(lost: boolean, again?: () => void): void {
  const note = document.querySelector<HTMLElement>("[data-offline]");
  if (!note) return;
  note.hidden = !lost;
  const retry = note.querySelector<HTMLButtonElement>("[data-retry]");
  if (retry) retry.onclick = again ?? null;
}

// remember writes what was chosen in a panel into the page's other links, so
// that the next press keeps it.
function remember(box: HTMLElement, from: URL): void {
  const keep = (href: string) => {
    const u = new URL(href, location.href);
    for (const name of (box.dataset.params ?? "").split(" ")) {
      const value = from.searchParams.get(name);
      if (value === null) u.searchParams.delete(name);
      else u.searchParams.set(name, value);
    }
    return u.pathname + u.search + u.hash;
  };
  for (const a of document.querySelectorAll<HTMLAnchorElement>("[data-dashboard] a[href^='/sites/']")) {
    if (box.contains(a)) continue;
    const panel = a.dataset.fragment && a.closest<HTMLElement>("[data-panel]");
    a.setAttribute("href", keep(a.getAttribute("href")!));
    if (a.dataset.exclude) a.dataset.exclude = keep(a.dataset.exclude);
    if (panel) a.dataset.fragment = keep(a.dataset.fragment!);
  }
}

// focusPath finds the focused element again in the new page: a row by what it
// says, or else its panel's first row.
function focusPath(): (() => HTMLElement | null | undefined) | undefined {
  const el = document.activeElement as HTMLElement | null;
  if (!el || el === document.body) return;
  const panel = el.closest<HTMLElement>("[data-panel]")?.id;
  const row = el.closest("li")?.querySelector(".row-label")?.textContent;
  if (panel && row) {
    return () => {
      const rows = [...document.querySelectorAll<HTMLElement>(`#${panel} .row-label`)];
      return rows.find((r) => r.textContent === row) ?? rows[0] ?? document.querySelector<HTMLElement>(`#${panel} .tabs a`);
    };
  }
  const named = el.dataset.test ?? el.closest<HTMLElement>("[data-test]")?.dataset.test;
  return () => (named ? document.querySelector<HTMLElement>(`[data-test="${named}"]`) : null);
}

function refocus(find: ReturnType<typeof focusPath>): void {
  let el = find?.();
  if (!el) return;
  if (el.matches("details")) el = el.querySelector("summary");
  if (!el) return;
  if (!el.matches("a, button, input, select, summary, [tabindex]")) el.tabIndex = -1;
  el.focus({ preventScroll: true });
}
