import { fetchHTML, parse } from "./fetch";

// polling asks again for every element with data-poll, while the page is in
// view, and puts the answer in its place. An answer that isn't asked for again
// (the first hit has arrived) ends it. A server that is away is asked more and
// more slowly, a minute at most.
export function polling(root: ParentNode, enhance: (root: ParentNode) => void): void {
  for (const el of root.querySelectorAll<HTMLElement>("[data-poll]")) poll(el, enhance);
}

function poll(el: HTMLElement, enhance: (root: ParentNode) => void): void {
  const every = Number(el.dataset.every) || 5000;
  let wait = every;
  const again = () => setTimeout(ask, wait);
  const ask = async () => {
    if (!el.isConnected) return;
    if (el.closest("[data-paused]")) return again();
    if (document.hidden) {
      document.addEventListener("visibilitychange", ask, { once: true });
      return;
    }
    try {
      const got = await fetchHTML(el.dataset.poll!, true);
      if (!got.ok) throw new Error(got.html);
      const next = parse(got.html).body.firstElementChild as HTMLElement | null;
      wait = every;
      if (next && el.isConnected && !el.closest("[data-paused]") && next.outerHTML !== el.outerHTML) {
        const focused = el.contains(document.activeElement) ? named(document.activeElement as HTMLElement) : undefined;
        el.replaceWith(next);
        const box = document.createElement("div");
        next.before(box);
        box.append(next);
        enhance(box);
        box.replaceWith(next);
        if (focused) (next.matches(focused) ? next : next.querySelector<HTMLElement>(focused))?.focus({ preventScroll: true });
        return;
      }
    } catch {
      wait = Math.min(wait * 2, 60_000);
    }
    again();
  };
  again();
}

// named finds an element again in the next answer: by its test's name, or by
// where it leads.
function named(el: HTMLElement): string | undefined {
  if (el.dataset.test) return `[data-test="${el.dataset.test}"]`;
  const href = el.getAttribute("href");
  return href ? `[href="${CSS.escape(href)}"]` : undefined;
}
