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
    if (document.hidden) {
      document.addEventListener("visibilitychange", ask, { once: true });
      return;
    }
    try {
      const got = await fetchHTML(el.dataset.poll!, true);
      if (!got.ok) throw new Error(got.html);
      const next = parse(got.html).body.firstElementChild as HTMLElement | null;
      wait = every;
      if (next && el.isConnected && next.outerHTML !== el.outerHTML) {
        const focused = el.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.test : undefined;
        el.replaceWith(next);
        if (focused) next.querySelector<HTMLElement>(`[data-test="${focused}"]`)?.focus();
        const box = document.createElement("div");
        next.before(box);
        box.append(next);
        enhance(box);
        box.replaceWith(next);
        return;
      }
    } catch {
      wait = Math.min(wait * 2, 60_000);
    }
    again();
  };
  again();
}
