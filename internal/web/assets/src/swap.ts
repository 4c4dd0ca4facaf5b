import { fetchHTML, parse, slowly } from "./fetch";

// swapping makes the dashboard's links change the page in place: what is
// known stays while the new comes, the address follows, Back works. Whatever
// goes wrong ends in an ordinary page load.
export function swapping(enhance: (root: ParentNode) => void): void {
  let running: AbortController | undefined;
  let shown = location.pathname + location.search;

  async function go(url: string, push: boolean): Promise<void> {
    running?.abort();
    const mine = (running = new AbortController());
    const old = document.querySelector<HTMLElement>("[data-dashboard]");
    if (!old) return location.assign(url);
    old.setAttribute("aria-busy", "true");
    try {
      const got = await slowly(fetchHTML(url, false, mine.signal));
      const page = parse(got.html);
      const next = page.querySelector<HTMLElement>("[data-dashboard]");
      if (!got.ok || !next) return location.assign(url);
      const at = focusPath();
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
    } catch (e) {
      if (!mine.signal.aborted) location.assign(url);
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
      void go(link.href, true);
    }
  });

  addEventListener("popstate", () => {
    const to = location.pathname + location.search;
    if (to !== shown) void go(to, false);
  });
  document.addEventListener("moonbear:go", (e) => void go((e as CustomEvent<string>).detail, true));
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

// focusPath names the focused element so that it is found again in the new page.
function focusPath(): string | undefined {
  const el = document.activeElement as HTMLElement | null;
  if (!el || el === document.body) return;
  const named = el.dataset.test ?? el.closest<HTMLElement>("[data-test]")?.dataset.test;
  return named && `[data-test="${named}"]`;
}

function refocus(path: string | undefined): void {
  if (!path) return;
  const el = document.querySelector<HTMLElement>(path);
  if (!el) return;
  if (!el.matches("a, button, input, select, summary, [tabindex]")) el.tabIndex = -1;
  el.focus({ preventScroll: true });
}
