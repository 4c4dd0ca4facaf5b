// maps makes the map's links work in place (links in SVG have no href a string)
// and says at once what the pointer is on: a title takes a second to show.
export function maps(root: ParentNode): void {
  for (const map of root.querySelectorAll<HTMLElement>("[data-map]")) {
    const tip = map.querySelector<HTMLElement>("[data-map-tip]")!;
    const words = new Map<Element, string>();
    for (const title of map.querySelectorAll(".map-place > title")) {
      words.set(title.parentElement!, title.textContent ?? "");
      title.remove();
    }
    const at = (e: Event) => (e.target as Element).closest?.(".map-place");
    map.addEventListener("pointermove", (e) => {
      const place = at(e);
      tip.hidden = !place;
      if (!place) return;
      tip.textContent = words.get(place) ?? "";
      const box = map.getBoundingClientRect();
      const x = Math.min(Math.max(e.clientX - box.left - tip.offsetWidth / 2, 0), box.width - tip.offsetWidth);
      const y = e.clientY - box.top - tip.offsetHeight - 12;
      tip.style.left = x + "px";
      tip.style.top = (y < 0 ? e.clientY - box.top + 20 : y) + "px";
    });
    map.addEventListener("pointerleave", () => (tip.hidden = true));
    map.addEventListener("click", (e) => {
      const place = at(e);
      if (!place || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey) return;
      const to = place.getAttribute(e.altKey && place.hasAttribute("data-exclude") ? "data-exclude" : "href")!;
      e.preventDefault();
      document.dispatchEvent(new CustomEvent("moonbear:go", { detail: to }));
    });
  }
}
