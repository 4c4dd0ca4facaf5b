// pausing lets the reader stop the live view, so that what is read stays.
export function pausing(): void {
  const page = document.querySelector<HTMLElement>("[data-live]");
  const button = page?.querySelector<HTMLButtonElement>("[data-live-pause]");
  const state = page?.querySelector<HTMLElement>("[data-live-state]");
  if (!page || !button || !state) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const paused = page.toggleAttribute("data-paused");
    button.textContent = (paused ? button.dataset.resume : button.dataset.pause)!;
    state.textContent = (paused ? state.dataset.pausedWords : state.dataset.going)!;
  });
}
